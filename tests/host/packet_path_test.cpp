#include "host/packet_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/host/doctor_fixture.h"

namespace postern::test {
namespace {

using host::Family;
using host::ForeignChain;
using host::ForeignRule;
using host::ForeignRuleset;
using host::Hook;
using host::NatKind;
using host::Obstacle;
using host::PacketKind;
using host::translates_sources;
using host::Verdict;
using testing::IsEmpty;
using testing::SizeIs;

/// Packets for a mapped UDP port, as our table marks them.
[[nodiscard]] PacketKind mapped() {
  PacketKind packets;
  packets.ports = PortSet({{1, 65535}});
  packets.in = "wan0";
  packets.out = "br-lan";
  packets.is_dnat = true;
  packets.mark = kMark;
  packets.mark_priority = -10;
  return packets;
}

[[nodiscard]] PacketKind mapped_v6() {
  auto packets = mapped();
  packets.is_ipv6 = true;
  packets.is_dnat = false;
  return packets;
}

/// What becomes of the packets: "", "some" or "all" are dropped.
[[nodiscard]] std::string dropped(const ForeignRuleset& ruleset,
                                  const PacketKind& packets = mapped()) {
  const auto found = obstacles(ruleset, packets);
  if (found.empty()) return "";
  EXPECT_THAT(found, SizeIs(1));
  return found.front().is_for_all ? "all" : "some";
}

[[nodiscard]] std::string dropped_by(std::vector<ForeignRule> rules, bool policy_drop = false,
                                     const PacketKind& packets = mapped()) {
  return dropped({{base(Hook::forward, policy_drop, std::move(rules))}}, packets);
}

TEST(PacketPath, WithoutChainsNothingIsDropped) {
  EXPECT_EQ(dropped({}), "");
}

TEST(PacketPath, PolicyDrops) {
  EXPECT_EQ(dropped_by({}, true), "all");
  EXPECT_EQ(dropped_by({}, false), "");
}

TEST(PacketPath, ObstacleNamesItsPlace) {
  const ForeignRuleset ruleset{{base(Hook::forward, false, {rule_to(Verdict::jump, "refuse")}),
                                chain("refuse", {rule(Verdict::reject)})}};
  const auto found = obstacles(ruleset, mapped());
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].base, &ruleset.chains[0]);
  EXPECT_EQ(found[0].chain, &ruleset.chains[1]);
  EXPECT_FALSE(found[0].is_policy);
  EXPECT_TRUE(found[0].sees_mark);
}

TEST(PacketPath, AcceptOfTheMarkSavesFromWhatFollows) {
  EXPECT_EQ(dropped_by({rule(Verdict::accept, marked())}, true), "");
  EXPECT_EQ(dropped_by({rule(Verdict::accept, marked()), rule(Verdict::drop)}, true), "");
  EXPECT_EQ(dropped_by({rule(Verdict::drop), rule(Verdict::accept, marked())}, true), "all");
}

TEST(PacketPath, AnotherMarkDoesNotHelp) {
  auto other = marked();
  other.mark = host::MarkMatch{0x20000000, 0x20000000};
  EXPECT_EQ(dropped_by({rule(Verdict::accept, other)}, true), "all");
  EXPECT_EQ(dropped_by({rule(Verdict::drop, other)}), "");
}

TEST(PacketPath, ChainsBeforeOursDoNotSeeTheMark) {
  auto early = base(Hook::forward, true, {rule(Verdict::accept, marked())});
  for (const auto& [priority, expected] : {std::pair{-11, "all"}, {-10, "all"}, {-9, ""}}) {
    early.priority = priority;
    EXPECT_EQ(dropped({{early}}), expected) << priority;
  }
  early.priority = -20;
  const ForeignRuleset ruleset{{early}};
  EXPECT_FALSE(obstacles(ruleset, mapped()).at(0).sees_mark);
}

TEST(PacketPath, RunningFlowsAreNoNewOnes) {
  constexpr std::uint32_t kRunning = 2 | 4;
  constexpr std::uint32_t kNew = 8;
  EXPECT_EQ(dropped_by({rule(Verdict::accept, in_states(kRunning))}, true), "all");
  EXPECT_EQ(dropped_by({rule(Verdict::accept, in_states(kRunning | kNew))}, true), "");
  EXPECT_EQ(dropped_by({rule(Verdict::drop, in_states(1))}), "");
  EXPECT_EQ(dropped_by({rule(Verdict::drop, in_states(kNew))}), "all");
}

