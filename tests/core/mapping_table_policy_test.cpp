#include <optional>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/mapping_table.h"
#include "tests/support/known_clients.h"
#include "tests/support/table_fixture.h"

// What rules do to mappings: who owns a claim, quotas, refusals, and a policy that changes.
namespace postern {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::IsEmpty;
using Cause = TableEvent::Cause;
using Kind = TableEvent::Kind;

Rule rule(const char* name, std::string_view external, Rule::Action action = Rule::Action::allow) {
  Rule rule;
  rule.name = name;
  rule.action = action;
  rule.external_ports = PortSet::parse(external).value();
  rule.internal_ports = PortSet::all();
  return rule;
}

Rule quota_rule(const char* name, std::string_view external, std::uint32_t quota) {
  Rule limited = rule(name, external);
  limited.quota = quota;
  return limited;
}

class MappingTablePolicyTest : public testing::Test {
 protected:
  MappingTablePolicyTest() : MappingTablePolicyTest({rule("any", "1-65535")}) {}
  explicit MappingTablePolicyTest(std::vector<Rule> rules)
      : table_(Policy(std::move(rules)), {.pinholes = true}, 1) {
    table_.set_external_addresses({kWan});
    table_.set_lan_prefixes({*Prefix::parse("192.168.1.0/24"), *Prefix::parse("2001:db8:77::/64")});
  }
  ~MappingTablePolicyTest() override { EXPECT_TRUE(table_.is_consistent()); }

  [[nodiscard]] static MapRequest udp(const Address& host, std::uint16_t internal,
                                      std::uint16_t suggested, int lifetime = 60) {
    return wish(host, Protocol::udp, internal, suggested, Seconds(lifetime));
  }
  [[nodiscard]] static MapRequest exactly(MapRequest request) {
    request.placement = Placement::only_suggested;
    return request;
  }
  Grant map(const MapRequest& request, Moment now = kStart) {
    const auto granted = table_.request(request, now);
    EXPECT_TRUE(granted) << to_string(granted ? MapError::unsupported : granted.error());
    return granted.value_or(Grant());
  }
  [[nodiscard]] std::optional<MapError> error_of(const MapRequest& request, Moment now = kStart) {
    const auto granted = table_.request(request, now);
    return granted ? std::nullopt : std::optional(granted.error());
  }
  [[nodiscard]] std::string_view rule_of(const Address& host, std::uint16_t internal,
                                         std::string_view frontend = kFrontend) const {
    const Claim* claim = table_.find_claim(Protocol::udp, {host, internal}, {frontend, host});
    return claim ? table_.policy().rule_name(claim->rule) : "no claim";
  }
  [[nodiscard]] std::vector<std::string> refusing_rules() {
    std::vector<std::string> names;
    for (const auto& refusal : table_.take_refusals()) names.push_back(refusal.rule);
    return names;
  }
  std::size_t set_rules(std::vector<Rule> rules, Limits limits = {}) {
    return table_.set_policy(Policy(std::move(rules), std::move(limits)));
  }

