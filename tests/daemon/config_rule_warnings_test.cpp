#include "daemon/config_rule_warnings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/config.h"

// Which rules are told to be of no use, and which are not.
namespace postern {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

[[nodiscard]] std::vector<std::string> warnings_of(const std::string& text) {
  const auto config = parse_config(text, "postern.toml");
  if (!config) {
    for (const auto& error : config.error()) ADD_FAILURE() << to_string(error);
    return {};
  }
  std::vector<std::string> warnings;
  for (const auto& warning : config->warnings) warnings.push_back(to_string(warning));
  return warnings;
}

/// Of two rules, "first" and "second", with these lines.
[[nodiscard]] std::vector<std::string> warnings_of(const std::string& first,
                                                   const std::string& second) {
  return warnings_of("[[rule]]\nname = \"first\"\n" + first + "\n[[rule]]\nname = \"second\"\n" +
                     second + "\n");
}

constexpr const char* kAllow = "action = \"allow\"\n";
constexpr const char* kDeny = "action = \"deny\"\n";

TEST(ConfigRuleWarnings, TheRuleAboveDecidesEverything) {
  for (const auto* action : {kAllow, kDeny}) {
    EXPECT_THAT(warnings_of(kDeny, action),
                ElementsAre("postern.toml:5: rule \"second\" can never decide, for all that it "
                            "matches is decided above, by \"first\""))
        << action;
  }
  EXPECT_THAT(warnings_of(std::string(kDeny) + "clients = [\"192.168.0.0/16\"]\nprotocols = "
                                               "[\"pcp\", \"upnp\"]\ntransport = \"udp\"\n"
                                               "interfaces = [\"a\", \"b\"]\nmacs = "
                                               "[\"02:00:5e:10:00:0a\"]",
                          std::string(kDeny) + "clients = [\"192.168.1.0/24\"]\nprotocols = "
                                               "[\"pcp\"]\ntransport = \"udp\"\ninterfaces = "
                                               "[\"b\"]\nmacs = [\"02:00:5e:10:00:0a\"]\n"
                                               "internal_ports = 80\nexternal_ports = 80"),
              ElementsAre(HasSubstr("by \"first\"")));
  EXPECT_THAT(warnings_of(std::string(kDeny) + "clients = [\"0.0.0.0/0\", \"::/0\"]", kAllow),
              ElementsAre(HasSubstr("by \"first\"")));
}

TEST(ConfigRuleWarnings, SeveralRulesAboveDecideEverything) {
  const std::string low =
      "[[rule]]\nname = \"low\"\naction = \"deny\"\nexternal_ports = "
      "\"1-1023\"\n";
  const std::string odd = "[[rule]]\nname = \"odd\"\naction = \"deny\"\nexternal_ports = 80\n";
  const std::string high =
      "[[rule]]\nname = \"high\"\naction = \"allow\"\nexternal_ports = "
      "\"1024-65535\"\n";
  const std::string rest = "[[rule]]\nname = \"rest\"\naction = \"allow\"\n";
  EXPECT_THAT(
      warnings_of(low + odd + high + rest),
      ElementsAre(HasSubstr("\"odd\" can never decide, for all that it matches is decided "
                            "above, by \"low\""),
                  AllOf(HasSubstr("postern.toml:13: "), HasSubstr("by \"low\", \"high\""))));
  EXPECT_THAT(warnings_of(low + rest + high), ElementsAre(HasSubstr("by \"rest\"")));
}

TEST(ConfigRuleWarnings, NothingIsSaidOfRulesThatMayDecide) {
  const auto all = std::string(kAllow);
  const auto none = std::string(kDeny);
  EXPECT_THAT(warnings_of(""), IsEmpty());
  EXPECT_THAT(warnings_of(none + "external_ports = \"1-79\"", all), IsEmpty());
  EXPECT_THAT(warnings_of(none + "internal_ports = \"1-79\"", all), IsEmpty());
  EXPECT_THAT(warnings_of(none + "transport = \"udp\"", all), IsEmpty());
  EXPECT_THAT(warnings_of(none + "transport = \"udp\"", all + "transport = \"tcp\""), IsEmpty());
  EXPECT_THAT(warnings_of(none + "protocols = [\"natpmp\", \"pcp\"]", all), IsEmpty());
  EXPECT_THAT(warnings_of(none + "interfaces = [\"a\"]", all), IsEmpty());
  EXPECT_THAT(
      warnings_of(none + "macs = [\"02:00:5e:10:00:0a\"]", none + "macs = [\"02:00:5e:10:00:0b\"]"),
      IsEmpty());
  EXPECT_THAT(warnings_of(none + "clients = [\"192.168.1.0/24\"]", all), IsEmpty())
      << "the LAN may be any other network";
  EXPECT_THAT(warnings_of(none, all + "clients = [\"10.0.0.0/8\"]"), IsEmpty())
      << "\"lan\" may mean none of them";
  EXPECT_THAT(warnings_of(none + "clients = [\"0.0.0.0/0\"]", all + "clients = [\"::/0\"]"),
              IsEmpty());
}

TEST(ConfigRuleWarnings, MappingForOthersIsAnotherMatter) {
  const auto all = std::string(kAllow);
  EXPECT_THAT(warnings_of(all, all + "for_others = true"), IsEmpty());
  EXPECT_THAT(warnings_of(all, kDeny), IsEmpty()) << "it denies mappings for others";
  EXPECT_THAT(warnings_of(all + "internal_ports = \"1024-65535\"",
                          all + "internal_ports = \"2000-3000\"\nprotocols = [\"pcp\"]\n"
                                "for_others = true"),
              ElementsAre(HasSubstr("by \"first\"")))
      << "PCP knows none";
}

TEST(ConfigRuleWarnings, SensitivePortsAreNotDecidedByRulesThatDoNotNameThem) {
  EXPECT_THAT(warnings_of(kAllow, std::string(kAllow) + "internal_ports = 22"), IsEmpty());
  EXPECT_THAT(warnings_of(kDeny, std::string(kAllow) + "internal_ports = 22"),
              ElementsAre(HasSubstr("by \"first\"")));
}

TEST(ConfigRuleWarnings, WhoIsUnknownIsMetByWhatDeniesAlone) {
  const std::string mac = "macs = [\"02:00:5e:10:00:0a\"]";
  EXPECT_THAT(warnings_of(kAllow + mac, kDeny + mac + "\nprotocols = [\"natpmp\"]"), IsEmpty());
  EXPECT_THAT(warnings_of(kDeny + mac, kAllow + mac), IsEmpty());
  EXPECT_THAT(warnings_of(kAllow + mac, kAllow + mac), ElementsAre(HasSubstr("by \"first\"")));
}

TEST(ConfigRuleWarnings, NatpmpHasNoIpv6Clients) {
  const std::string rule = "[[rule]]\nname = \"x\"\naction = \"allow\"\nprotocols = [\"natpmp\"]\n";
  EXPECT_THAT(warnings_of(rule + "clients = [\"2001:db8::/64\"]\n"),
              ElementsAre(AllOf(HasSubstr("postern.toml:1: rule \"x\" can never decide"),
                                HasSubstr("NAT-PMP is for IPv4 alone"))));
  EXPECT_THAT(warnings_of(rule + "clients = [\"2001:db8::/64\", \"10.0.0.1\"]\n"), IsEmpty());
  EXPECT_THAT(warnings_of(rule + "clients = [\"2001:db8::/64\", \"lan\"]\n"), IsEmpty());
}

TEST(ConfigRuleWarnings, PinholesHaveTheSamePortOnBothSides) {
  const std::string rule =
      "[[rule]]\nname = \"x\"\naction = \"allow\"\nclients = [\"2001:db8::/64\"]\n";
  const std::string apart = "internal_ports = \"2000-3000\"\nexternal_ports = \"4000-5000\"\n";
  EXPECT_THAT(warnings_of(rule + apart), ElementsAre(HasSubstr("a pinhole (IPv6)")));
  EXPECT_THAT(warnings_of(rule + "internal_ports = \"2000-4000\"\nexternal_ports = 4000\n"),
              IsEmpty());
  EXPECT_THAT(warnings_of(rule + apart + "for_others = true\n"), IsEmpty())
      << "over UPnP it may be asked for an IPv4 host";
}

TEST(ConfigRuleWarnings, PortsThatAreNeverOpened) {
  Rule rule = default_rule();
  rule.internal_ports = PortSet({{22, 22}});
  const auto why = [&] {
    return UselessRules(std::span(&rule, 1), PortSet({{22, 22}})).why(0).value_or("");
  };
  EXPECT_THAT(why(), HasSubstr("never_internal_ports"));
  rule.named_sensitive_ports = rule.internal_ports;
  EXPECT_EQ(why(), "");
}

TEST(ConfigRuleWarnings, OfManyRulesOnlyACheckLooksThroughAll) {
  std::string text;
  for (std::size_t i = 0; i < kFewRules; ++i) text += "[[rule]]\naction = \"deny\"\n";
  EXPECT_THAT(warnings_of(text), SizeIs(kFewRules - 1));
  text += "[[rule]]\naction = \"deny\"\n";
  EXPECT_THAT(warnings_of(text), ElementsAre(HasSubstr("there are more than 200 rules")));
  const auto checked = parse_config(text, "postern.toml", std::nullopt, RuleReview::of_all);
  ASSERT_TRUE(checked);
  EXPECT_THAT(checked->warnings, SizeIs(kFewRules));
}

}  // namespace
}  // namespace postern
