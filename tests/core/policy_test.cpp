#include "core/policy.h"

#include <array>

#include <gtest/gtest.h>

#include "tests/support/home.h"

namespace postern {
namespace {

using namespace test;

PortSet ports(std::string_view text) {
  return PortSet::parse(text).value();
}

MapRequest wish(std::uint16_t internal_port, const Address& client = kHostA) {
  MapRequest request;
  request.claimant = {"natpmp", client};
  request.internal = {client, internal_port};
  request.lifetime = Seconds(60);
  return request;
}

Policy policy_of(std::vector<Rule> rules, Limits limits = {}) {
  Policy policy(std::move(rules), std::move(limits));
  policy.set_lan_prefixes({*Prefix::parse("192.168.1.0/24")});
  return policy;
}

Rule rule(Rule::Action action, std::string_view external, std::string_view internal) {
  Rule made;
  made.action = action;
  made.external_ports = ports(external);
  made.internal_ports = ports(internal);
  return made;
}

Rule allow(std::string_view external, std::string_view internal) {
  return rule(Rule::Action::allow, external, internal);
}

Rule deny(std::string_view external, std::string_view internal) {
  return rule(Rule::Action::deny, external, internal);
}

TEST(Policy, BuiltInAllowsHighPortsAndDiscardToTheLan) {
  const auto policy = policy_of({default_rule()});
  EXPECT_EQ(policy.judge(wish(4000))->external_ports, ports("1024-65535"));
  EXPECT_EQ(policy.judge(wish(1024))->external_ports, ports("1024-65535"));
  EXPECT_TRUE(policy.judge(wish(9)));
  EXPECT_EQ(policy.judge(wish(1023)).error().error, MapError::not_authorized);
  EXPECT_EQ(policy.judge(wish(80)).error().error, MapError::not_authorized);
}

TEST(Policy, BuiltInKnowsOnlyTheLan) {
  const auto policy = policy_of({default_rule()});
  EXPECT_EQ(policy.judge(wish(4000, kWan)).error().error, MapError::not_authorized);
  EXPECT_TRUE(policy.serves({"natpmp", kHostA}));
  EXPECT_FALSE(policy.serves({"natpmp", kWan}));
}

TEST(Policy, FollowsTheLanPrefixes) {
  auto policy = policy_of({default_rule()});
  policy.set_lan_prefixes({*Prefix::parse("10.0.0.0/8")});
  EXPECT_FALSE(policy.serves({"natpmp", kHostA}));
  EXPECT_TRUE(policy.serves({"natpmp", Address::v4({10, 1, 2, 3})}));
}

TEST(Policy, WithoutRulesDeniesEverything) {
  const auto policy = policy_of({});
  EXPECT_EQ(policy.judge(wish(4000)).error().error, MapError::not_authorized);
  EXPECT_FALSE(policy.serves({"natpmp", kHostA}));
}

// NPMP-49
TEST(Policy, GrantsAtMostTheMaximumAndNeverMoreThanAsked) {
  Limits limits;
  limits.max_lifetime = Seconds(7200);
  const auto policy = policy_of({default_rule()}, limits);
  auto request = wish(4000);
  for (const auto& [asked, granted] : {std::pair{1, 1}, {30, 30}, {7200, 7200}, {7201, 7200}}) {
    request.lifetime = Seconds(asked);
    EXPECT_EQ(policy.term(request, 0).lifetime, Seconds(granted));
  }
  request.lifetime = Seconds(0xffffffffLL);
  EXPECT_EQ(policy.term(request, 0).lifetime, Seconds(7200));
}

// NPMP-50
TEST(Policy, GrantsADayUnlessConfiguredOtherwise) {
  auto request = wish(4000);
  request.lifetime = Seconds(100000);
  EXPECT_EQ(policy_of({default_rule()}).term(request, 0).lifetime, Seconds(86400));
}

// NPMP-55
TEST(Policy, TheFirstMatchingRuleDecidesEachExternalPort) {
  const auto policy = policy_of({deny("3000-3999", "1-65535"), allow("2000-5000", "1-65535")});
  EXPECT_EQ(policy.judge(wish(4000))->external_ports, ports("2000-2999, 4000-5000"));
  const auto other_order = policy_of({allow("2000-5000", "1-65535"), deny("3000-3999", "1-65535")});
  EXPECT_EQ(other_order.judge(wish(4000))->external_ports, ports("2000-5000"));
}

TEST(Policy, UnitesWhatSeveralRulesAllow) {
  const auto policy = policy_of({allow("2000-2999", "4000"), allow("2500-3500", "1-65535"),
                                 deny("1-65535", "1-65535"), allow("1-65535", "1-65535")});
  EXPECT_EQ(policy.judge(wish(4000))->external_ports, ports("2000-3500"));
  EXPECT_EQ(policy.judge(wish(4001))->external_ports, ports("2500-3500"));
}

// NPMP-55
TEST(Policy, DeniesWhenNoExternalPortIsLeft) {
  const auto policy = policy_of({deny("1-65535", "4000"), allow("1024-65535", "1-65535")});
  EXPECT_EQ(policy.judge(wish(4000)).error().error, MapError::not_authorized);
  EXPECT_TRUE(policy.judge(wish(4001)));
}

TEST(Policy, ARuleForSomeClientsLeavesTheOthersAlone) {
  Rule one = deny("1-65535", "1-65535");
  one.lan_clients = false;
  one.client_prefixes = {*Prefix::parse("192.168.1.10")};
  const auto policy = policy_of({one, default_rule()});
  EXPECT_EQ(policy.judge(wish(4000, kHostA)).error().error, MapError::not_authorized);
  EXPECT_TRUE(policy.judge(wish(4000, kHostB)));
}

TEST(Policy, KeepsSensitiveInternalPortsShut) {
  Limits limits;
  limits.never_internal_ports = default_never_internal_ports();
  const auto policy = policy_of({allow("1-65535", "1-65535")}, limits);
  for (const std::uint16_t port : std::to_array<std::uint16_t>(
           {21, 22, 23, 25, 53, 80, 110, 111, 135, 139, 143, 443, 445, 3306, 3389, 5432, 5900})) {
    EXPECT_EQ(policy.judge(wish(port)).error().error, MapError::not_authorized) << port;
  }
  for (const std::uint16_t port : std::to_array<std::uint16_t>({20, 24, 81, 134, 140, 444, 5901})) {
    EXPECT_TRUE(policy.judge(wish(port))) << port;
  }
}

TEST(Policy, OpensASensitivePortThatARuleNames) {
  Limits limits;
  limits.never_internal_ports = default_never_internal_ports();
  Rule web = allow("1-65535", "80");
  web.named_sensitive_ports = ports("80");
  const auto policy = policy_of({web, allow("1-65535", "1-65535")}, limits);
  EXPECT_TRUE(policy.judge(wish(80)));
  EXPECT_EQ(policy.judge(wish(22)).error().error, MapError::not_authorized);
}

// NPMP-11
TEST(Policy, LetsAClientMapToItselfOnly) {
  const auto policy = policy_of({default_rule()});
  auto request = wish(4000, kHostA);
  request.internal.address = kHostB;
  EXPECT_EQ(policy.judge(request).error().error, MapError::not_authorized);
  Rule controller = default_rule();
  controller.for_others = true;
  EXPECT_TRUE(policy_of({controller}).judge(request));
}

// NPMP-32
TEST(Policy, ServesAClientThatARuleAllowsBeforeOneDeniesItEverything) {
  Rule one = default_rule();
  one.lan_clients = false;
  one.client_prefixes = {*Prefix::parse("192.168.1.10")};
  const auto everything = deny("1-65535", "1-65535");
  EXPECT_TRUE(policy_of({one, everything}).serves({"natpmp", kHostA}));
  EXPECT_FALSE(policy_of({one, everything}).serves({"natpmp", kHostB}));
  EXPECT_FALSE(policy_of({everything, one}).serves({"natpmp", kHostA}));
  EXPECT_TRUE(policy_of({deny("80", "1-65535"), one}).serves({"natpmp", kHostA}));
}

// NPMP-94
TEST(Policy, ListsOnlyWhatARuleNamesByPrefix) {
  Rule routed = default_rule();
  routed.client_prefixes = {*Prefix::parse("192.168.2.0/24")};
  const auto policy = policy_of({routed});
  EXPECT_TRUE(policy.lists(Address::v4({192, 168, 2, 5})));
  EXPECT_FALSE(policy.lists(kHostA));
}

// NPMP-94
TEST(Policy, DoesNotListWhatARuleDenies) {
  Rule unwanted = deny("1-65535", "1-65535");
  unwanted.client_prefixes = {*Prefix::parse("192.168.2.0/24")};
  EXPECT_FALSE(policy_of({unwanted}).lists(Address::v4({192, 168, 2, 5})));
}

TEST(Policy, KnowsWhoIsOnLink) {
  Rule routed = default_rule();
  routed.client_prefixes = {*Prefix::parse("192.168.2.0/24")};
  auto policy = policy_of({routed});
  EXPECT_TRUE(policy.is_on_link(kHostA));
  EXPECT_FALSE(policy.is_on_link(Address::v4({192, 168, 2, 5}))) << "listed, but not on-link";
  policy.set_lan_prefixes({*Prefix::parse("10.0.0.0/8"), *Prefix::parse("2001:db8::/64")});
  EXPECT_FALSE(policy.is_on_link(kHostA));
  EXPECT_TRUE(policy.is_on_link(Address::v4({10, 1, 2, 3})));
  EXPECT_TRUE(policy.is_on_link(*Address::parse("2001:db8::5")));
  EXPECT_FALSE(policy.is_on_link(*Address::parse("2001:db8:0:1::5")));
  policy.set_lan_prefixes({});
  EXPECT_FALSE(policy.is_on_link(*Address::parse("2001:db8::5")));
}

}  // namespace
}  // namespace postern