  MappingTable table_;
};

TEST_F(MappingTablePolicyTest, AClaimKnowsTheRuleOfItsPort) {
  set_rules({rule("low", "1024-1999"), rule("high", "2000-65535")});
  map(udp(kHostA, 4000, 1500));
  map(udp(kHostA, 4001, 2500));
  map(udp(kHostA6, 1024, 0));
  EXPECT_EQ(rule_of(kHostA, 4000), "low");
  EXPECT_EQ(rule_of(kHostA, 4001), "high");
  EXPECT_EQ(rule_of(kHostA6, 1024), "low");
}

TEST_F(MappingTablePolicyTest, ALeaseFollowsTheRuleOfThePortThatWasChosen) {
  Rule brief = rule("brief", "1024-1999");
  brief.max_lifetime = Seconds(30);
  set_rules({brief, rule("any", "2000-65535")});
  EXPECT_EQ(map(udp(kHostA, 4000, 1500, 600)).lifetime, Seconds(30));
  EXPECT_EQ(map(udp(kHostA, 4001, 2500, 600)).lifetime, Seconds(600));
}

TEST_F(MappingTablePolicyTest, ARulesMaximumEndsALeaseWithoutEnd) {
  Rule brief = rule("brief", "1-65535");
  brief.max_lifetime = Seconds(30);
  set_rules({brief});
  auto permanent = udp(kHostA, 4000, 5000, 0);
  permanent.is_permanent = true;
  EXPECT_EQ(map(permanent).lifetime, Seconds(30));
  table_.expire(kStart + Seconds(30));
  EXPECT_EQ(table_.size(), 0U);
}

TEST_F(MappingTablePolicyTest, ARenewalNeedsARuleForThePortThatThereIs) {
  Rule only_natpmp = rule("natpmp", "5000-5999");
  only_natpmp.frontends = {std::string(kFrontend)};
  Rule only_pcp = rule("pcp", "6000-6999");
  only_pcp.frontends = {std::string(kOtherFrontend)};
  set_rules({only_natpmp, only_pcp});
  EXPECT_EQ(map(udp(kHostA, 4000, 0)).external_port / 1000, 5);
  auto pcp = udp(kHostA, 4000, 0);
  pcp.claimant.frontend = kOtherFrontend;
  EXPECT_EQ(error_of(pcp), MapError::external_port_denied);
  EXPECT_EQ(rule_of(kHostA, 4000, kOtherFrontend), "no claim");
}

TEST_F(MappingTablePolicyTest, AQuotaIsOfOneRuleAndOneClient) {
  set_rules({quota_rule("few", "1024-1999", 2), rule("rest", "2000-65535")});
  map(exactly(udp(kHostA, 4000, 1500)));
  map(exactly(udp(kHostA, 4001, 1501)));
  EXPECT_EQ(error_of(exactly(udp(kHostA, 4002, 1502))), MapError::client_limit_reached);
  EXPECT_THAT(refusing_rules(), ElementsAre("few"));
  map(exactly(udp(kHostA, 4002, 2500)));
  map(exactly(udp(kHostB, 4000, 1502)));
  EXPECT_GE(map(udp(kHostA, 4003, 1503)).external_port, 2000) << "another rule has room";
  map(exactly(udp(kHostA, 4001, 1501)));
  EXPECT_TRUE(table_.release(Protocol::udp, {kHostA, 4000}, natpmp_of(kHostA)));
  map(exactly(udp(kHostA, 4004, 1503)));
}

TEST_F(MappingTablePolicyTest, AQuotaCountsAMappingOnceAndPinholesToo) {
  set_rules({quota_rule("few", "1-65535", 1)});
  map(udp(kHostA, 4000, 5000));
  auto pcp = udp(kHostA, 4000, 5000);
  pcp.claimant.frontend = kOtherFrontend;
  map(pcp);
  EXPECT_EQ(error_of(udp(kHostA, 4001, 5001)), MapError::client_limit_reached);
  map(udp(kHostA6, 4000, 0));
  EXPECT_EQ(error_of(udp(kHostA6, 4001, 0)), MapError::client_limit_reached);
  EXPECT_THAT(refusing_rules(), ElementsAre("few", "few"));
}

TEST_F(MappingTablePolicyTest, RefusalsSayWhoWantedWhatAndWhichRuleDecided) {
  set_rules({rule("none of these", "6000-6999", Rule::Action::deny), rule("any", "1-65535")});
  EXPECT_EQ(error_of(exactly(udp(kHostA, 4000, 6001))), MapError::external_port_denied);
  EXPECT_EQ(error_of(udp(kHostA6, 6002, 0)), MapError::not_authorized);
  EXPECT_EQ(error_of(udp(kWan, 4000, 5000)), MapError::not_authorized);
  EXPECT_THAT(
      table_.take_refusals(),
      ElementsAre(
          Refusal{natpmp_of(kHostA),
                  Protocol::udp,
                  {kHostA, 4000},
                  6001,
                  MapError::external_port_denied,
                  "none of these"},
          Refusal{natpmp_of(kHostA6),
                  Protocol::udp,
                  {kHostA6, 6002},
                  0,
                  MapError::not_authorized,
                  "none of these"},
          Refusal{
              natpmp_of(kWan), Protocol::udp, {kWan, 4000}, 5000, MapError::not_authorized, ""}));
  EXPECT_THAT(table_.take_refusals(), IsEmpty());
}

TEST_F(MappingTablePolicyTest, RefusalsOfATurnThatDoesNotStandAreForgotten) {
  EXPECT_EQ(error_of(udp(kWan, 4000, 5000)), MapError::not_authorized);
  table_.roll_back();
  EXPECT_THAT(table_.take_refusals(), IsEmpty());
}

TEST_F(MappingTablePolicyTest, RefusalsOfATurnAreBounded) {
  for (std::size_t i = 0; i < MappingTable::kMostRefusals + 10; ++i) {
    (void)table_.request(udp(kWan, static_cast<std::uint16_t>(4000 + i), 5000), kStart);
  }
  const auto refusals = table_.take_refusals();
  ASSERT_EQ(refusals.size(), MappingTable::kMostRefusals);
  EXPECT_EQ(refusals.front().internal.port, 4000);
}

TEST_F(MappingTablePolicyTest, AWishThatIsAskedOtherwiseIsNoRefusal) {
  (void)table_.request(udp(kWan, 4000, 5000), kStart);
  (void)table_.request(udp(kWan, 4001, 5000), kStart);
  table_.forget_last_refusal();
  const auto refusals = table_.take_refusals();
  ASSERT_EQ(refusals.size(), 1U);
  EXPECT_EQ(refusals[0].internal.port, 4000);
}

TEST_F(MappingTablePolicyTest, APreviewIsWhatTheRequestThenGets) {
  map(udp(kHostB, 4000, 4000));
  for (const std::uint16_t suggested : {std::uint16_t{0}, std::uint16_t{4000}}) {
    const auto preview = table_.preview(udp(kHostA, 4000, suggested), kStart);
    EXPECT_EQ(table_.count_of(kHostA), suggested == 0 ? 0U : 1U);
    const auto granted = map(udp(kHostA, 4000, suggested));
    ASSERT_TRUE(preview);
    EXPECT_EQ(preview->grant.id, granted.id);
    EXPECT_EQ(preview->external, (Endpoint{kWan, granted.external_port}));
    EXPECT_EQ(preview->existing.has_value(), suggested != 0);
  }
}

/// Three mappings by one rule, accepted; then other rules come.
class PolicyChange : public MappingTablePolicyTest {
 protected:
  void SetUp() override {
    map(udp(kHostA, 4000, 5000, 600));
    map(udp(kHostB, 4000, 6000, 600));
    map(udp(kHostA6, 4000, 0, 600));
    (void)table_.accept();
    table_.expire(kStart + Seconds(100));
  }
  [[nodiscard]] bool has(const Address& host) const {
    return table_.find_by_internal(Protocol::udp, {host, 4000});
  }
};

TEST_F(PolicyChange, EndsWhatIsNoLongerAllowed) {
  EXPECT_EQ(set_rules({rule("no A", "5000", Rule::Action::deny), rule("rest", "5000-65535")}), 0U);
  EXPECT_FALSE(has(kHostA));
  EXPECT_FALSE(has(kHostA6)) << "4000 is not among the permitted ports";
  EXPECT_EQ(rule_of(kHostB, 4000), "rest");
  const auto events = table_.accept();
  ASSERT_EQ(events.size(), 2U);
  for (const auto& event : events) {
    EXPECT_EQ(event.kind, Kind::closed);
    EXPECT_EQ(event.cause, Cause::policy);
    EXPECT_EQ(event.mapping.claims.front().rule, kNoRule) << "its rule is no more";
  }
}

TEST_F(PolicyChange, ThatAllowsTheSameIsNoNews) {
  set_rules({rule("other", "1", Rule::Action::deny), rule("renamed", "1-65535")});
  EXPECT_TRUE(table_.staged_changes().empty());
  EXPECT_THAT(table_.accept(), IsEmpty());
  EXPECT_EQ(rule_of(kHostA, 4000), "renamed");
  EXPECT_EQ(rule_of(kHostA6, 4000), "renamed");
}

TEST_F(PolicyChange, CutsLeasesThatAreLongerThanTheNewMaximum) {
  Rule brief = rule("brief", "1-5999");
  brief.max_lifetime = Seconds(200);
  set_rules({brief, rule("rest", "1-65535")});
  const auto lease = [&](const Address& host) {
    return table_.find_claim(Protocol::udp, {host, 4000}, natpmp_of(host))->lease;
  };
  EXPECT_EQ(lease(kHostA), (Lease{Seconds(200), kStart + Seconds(300)}));
  EXPECT_EQ(lease(kHostA6), (Lease{Seconds(200), kStart + Seconds(300)}));
  EXPECT_EQ(lease(kHostB), (Lease{Seconds(600), kStart + Seconds(600)}));
  const auto events = table_.accept();
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].kind, Kind::renewed);
  EXPECT_EQ(events[0].cause, Cause::policy);
}