TEST(PacketPath, TranslatedOnesAreOfIpv4Only) {
  EXPECT_EQ(dropped_by({rule(Verdict::accept, translated())}, true), "");
  EXPECT_EQ(dropped_by({rule(Verdict::accept, translated())}, true, mapped_v6()), "all");
}

TEST(PacketPath, InterfacesAreAskedFor) {
  EXPECT_EQ(dropped_by({rule(Verdict::accept, between("br-lan", "wan0"))}, true), "all");
  EXPECT_EQ(dropped_by({rule(Verdict::accept, between("wan0", "br-lan"))}, true), "");
  EXPECT_EQ(dropped_by({rule(Verdict::drop, between("wan0", nullptr))}), "all");
  EXPECT_EQ(dropped_by({rule(Verdict::drop, between("wan1", nullptr))}), "");
  auto unknown = mapped();
  unknown.in.clear();
  EXPECT_EQ(dropped_by({rule(Verdict::drop, between("wan1", nullptr))}, false, unknown), "some");
}

TEST(PacketPath, ConditionsThatAreNotTold) {
  EXPECT_EQ(dropped_by({rule(Verdict::accept, for_some())}, true), "all");
  EXPECT_EQ(dropped_by({rule(Verdict::drop, for_some())}), "some");
  EXPECT_EQ(dropped_by({rule(Verdict::drop, for_some()), rule(Verdict::accept)}, true), "some");
  EXPECT_EQ(dropped_by({rule(Verdict::drop, for_some())}, true), "all");
}

TEST(PacketPath, PortsAndProtocols) {
  EXPECT_EQ(dropped_by({rule(Verdict::drop, to_udp("25"))}), "some");
  EXPECT_EQ(dropped_by({rule(Verdict::drop, to_udp("1-65535"))}), "all");
  EXPECT_EQ(dropped_by({rule(Verdict::accept, to_udp("1024-65535"))}, true), "all");
  auto tcp = mapped();
  tcp.protocol = Protocol::tcp;
  EXPECT_EQ(dropped_by({rule(Verdict::drop, to_udp("25"))}, false, tcp), "");
}

TEST(PacketPath, FamiliesAndHooks) {
  const auto in = [](Family family, Hook hook) {
    return ForeignRuleset{{in_table(base(hook, true, {}), family, "t", "c")}};
  };
  EXPECT_EQ(dropped(in(Family::ip, Hook::forward)), "all");
  EXPECT_EQ(dropped(in(Family::ip6, Hook::forward)), "");
  EXPECT_EQ(dropped(in(Family::ip6, Hook::forward), mapped_v6()), "all");
  EXPECT_EQ(dropped(in(Family::ip, Hook::forward), mapped_v6()), "");
  EXPECT_EQ(dropped(in(Family::bridge, Hook::forward)), "");
  EXPECT_EQ(dropped(in(Family::inet, Hook::input)), "");
  auto only_v6 = rule(Verdict::drop);
  only_v6.match.ipv4 = false;
  EXPECT_EQ(dropped_by({only_v6}), "");
}

TEST(PacketPath, JumpsComeBack) {
  const auto with = [](ForeignRule to_there, std::vector<ForeignRule> there,
                       std::vector<ForeignRule> rest = {}) {
    std::vector<ForeignRule> rules{std::move(to_there)};
    rules.insert(rules.end(), rest.begin(), rest.end());
    return dropped({{base(Hook::forward, true, rules), chain("there", std::move(there))}});
  };
  const auto jump = rule_to(Verdict::jump, "there");
  const auto go_to = rule_to(Verdict::go_to, "there");
  const auto accept = rule(Verdict::accept);
  EXPECT_EQ(with(jump, {accept}), "");
  EXPECT_EQ(with(go_to, {accept}), "");
  EXPECT_EQ(with(jump, {}, {accept}), "");
  EXPECT_EQ(with(go_to, {}, {accept}), "all");
  EXPECT_EQ(with(jump, {rule(Verdict::leave_chain), rule(Verdict::drop)}, {accept}), "");
  EXPECT_EQ(with(jump, {rule(Verdict::drop)}, {accept}), "all");
}

