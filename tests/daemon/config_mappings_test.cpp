#include "daemon/config_mappings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/config.h"

namespace postern {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

[[nodiscard]] std::vector<StaticMapping> good(std::string_view text) {
  auto config = parse_config(text, "postern.toml");
  if (config) return config->mappings;
  for (const auto& error : config.error()) ADD_FAILURE() << to_string(error);
  return {};
}

[[nodiscard]] std::vector<std::string> errors_of(std::string_view text) {
  const auto config = parse_config(text, "postern.toml");
  std::vector<std::string> errors;
  if (config) return errors;
  for (const auto& error : config.error()) errors.push_back(to_string(error));
  return errors;
}

[[nodiscard]] Endpoint at(const char* address, std::uint16_t port) {
  return {Address::parse(address).value(), port};
}

TEST(ConfigMappings, NoneUnlessWritten) {
  EXPECT_TRUE(good("").empty());
}

TEST(ConfigMappings, ReadsAForward) {
  const StaticMapping web{"web server",
                          Protocol::tcp,
                          at("192.168.1.10", 80),
                          8080,
                          {{*Prefix::parse("203.0.113.0/24")}, {*Prefix::parse("198.51.100.1")}}};
  EXPECT_THAT(good(R"([[mapping]]
name = "web server"
protocol = "tcp"
external_port = 8080
internal = "192.168.1.10:80"
remote = ["203.0.113.0/24", "198.51.100.1"]
)"),
              ElementsAre(web));
}

TEST(ConfigMappings, OneForBothProtocolsIsTwo) {
  const StaticMapping tcp{"game", Protocol::tcp, at("192.168.1.10", 3074), 3074};
  StaticMapping udp = tcp;
  udp.protocol = Protocol::udp;
  EXPECT_THAT(good("[[mapping]]\nname = \"game\"\nprotocol = \"both\"\n"
                   "internal = \"192.168.1.10:3074\"\n"),
              ElementsAre(tcp, udp));
}

TEST(ConfigMappings, ReadsAPinhole) {
  const StaticMapping ssh{
      "", Protocol::tcp, at("2001:db8::2", 22), 22, {{*Prefix::parse("2001:db8:1::/48")}}};
  EXPECT_THAT(good("[[mapping]]\nprotocol = \"tcp\"\ninternal = \"[2001:db8::2]:22\"\n"
                   "remote = \"2001:db8:1::/48\"\n"),
              ElementsAre(ssh));
}

TEST(ConfigMappings, SaysWhatIsWrongWhere) {
  const std::string intro = "[[mapping]]\nprotocol = \"tcp\"\n";
  const auto error_of = [&](const std::string& rest) {
    const auto errors = errors_of(intro + rest);
    EXPECT_EQ(errors.size(), 1U) << rest;
    return errors.empty() ? "" : errors.front();
  };
  EXPECT_THAT(error_of(""), HasSubstr("postern.toml:1: mapping.internal"));
  EXPECT_THAT(error_of("internal = \"192.168.1.10\"\n"),
              HasSubstr("postern.toml:3: mapping.internal"));
  EXPECT_THAT(error_of("internal = \"0.0.0.0:80\"\n"), HasSubstr("host's address"));
  EXPECT_THAT(error_of("internal = \"[fe80::1]:80\"\n"), HasSubstr("host's address"));
  EXPECT_THAT(error_of("internal = \"192.168.1.10:80\"\nexternal_port = 0\n"),
              HasSubstr("postern.toml:4: mapping.external_port"));
  EXPECT_THAT(error_of("internal = \"192.168.1.10:80\"\nexternal_port = 5351\n"),
              HasSubstr("gateway's own"));
  EXPECT_THAT(error_of("internal = \"[2001:db8::2]:80\"\nexternal_port = 81\n"),
              HasSubstr("not translated"));
  EXPECT_THAT(error_of("internal = \"192.168.1.10:80\"\nremote = \"2001:db8::/32\"\n"),
              HasSubstr("mapping.remote"));
  EXPECT_THAT(error_of("internal = \"192.168.1.10:80\"\nports = 3\n"), HasSubstr("ports"));
  EXPECT_THAT(errors_of("[[mapping]]\ninternal = \"192.168.1.10:80\"\n"),
              ElementsAre(HasSubstr("write \"tcp\", \"udp\" or \"both\"")));
}

TEST(ConfigMappings, TwoThatCollideAreAnError) {
  const std::string first =
      "[[mapping]]\nname = \"a\"\nprotocol = \"both\"\ninternal = \"192.168.1.10:80\"\n";
  const auto second = [&](const std::string& internal, const char* protocol) {
    return first + "[[mapping]]\nprotocol = \"" + protocol +
           "\"\nexternal_port = 80\ninternal = \"" + internal + "\"\n";
  };
  EXPECT_THAT(errors_of(second("192.168.1.11:81", "tcp")),
              ElementsAre(AllOf(HasSubstr("postern.toml:7: mapping.external_port"),
                                HasSubstr("tcp port 80"), HasSubstr("\"a\""))));
  EXPECT_EQ(errors_of(second("192.168.1.10:80", "both")).size(), 2U) << "said twice";
  EXPECT_TRUE(errors_of(second("[2001:db8::2]:80", "tcp")).empty());
}

}  // namespace
}  // namespace postern