TEST_F(PolicyChange, CutsEachLeaseToTheLimitOfItsKind) {
  auto upnp = udp(kHostA, 4001, 5001, 600);
  upnp.claimant.frontend = "upnp";
  upnp.lifetime_limit = LifetimeLimit::max_lease;
  map(upnp, kStart + Seconds(100));
  Limits limits;
  limits.max_lifetime = Seconds(200);
  limits.max_lease = Seconds(300);
  set_rules({rule("any", "1-65535")}, limits);
  EXPECT_EQ(table_.find_by_external_port(Protocol::udp, 5000)->ends(), kStart + Seconds(300));
  EXPECT_EQ(table_.find_by_external_port(Protocol::udp, 5001)->ends(), kStart + Seconds(400));
}

TEST_F(PolicyChange, BoundsALeaseWithoutEndOnlyByTheRule) {
  auto permanent = udp(kHostA, 4001, 5001, 0);
  permanent.is_permanent = true;
  map(permanent, kStart + Seconds(100));
  const auto lease = [&] {
    return table_.find_by_external_port(Protocol::udp, 5001)->claims.front().lease;
  };
  Limits limits;
  limits.max_lifetime = limits.max_lease = Seconds(200);
  set_rules({rule("any", "1-65535")}, limits);
  EXPECT_TRUE(lease().is_permanent);
  Rule brief = rule("brief", "1-65535");
  brief.max_lifetime = Seconds(200);
  set_rules({brief});
  EXPECT_EQ(lease(), (Lease{Seconds(200), kStart + Seconds(300)}));
}

