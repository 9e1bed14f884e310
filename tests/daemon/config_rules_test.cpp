#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/config.h"

// The tables [[rule]].
namespace postern {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

[[nodiscard]] std::vector<Rule> rules_of(const std::string& text) {
  const auto config = parse_config(text, "postern.toml");
  if (config) return config->rules;
  for (const auto& error : config.error()) ADD_FAILURE() << to_string(error);
  return {};
}

[[nodiscard]] std::vector<std::string> errors_of(const std::string& text) {
  const auto config = parse_config(text, "postern.toml");
  std::vector<std::string> errors;
  if (config) return errors;
  for (const auto& error : config.error()) errors.push_back(to_string(error));
  return errors;
}

/// What is wrong with a rule that has this line, its third one.
[[nodiscard]] std::vector<std::string> errors_with(const std::string& line,
                                                   const std::string& action = "allow") {
  return errors_of("[[rule]]\naction = \"" + action + "\"\n" + line + "\n");
}

TEST(ConfigRules, EveryConditionIsRead) {
  const auto rules = rules_of(R"(
lan = ["br-lan", "br-guest"]
[[rule]]
name = "the console"
action = "allow"
clients = ["192.168.1.0/24", "2001:db8::/64"]
interfaces = ["br-guest", "br-lan"]
macs = ["02:00:5e:10:00:0A", "02-00-5e-10-00-0b"]
protocols = ["upnp", "natpmp", "pcp"]
transport = "udp"
external_ports = "3074"
internal_ports = [3074]
for_others = true
min_lifetime = "10m"
max_lifetime = "2h"
quota = 3
)");
  ASSERT_EQ(rules.size(), 1U);
  const auto& rule = rules[0];
  EXPECT_EQ(rule.name, "the console");
  EXPECT_FALSE(rule.lan_clients);
  EXPECT_EQ(rule.client_prefixes.size(), 2U);
  EXPECT_THAT(rule.interfaces, ElementsAre("br-guest", "br-lan"));
  EXPECT_THAT(rule.macs, ElementsAre(MacAddress({2, 0, 0x5e, 0x10, 0, 0x0a}),
                                     MacAddress({2, 0, 0x5e, 0x10, 0, 0x0b})));
  EXPECT_THAT(rule.frontends, ElementsAre("upnp", "natpmp", "pcp"));
  EXPECT_EQ(rule.protocol, Protocol::udp);
  EXPECT_TRUE(rule.for_others);
  EXPECT_EQ(rule.min_lifetime, Seconds(600));
  EXPECT_EQ(rule.max_lifetime, Seconds(7200));
  EXPECT_EQ(rule.quota, 3U);
}

TEST(ConfigRules, WhatIsNotSaidIsNoCondition) {
  const auto rules = rules_of("[[rule]]\naction = \"allow\"\n[[rule]]\naction = \"deny\"\n");
  ASSERT_EQ(rules.size(), 2U);
  for (const auto& rule : rules) {
    EXPECT_TRUE(rule.lan_clients);
    EXPECT_THAT(rule.client_prefixes, IsEmpty());
    EXPECT_THAT(rule.interfaces, IsEmpty());
    EXPECT_THAT(rule.macs, IsEmpty());
    EXPECT_THAT(rule.frontends, IsEmpty());
    EXPECT_FALSE(rule.protocol);
    EXPECT_EQ(rule.external_ports, PortSet::all());
    EXPECT_EQ(rule.internal_ports, PortSet::all());
    EXPECT_FALSE(rule.min_lifetime || rule.max_lifetime || rule.quota);
  }
  EXPECT_EQ(rules[0].name, "rule 1");
  EXPECT_EQ(rules[1].name, "rule 2");
}

TEST(ConfigRules, ErrorsNameLineAndMend) {
  EXPECT_THAT(errors_with("macs = [\"02:00\"]"),
              ElementsAre(AllOf(HasSubstr("postern.toml:3: rule.macs contains \"02:00\""),
                                HasSubstr("02:00:5e:10:00:0a"))));
  EXPECT_THAT(errors_with("protocols = [\"nat-pmp\"]"),
              ElementsAre(AllOf(HasSubstr(":3: rule.protocols contains \"nat-pmp\""),
                                HasSubstr("\"natpmp\", \"pcp\" or \"upnp\""))));
  EXPECT_THAT(errors_with("protocols = \"udp\""), ElementsAre(HasSubstr("or transport = \"udp\"")));
  EXPECT_THAT(errors_with("transport = \"sctp\""),
              ElementsAre(AllOf(HasSubstr(":3: rule.transport is \"sctp\""),
                                HasSubstr("\"tcp\" or \"udp\""))));
  EXPECT_THAT(errors_with("quota = 0"), ElementsAre(HasSubstr(":3: rule.quota is not a whole")));
  EXPECT_THAT(errors_with("max_lifetime = \"2y\""),
              ElementsAre(HasSubstr(":3: rule.max_lifetime is not a duration")));
  EXPECT_THAT(errors_with("mac = \"02:00:5e:10:00:0a\""),
              ElementsAre(HasSubstr(":3: rule.mac is not a key")));
}

TEST(ConfigRules, InterfacesAreThoseOfTheLan) {
  const std::string rule = "[[rule]]\naction = \"allow\"\ninterfaces = [\"br-lan\", \"eth9\"]\n";
  EXPECT_THAT(errors_of("lan = [\"br-lan\"]\n" + rule),
              ElementsAre(AllOf(HasSubstr(":4: rule.interfaces names \"eth9\""),
                                HasSubstr("none of those in lan"))));
  EXPECT_THAT(errors_of(rule), IsEmpty()) << "which they are is not known yet";
}

TEST(ConfigRules, AMinimumIsNotAboveTheMaximum) {
  EXPECT_THAT(errors_with("min_lifetime = \"2h\"\nmax_lifetime = \"1h\""),
              ElementsAre(AllOf(HasSubstr(":3: rule.min_lifetime"), HasSubstr("max_lifetime"))));
  EXPECT_THAT(errors_with("min_lifetime = \"25h\""),
              ElementsAre(AllOf(HasSubstr(":3: rule.min_lifetime"), HasSubstr("lifetime.max"))));
  EXPECT_THAT(errors_with("min_lifetime = \"25h\"\nmax_lifetime = \"2d\""), IsEmpty());
}

TEST(ConfigRules, ARuleThatDeniesGrantsNothing) {
  for (const char* line :
       {"quota = 1", "min_lifetime = \"1h\"", "max_lifetime = \"1h\"", "for_others = true"}) {
    EXPECT_THAT(errors_with(line, "deny"),
                ElementsAre(HasSubstr("means nothing in a rule that denies")))
        << line;
  }
  EXPECT_THAT(errors_with("for_others = false", "deny"), IsEmpty());
}

}  // namespace
}  // namespace postern
