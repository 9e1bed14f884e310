#include <array>
#include <vector>

#include <gtest/gtest.h>

#include "backends/conntrack/flow_match.h"

namespace postern::conntrack {
namespace {

using Which = FlowPurge::Which;

const Endpoint kExternal{Address::v4({203, 0, 113, 1}), 1000};
const Endpoint kInternal{Address::v4({192, 168, 78, 2}), 5000};
const Endpoint kRemote{Address::v4({198, 51, 100, 7}), 4000};
const Endpoint kElsewhere{Address::v4({192, 168, 78, 3}), 5000};
const Endpoint kInternal6{*Address::parse("2001:db8:1::2"), 5000};
const Endpoint kRemote6{*Address::parse("2001:db8:f::7"), 4000};
const Forward4 kForward{Protocol::udp, kExternal, kInternal};

/// From the remote peer to the external endpoint, answered by `target`.
[[nodiscard]] TrackedFlow from_outside(const Endpoint& target, const Endpoint& remote = kRemote) {
  return {.original = {remote, kExternal}, .reply = {target, remote}};
}

/// From `source` to the remote peer, which sees `external`.
[[nodiscard]] TrackedFlow from_inside(const Endpoint& source, const Endpoint& external) {
  return {.original = {source, kRemote}, .reply = {kRemote, external}};
}

[[nodiscard]] TrackedFlow from_outside6(const Endpoint& target, const Endpoint& remote = kRemote6) {
  return {.original = {remote, target}, .reply = {target, remote}};
}

[[nodiscard]] TrackedFlow as_tcp(TrackedFlow flow, bool established) {
  flow.protocol = Protocol::tcp;
  flow.established_tcp = established;
  return flow;
}

[[nodiscard]] PurgeSet through(const Door& door, bool spares_established_tcp = false) {
  const std::array purges{FlowPurge{Which::through_door, door, spares_established_tcp}};
  return PurgeSet(purges);
}

[[nodiscard]] PurgeSet past(const Door& door) {
  const std::array purges{FlowPurge{Which::past_door, door}};
  return PurgeSet(purges);
}

TEST(PurgeSet, AForwardMeansWhatItBroughtToItsTarget) {
  const auto set = through(kForward);
  EXPECT_TRUE(set.has(from_outside(kInternal)));
  EXPECT_FALSE(set.has(from_outside(kElsewhere)));
  EXPECT_FALSE(set.has(from_outside(kExternal))) << "it passed the door by";
  EXPECT_FALSE(set.has(as_tcp(from_outside(kInternal), false)));
  EXPECT_FALSE(set.has(from_inside(kInternal, kExternal))) << "that is the outbound's";
}

TEST(PurgeSet, AForwardMeansHairpinsToo) {
  const TrackedFlow hairpin{.original = {kElsewhere, kExternal},
                            .reply = {kInternal, {kExternal.address, 7}}};
  EXPECT_TRUE(through(kForward).has(hairpin));
}

TEST(PurgeSet, FiltersOfTheDoorThatIsGoneDoNotMatter) {
  Forward4 filtered = kForward;
  filtered.filters = {{*Prefix::parse("192.0.2.0/24")}};
  EXPECT_TRUE(through(filtered).has(from_outside(kInternal)));
}

TEST(PurgeSet, AnOutboundMeansWhatLeftByItsPort) {
  const auto set = through(Outbound4{Protocol::udp, kInternal, kExternal});
  EXPECT_TRUE(set.has(from_inside(kInternal, kExternal)));
  EXPECT_FALSE(set.has(from_inside(kInternal, {kExternal.address, 1001})));
  EXPECT_FALSE(set.has(from_inside(kElsewhere, kExternal)));
  EXPECT_FALSE(set.has(from_outside(kInternal)));
}

TEST(PurgeSet, APinholeMeansWhatCameToItsHost) {
  const auto set = through(Pinhole6{Protocol::udp, kInternal6});
  EXPECT_TRUE(set.has(from_outside6(kInternal6)));
  EXPECT_FALSE(set.has(from_outside6({kInternal6.address, 5001})));
  EXPECT_FALSE(set.has(from_outside6(kRemote6, kInternal6))) << "the host began it";
}

TEST(PurgeSet, PastAForwardGoesWhatIsNotTranslated) {
  const auto set = past(kForward);
  EXPECT_TRUE(set.has(from_outside(kExternal)));
  EXPECT_FALSE(set.has(from_outside(kInternal)));
  EXPECT_FALSE(set.has(from_outside(kElsewhere)));
}

TEST(PurgeSet, NothingGoesPastOtherDoors) {
  EXPECT_TRUE(past(Outbound4{Protocol::udp, kInternal, kExternal}).patterns().empty());
  EXPECT_TRUE(past(Pinhole6{Protocol::udp, kInternal6}).patterns().empty());
}

TEST(PurgeSet, SparesEstablishedTcpAlone) {
  Forward4 tcp = kForward;
  tcp.protocol = Protocol::tcp;
  const auto set = through(tcp, true);
  EXPECT_FALSE(set.has(as_tcp(from_outside(kInternal), true)));
  EXPECT_TRUE(set.has(as_tcp(from_outside(kInternal), false)));
  EXPECT_TRUE(through(tcp).has(as_tcp(from_outside(kInternal), true)));
}

TEST(PurgeSet, TheHarderOfTwoPurgesCounts) {
  Forward4 tcp = kForward;
  tcp.protocol = Protocol::tcp;
  for (const bool first_spares : {true, false}) {
    const std::array purges{FlowPurge{Which::through_door, tcp, first_spares},
                            FlowPurge{Which::through_door, tcp, !first_spares}};
    const PurgeSet set(purges);
    EXPECT_TRUE(set.has(as_tcp(from_outside(kInternal), true)));
  }
}

TEST(PurgeSet, APatternIsWhatItsKeysHaveInCommon) {
  using Kind = FlowKey::Kind;
  std::vector<FlowPurge> purges{
      {Which::through_door, kForward},
      {Which::through_door, Outbound4{Protocol::udp, kInternal, kExternal}},
      {Which::through_door, Pinhole6{Protocol::udp, kInternal6}}};
  const Pattern::Side internal{kInternal.address, kInternal.port};
  const Pattern::Side external{kExternal.address, kExternal.port};
  const Pattern::Side internal6{kInternal6.address, kInternal6.port};
  const Endpoint none;
  EXPECT_EQ(PurgeSet(purges).patterns(),
            (std::vector<Pattern>{
                {Kind::inbound4, Protocol::udp, external, internal},
                {Kind::outbound4, Protocol::udp, internal, external},
                {Kind::inbound6, Protocol::udp, internal6, {none.address, none.port}}}));
  purges.resize(1);
  purges.push_back({Which::past_door, kForward});
  EXPECT_EQ(PurgeSet(purges).patterns(),
            (std::vector<Pattern>{{Kind::inbound4, Protocol::udp, external, {}}}));
  purges.push_back({Which::past_door, Forward4{Protocol::tcp, {kExternal.address, 1}, kInternal}});
  EXPECT_EQ(PurgeSet(purges).patterns(),
            (std::vector<Pattern>{{Kind::inbound4, {}, {kExternal.address, {}}, {}}}));
  purges.push_back({Which::past_door, Forward4{Protocol::udp, kElsewhere, kInternal}});
  EXPECT_EQ(PurgeSet(purges).patterns(), (std::vector<Pattern>{{Kind::inbound4, {}, {}, {}}}));
}

constexpr std::uint32_t kMark = 0x10000000;

/// Strays of a gateway with these open doors, among connections with the mark.
class Strays : public testing::Test {
 protected:
  [[nodiscard]] bool is_stray(TrackedFlow flow) const {
    flow.mark |= kMark;
    return StraySet(doors_, kMark, spares_established_tcp_).has(flow);
  }