TEST_F(PolicyChange, LeavesUsageBeyondLowerLimits) {
  map(udp(kHostA, 4001, 5001, 600), kStart + Seconds(100));
  set_rules({quota_rule("few", "1-65535", 1)});
  EXPECT_EQ(table_.size(), 4U);
  map(udp(kHostA, 4000, 5000, 600), kStart + Seconds(100));
  EXPECT_EQ(error_of(udp(kHostA, 4002, 5002, 600), kStart + Seconds(100)),
            MapError::client_limit_reached);
}

TEST_F(PolicyChange, EndsOneClaimAndLeavesTheOther) {
  auto pcp = udp(kHostA, 4000, 5000, 600);
  pcp.claimant.frontend = kOtherFrontend;
  map(pcp, kStart + Seconds(100));
  Rule only_pcp = rule("pcp", "1-65535");
  only_pcp.frontends = {std::string(kOtherFrontend)};
  set_rules({only_pcp});
  EXPECT_EQ(rule_of(kHostA, 4000), "no claim");
  EXPECT_EQ(rule_of(kHostA, 4000, kOtherFrontend), "pcp");
  EXPECT_FALSE(has(kHostB));
}

TEST_F(PolicyChange, LeavesWhatAnEarlierRunLeft) {
  const Moment ends = kStart + Seconds(500);
  table_.adopt(all_doors(Protocol::udp, {kHostC, 4000}, {kWan, 7000}, ends), kStart + Seconds(100));
  set_rules({});
  EXPECT_TRUE(has(kHostC));
  EXPECT_FALSE(has(kHostA));
}