TEST(PacketPath, JumpsOfSomePackets) {
  const auto there = chain("there", {rule(Verdict::drop)});
  const auto sometimes = rule_to(Verdict::jump, "there", for_some());
  EXPECT_EQ(dropped({{base(Hook::forward, false, {sometimes}), there}}), "some");
  EXPECT_EQ(
      dropped({{base(Hook::forward, true, {sometimes}), chain("there", {rule(Verdict::accept)})}}),
      "all");
}

TEST(PacketPath, AcceptBehindAReturnOfSomeIsNotForAll) {
  const ForeignRuleset ruleset{
      {base(Hook::forward, true, {rule_to(Verdict::jump, "there")}),
       chain("there", {rule(Verdict::leave_chain, for_some()), rule(Verdict::accept)})}};
  EXPECT_EQ(dropped(ruleset), "all");
}

TEST(PacketPath, OwnChainCounts) {
  const ForeignRuleset ruleset{
      {base(Hook::forward, true, {rule_to(Verdict::jump, "POSTERN-FORWARD")}),
       chain("POSTERN-FORWARD", {rule(Verdict::accept, for_some())})}};
  EXPECT_EQ(dropped(ruleset), "all");
  auto packets = mapped();
  packets.own_chain = "POSTERN-FORWARD";
  EXPECT_EQ(dropped(ruleset, packets), "");
}

TEST(PacketPath, EachBaseChainIsAnObstacle) {
  const ForeignRuleset ruleset{{base(Hook::forward, true, {}),
                                in_table(base(Hook::forward, true, {}), Family::ip, "a", "b")}};
  EXPECT_THAT(obstacles(ruleset, mapped()), SizeIs(2));
}

TEST(PacketPath, ManyJumpsTakeLittleTime) {
  // Without a memory of chains this would be 2^40 steps.
  ForeignRuleset ruleset{{base(Hook::forward, false, {rule_to(Verdict::jump, "0")})}};
  for (int i = 0; i < 40; ++i) {
    const auto next = rule_to(Verdict::jump, std::to_string(i + 1));
    ruleset.chains.push_back(chain(std::to_string(i), {next, next}));
  }
  EXPECT_EQ(dropped(ruleset), "");
}

[[nodiscard]] ForeignRule source_nat(host::PacketMatch match, NatKind kind = NatKind::masquerade) {
  return {std::move(match), Verdict::accept, "", kind};
}

TEST(TranslatesSources, OfTheWan) {
  const auto with = [](ForeignRule rule) {
    return translates_sources({{base(Hook::postrouting, false, {std::move(rule)})}}, "wan0");
  };
  EXPECT_TRUE(with(source_nat({})));
  EXPECT_TRUE(with(source_nat(for_some())));
  EXPECT_TRUE(with(source_nat({}, NatKind::snat)));
  EXPECT_TRUE(with(source_nat(between(nullptr, "wan*"))));
  EXPECT_FALSE(with(source_nat(between(nullptr, "wan1"))));
  EXPECT_FALSE(with(rule(Verdict::accept)));
  auto only_v6 = source_nat({});
  only_v6.match.ipv4 = false;
  EXPECT_FALSE(with(only_v6));
}

TEST(TranslatesSources, ThroughJumps) {
  const ForeignRuleset ruleset{
      {base(Hook::postrouting, false, {rule_to(Verdict::jump, "of_wan", between(nullptr, "wan0"))}),
       chain("of_wan", {source_nat({})})}};
  EXPECT_TRUE(translates_sources(ruleset, "wan0"));
  EXPECT_FALSE(translates_sources(ruleset, "wan1"));
}

TEST(TranslatesSources, OurOwnDoNotCount) {
  const ForeignRuleset ruleset{
      {base(Hook::postrouting, false, {rule_to(Verdict::jump, "POSTERN-POSTROUTING")}),
       chain("POSTERN-POSTROUTING", {source_nat(for_some())})}};
  EXPECT_FALSE(translates_sources(ruleset, "wan0"));
}

}  // namespace
}  // namespace postern::test