  std::vector<TimedDoor> doors_;
  bool spares_established_tcp_ = false;
};

TEST_F(Strays, ADoorExplainsWhatItLetIn) {
  EXPECT_TRUE(is_stray(from_outside(kInternal)));
  doors_ = {{kForward}};
  EXPECT_FALSE(is_stray(from_outside(kInternal)));
  EXPECT_TRUE(is_stray(from_outside(kElsewhere))) << "another target";
  EXPECT_TRUE(is_stray(as_tcp(from_outside(kInternal), true))) << "another protocol";
}

TEST_F(Strays, AnOutboundDoorExplainsNothing) {
  doors_ = {{Outbound4{Protocol::udp, kExternal, kInternal}}, {Pin4{Protocol::udp, kInternal}}};
  EXPECT_TRUE(is_stray(from_outside(kInternal)));
}

TEST_F(Strays, FiltersMustFit) {
  Forward4 filtered = kForward;
  filtered.filters = {{*Prefix::parse("192.0.2.0/24")},
                      {*Prefix::parse("198.51.100.0/24"), 4000, 4001}};
  doors_ = {{filtered}};
  EXPECT_FALSE(is_stray(from_outside(kInternal, {kRemote.address, 4000})));
  EXPECT_FALSE(is_stray(from_outside(kInternal, {kRemote.address, 4001})));
  EXPECT_TRUE(is_stray(from_outside(kInternal, {kRemote.address, 3999})));
  EXPECT_TRUE(is_stray(from_outside(kInternal, {kRemote.address, 4002})));
  EXPECT_FALSE(is_stray(from_outside(kInternal, {Address::v4({192, 0, 2, 9}), 1})));
  EXPECT_TRUE(is_stray(from_outside(kInternal, {Address::v4({192, 0, 3, 9}), 1})));
}

TEST_F(Strays, AnotherDoorToTheSameTargetExplainsNothing) {
  auto by_another_port = from_outside(kInternal);
  by_another_port.original.destination.port = 8443;
  doors_ = {{kForward}};
  EXPECT_TRUE(is_stray(by_another_port));
  doors_.push_back({Forward4{Protocol::udp, by_another_port.original.destination, kInternal}});
  EXPECT_FALSE(is_stray(by_another_port));
}

TEST_F(Strays, WhatIsNotTranslatedIsNone) {
  EXPECT_FALSE(is_stray(from_outside(kExternal))) << "to the gateway itself";
  EXPECT_FALSE(is_stray(from_inside(kInternal, kExternal)));
}

TEST_F(Strays, APinholeExplainsWhatItLetIn) {
  EXPECT_TRUE(is_stray(from_outside6(kInternal6)));
  doors_ = {{Pinhole6{Protocol::udp, kInternal6}}};
  EXPECT_FALSE(is_stray(from_outside6(kInternal6)));
  EXPECT_TRUE(is_stray(from_outside6({kInternal6.address, 5001})));
  doors_ = {{Pinhole6{Protocol::udp, kInternal6, {{*Prefix::parse("2001:db8:e::/48")}}}}};
  EXPECT_TRUE(is_stray(from_outside6(kInternal6)));
}

TEST_F(Strays, APinholeExplainsTheAnswersItLetIn) {
  const auto by_the_host = from_outside6(kRemote6, kInternal6);
  doors_ = {{Pinhole6{Protocol::udp, kInternal6}}};
  EXPECT_FALSE(is_stray(by_the_host));
  doors_ = {{Pinhole6{Protocol::udp, kInternal6, {{*Prefix::parse("2001:db8:e::/48")}}}}};
  EXPECT_TRUE(is_stray(by_the_host));
}

TEST_F(Strays, EstablishedTcpIsSparedOnRequest) {
  EXPECT_TRUE(is_stray(as_tcp(from_outside(kInternal), true)));
  spares_established_tcp_ = true;
  EXPECT_FALSE(is_stray(as_tcp(from_outside(kInternal), true)));
  EXPECT_TRUE(is_stray(as_tcp(from_outside(kInternal), false)));
  EXPECT_TRUE(is_stray(from_outside(kInternal)));
}

TEST(StraySet, OthersConnectionsAreNone) {
  const StraySet strays({}, kMark, false);
  for (auto flow : {from_outside(kInternal), from_outside6(kInternal6)}) {
    EXPECT_FALSE(strays.has(flow));
    flow.mark = ~kMark;
    EXPECT_FALSE(strays.has(flow));
    flow.mark = ~0U;
    EXPECT_TRUE(strays.has(flow));
  }
}

TEST(SeenFrom, WhoeverBeganIt) {
  const Flow seen{Protocol::udp, kInternal, kExternal, kRemote};
  EXPECT_EQ(seen_from(from_inside(kInternal, kExternal), {kInternal, kRemote}), seen);
  EXPECT_EQ(seen_from(from_outside(kInternal), {kInternal, kRemote}), seen);
  EXPECT_FALSE(seen_from(from_outside(kInternal), {kElsewhere, kRemote}));
}

TEST(SeenFrom, WithoutTranslationTheHostIsSeenAsItIs) {
  const Flow seen{Protocol::udp, kInternal6, kInternal6, kRemote6};
  EXPECT_EQ(seen_from(from_outside6(kInternal6), {kInternal6, kRemote6}), seen);
  EXPECT_EQ(seen_from(from_outside6(kRemote6, kInternal6), {kInternal6, kRemote6}), seen);
}

}  // namespace
}  // namespace postern::conntrack