TEST_F(PolicyChange, KeepsWhatARuleMightAllowToAHostThatIsNotKnownNow) {
  const MacAddress mac({0x02, 0, 0, 0, 0, 0x0a});
  KnownClients clients;
  clients.links[kHostA] = {"br-lan", mac};
  clients.links[kHostB] = {"br-lan", MacAddress({0x02, 0, 0, 0, 0, 0x0b})};
  Rule by_mac = rule("by mac", "1-65535");
  by_mac.macs = {mac};
  (void)table_.set_policy(Policy({by_mac}, {}, &clients));
  EXPECT_EQ(rule_of(kHostA, 4000), "by mac");
  EXPECT_FALSE(has(kHostB));
  EXPECT_TRUE(has(kHostA6)) << "it may be the host with that MAC address";
  EXPECT_EQ(rule_of(kHostA6, 4000), "");
  EXPECT_EQ(error_of(udp(kHostA6, 4000, 0)), MapError::not_authorized) << "but gets nothing more";
  Rule denied = by_mac;
  denied.action = Rule::Action::deny;
  (void)table_.set_policy(Policy({denied, rule("rest", "1-65535")}, {}, &clients));
  EXPECT_FALSE(has(kHostA));
  EXPECT_EQ(rule_of(kHostA6, 4000), "rest");
}

TEST_F(PolicyChange, LeavesWhatTheAdministratorGave) {
  (void)table_.administer({"web", Protocol::tcp, {kHostC, 8443}, 443}, kStatic, kStart);
  set_rules({});
  EXPECT_EQ(table_.size(), 1U);
}

TEST_F(MappingTablePolicyTest, AHostMayShareWhatTheAdministratorGaveIt) {
  set_rules({rule("high", "1024-65535")});
  (void)table_.administer({"web", Protocol::udp, {kHostA, 8443}, 443}, kStatic, kStart);
  EXPECT_EQ(map(udp(kHostA, 8443, 0)).external_port, 443);
  EXPECT_EQ(rule_of(kHostA, 8443), "");
}

TEST_F(PolicyChange, IsUndoneWithItsTurn) {
  set_rules({});
  EXPECT_EQ(table_.size(), 0U);
  table_.roll_back();
  EXPECT_EQ(table_.size(), 3U);
  EXPECT_EQ(table_.policy().rules().size(), 1U);
  EXPECT_EQ(rule_of(kHostA, 4000), "any");
  set_rules({rule("new", "1-65535")});
  (void)table_.accept();
  table_.roll_back();
  EXPECT_EQ(rule_of(kHostA, 4000), "new");
}

TEST_F(PolicyChange, CountsWhatTheFirewallDoesNotLetGo) {
  table_.refuse({DoorKey::Kind::forward4, Protocol::udp, {kWan, 5000}});
  EXPECT_EQ(set_rules({}), 1U);
  EXPECT_TRUE(has(kHostA));
  EXPECT_EQ(rule_of(kHostA, 4000), "") << "no rule of the new policy allows it";
  (void)table_.accept();
  EXPECT_EQ(table_.enforce_policy(), 0U);
  EXPECT_FALSE(has(kHostA));
}

TEST_F(PolicyChange, KeepsWhatLanMeans) {
  set_rules({rule("any", "1-65535")});
  EXPECT_TRUE(table_.policy().is_on_link(kHostA));
  EXPECT_EQ(table_.size(), 3U);
}

}  // namespace
}  // namespace postern
