#include "ctl/import/permission.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "ctl/import/conf_reader.h"

namespace postern::test {
namespace {

using namespace ctl::miniupnpd;
using testing::ElementsAre;
using testing::HasSubstr;

[[nodiscard]] PermissionRule rule_of(std::string_view line) {
  const auto rule = parse_permission(line);
  EXPECT_TRUE(rule) << line << ": " << rule.error();
  return rule ? *rule : PermissionRule{};
}

TEST(Permission, AllParts) {
  const auto rule = rule_of("allow 1024-65535 192.168.1.77/24 22");
  EXPECT_TRUE(rule.allows);
  EXPECT_EQ(rule.external_ports.to_string(), "1024-65535");
  EXPECT_EQ(rule.hosts.to_string(), "192.168.1.0/24");
  EXPECT_EQ(rule.internal_ports.to_string(), "22");
  EXPECT_EQ(rule.description, "");
  EXPECT_EQ(rule.comment, "");
}

TEST(Permission, OtherWaysToWriteIt) {
  EXPECT_FALSE(rule_of("deny 80 10.0.0.1 80").allows);
  EXPECT_EQ(rule_of("deny 80 10.0.0.1 80").hosts.to_string(), "10.0.0.1/32");
  EXPECT_EQ(rule_of("deny 80 10.0.0.1/255.255.0.0 80").hosts.to_string(), "10.0.0.0/16");
  EXPECT_EQ(rule_of("allow80  10.0.0.1\t80").external_ports.to_string(), "80");
  EXPECT_EQ(rule_of("deny 0-65535 0.0.0.0/0 0-65535").internal_ports, PortSet::all());
}

TEST(Permission, PortsThatNeverMatch) {
  EXPECT_TRUE(rule_of("deny 0 0.0.0.0/0 1").external_ports.empty());
  EXPECT_TRUE(rule_of("deny 90-80 0.0.0.0/0 1").external_ports.empty());
}

TEST(Permission, WhatFollowsThePorts) {
  EXPECT_EQ(rule_of("deny 1-2 0.0.0.0/0 1-2 \"My \\\"app\\\" [0-9]*\"").description,
            "My \\\"app\\\" [0-9]*");
  EXPECT_EQ(rule_of("allow 1 10.0.0.0/8 1 # of the console ").comment, "of the console");
  EXPECT_EQ(rule_of("allow 1 10.0.0.0/8 1 #of the console").comment, "of the console");
}

TEST(Permission, WhatIsNone) {
  for (const auto* line :
       {"allow", "allow x 10.0.0.0/8 1", "allow 1-65536 10.0.0.0/8 1", "allow -1 10.0.0.0/8 1",
        "allow 1 10.0.0/8 1", "allow 1 10.0.0.0/33 1", "allow 1 10.0.0.0/255.0.255.0 1",
        "allow 1 2001:db8::/32 1", "allow 1 10.0.0.0/8", "allow 1 10.0.0.0/8 1,2",
        "allow 1 10.0.0.0/8 1 \"open", "allow 1 10.0.0.0/8 1 \"", "allow 1 10.0.0.0/8 1 more"}) {
    EXPECT_FALSE(parse_permission(line)) << line;
  }
}

TEST(ConfReader, OptionsAndRulesWithTheirLines) {
  const auto source = read_conf(
      "# remark\r\n\r\n  ext_ifname = eth0 \r\nallow 80 10.0.0.1/32 80\r\nfriendly_name=a=b\n"
      "deny 1 0.0.0.0/0 1\nset_learn_dscp \"app\" 3\nuuid=");
  ASSERT_TRUE(source);
  std::vector<std::string> options;
  for (const auto& option : source->options) {
    options.push_back(std::to_string(option.line) + " " + option.name + " " + option.value);
  }
  EXPECT_THAT(options, ElementsAre("3 ext_ifname eth0", "5 friendly_name a=b",
                                   "7 set_learn_dscp set_learn_dscp \"app\" 3", "8 uuid "));
  ASSERT_EQ(source->rules.size(), 2U);
  EXPECT_EQ(source->rules[0].line, 4U);
  EXPECT_EQ(source->rules[1].line, 6U);
}

TEST(ConfReader, EveryErrorWithItsLine) {
  const auto source = read_conf("ext_ifname\nallow 1 2 3\nport=1\ndeny all\n");
  ASSERT_FALSE(source);
  EXPECT_THAT(source.error(),
              ElementsAre(testing::Field(&Note::line, 1), testing::Field(&Note::line, 2),
                          testing::Field(&Note::line, 4)));
  EXPECT_THAT(source.error()[0].text, HasSubstr("neither option=value nor a rule"));
}

}  // namespace
}  // namespace postern::test
