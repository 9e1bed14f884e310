#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/gateway.h"
#include "tests/support/gateway_fixture.h"
#include "tests/support/natpmp_client.h"
#include "tests/support/pcp_client.h"
#include "tests/support/table_fixture.h"

// Connections that end with a door, and what happens when somebody else changes the firewall.
namespace postern {
namespace {

using namespace test;
using Which = FlowPurge::Which;

const Door kForward = Forward4{Protocol::udp, {kWan, 40001}, {kHostA, 8080}};
const Door kOutbound = Outbound4{Protocol::udp, {kHostA, 8080}, {kWan, 40001}};
constexpr Milliseconds kDelay{50};

class GatewayFlowsTest : public testing::Test {
 protected:
  GatewayFlowsTest() { (void)house_.start(); }
  ~GatewayFlowsTest() override { EXPECT_TRUE(house_.is_consistent()); }

  void map(std::uint32_t lifetime = 60) {
    (void)test::map(house_, kHostA, Protocol::udp, 8080, 40001, lifetime);
  }
  /// What was purged since the last call.
  [[nodiscard]] std::vector<FlowPurge> purged() { return std::exchange(house_.flows.purged, {}); }

  House house_;
};

TEST_F(GatewayFlowsTest, ANewDoorEndsWhatWentPastIt) {
  map();
  EXPECT_TRUE(purged().empty()) << "not before the reply";
  (void)house_.pass(kDelay);
  EXPECT_THAT(purged(), testing::ElementsAre(FlowPurge{Which::past_door, kForward}));
}

TEST_F(GatewayFlowsTest, ARenewalEndsNothing) {
  map();
  (void)house_.pass(kDelay);
  (void)purged();
  map();
  (void)house_.pass(kDelay);
  EXPECT_TRUE(purged().empty());
}

TEST_F(GatewayFlowsTest, ADeletedDoorTakesItsConnectionsAlong) {
  map();
  (void)house_.pass(kDelay);
  (void)purged();
  map(0);
  (void)house_.pass(kDelay);
  EXPECT_THAT(purged(), testing::UnorderedElementsAre(FlowPurge{Which::through_door, kForward},
                                                      FlowPurge{Which::through_door, kOutbound}));
}

TEST_F(GatewayFlowsTest, AnEndedLeaseTakesItsConnectionsAlong) {
  map(60);
  (void)house_.pass(Seconds(30));
  (void)purged();
  (void)house_.pass(Seconds(31));
  EXPECT_THAT(purged(), testing::Contains(FlowPurge{Which::through_door, kForward}));
}

TEST_F(GatewayFlowsTest, ASwitchLeavesEstablishedTcpOnExpiryButNotOnDeletion) {
  GatewayOptions options;
  options.keeps_established_tcp = true;
  House house(options);
  (void)house.start();
  (void)test::map(house, kHostA, Protocol::udp, 8080, 40001, 60);
  (void)house.pass(Seconds(61));
  EXPECT_THAT(house.flows.purged,
              testing::Contains(FlowPurge{Which::through_door, kForward, true}));
  house.flows.purged.clear();
  (void)test::map(house, kHostA, Protocol::udp, 8080, 40001, 60);
  (void)test::map(house, kHostA, Protocol::udp, 8080, 40001, 0);
  (void)test::map(house, kHostA, Protocol::udp, 8080, 40001, 60);
  (void)house.pass(Seconds(1));
  (void)test::map(house, kHostA, Protocol::udp, 8080, 40001, 0);
  (void)house.pass(kDelay);
  EXPECT_THAT(house.flows.purged,
              testing::Contains(FlowPurge{Which::through_door, kForward, false}));
}

TEST_F(GatewayFlowsTest, AMovedMappingLeavesNoConnectionsBehind) {
  map();
  (void)house_.pass(kDelay);
  (void)purged();
  (void)house_.change_network(home_network(kOtherWan));
  (void)house_.pass(kDelay);
  const Door moved = Forward4{Protocol::udp, {kOtherWan, 40001}, {kHostA, 8080}};
  const auto found = purged();
  EXPECT_THAT(found, testing::Contains(FlowPurge{Which::through_door, kForward}));
  EXPECT_THAT(found, testing::Contains(FlowPurge{Which::past_door, moved}));
}

TEST_F(GatewayFlowsTest, ARefusedChangeEndsNothing) {
  house_.backend->fail_next(3);
  map();
  (void)house_.pass(kDelay);
  EXPECT_TRUE(purged().empty());
}

TEST_F(GatewayFlowsTest, ManyDoorsShareOneLook) {
  map();
  (void)house_.pass(Milliseconds(10));
  (void)test::map(house_, kHostB, Protocol::tcp, 9090, 40002, 60);
  (void)house_.pass(Milliseconds(15));
  EXPECT_EQ(purged().size(), 2U);
}

TEST_F(GatewayFlowsTest, TheStartEndsWhatLostItsDoor) {
  House before;
  (void)before.start();
  (void)test::map(before, kHostA, Protocol::udp, 8080, 40001, 60);
  (void)test::map(before, kHostB, Protocol::tcp, 9090, 40002, 30);
  // While nobody was there, the second one ended.
  House after(before.backend, {}, before.now + Seconds(40));
  (void)after.start();
  ASSERT_EQ(after.flows.stray_purges.size(), 1U);
  const auto& [doors, spares_established_tcp] = after.flows.stray_purges.front();
  EXPECT_FALSE(spares_established_tcp);
  EXPECT_EQ(doors.size(), 3U);
  EXPECT_THAT(doors, testing::Contains(testing::Field(&TimedDoor::door, kForward)));
  EXPECT_THAT(doors, testing::UnorderedElementsAreArray(after.open_doors()));
}

TEST_F(GatewayFlowsTest, TheStartLeavesEstablishedTcpAtTheSwitch) {
  GatewayOptions options;
  options.keeps_established_tcp = true;
  House house(options);
  (void)house.start();
  ASSERT_EQ(house.flows.stray_purges.size(), 1U);
  EXPECT_TRUE(house.flows.stray_purges.front().spares_established_tcp);
}

TEST_F(GatewayFlowsTest, PutsEverythingBackWhenSomebodyElseChangedTheFirewall) {
  map();
  (void)house_.pass(Seconds(1));
  ASSERT_TRUE(house_.backend->reset(home_network(), {}, house_.now));
  ASSERT_EQ(house_.doors(), 0U);
  (void)house_.gateway.on_firewall_changed("table deleted", house_.now);
  EXPECT_EQ(house_.doors(), 3U);
  EXPECT_EQ(house_.gateway.counters().repairs.at("table deleted"), 1U);
  // Who sent in between went past the door.
  (void)purged();
  (void)house_.pass(kDelay);
  EXPECT_THAT(purged(), testing::ElementsAre(FlowPurge{Which::past_door, kForward}));
}

TEST_F(GatewayFlowsTest, PutsEverythingBackAtMostTenTimesASecond) {
  map();
  int repairs = 0;
  for (int i = 0; i < 1000; ++i) {
    ASSERT_TRUE(house_.backend->reset(home_network(), {}, house_.now));
    (void)house_.gateway.on_firewall_changed("rules changed", house_.now);
    if (house_.doors() > 0) ++repairs;
    (void)house_.pass(Milliseconds(1));
  }
  EXPECT_LE(repairs, 11);
  (void)house_.pass(Milliseconds(100));
  EXPECT_EQ(house_.doors(), 3U) << "the last change was not overlooked";
}

/// With the mapping of kForward, but for one remote peer (RFC 6887 §12, PEER).
class GatewayPeerFlowsTest : public testing::Test {
 protected:
  GatewayPeerFlowsTest() {
    (void)house_.start();
    (void)peer(house_, {.suggested_port = 40001, .suggested_address = kWan, .lifetime = 600},
               kPeer);
    (void)house_.pass(kDelay);
  }
  ~GatewayPeerFlowsTest() override { EXPECT_TRUE(house_.is_consistent()); }

  const Endpoint kPeer{Address::v4({192, 0, 2, 1}), 9000};
  const Door kNarrow = Forward4{Protocol::udp,
                                {kWan, 40001},
                                {kHostA, 8080},
                                {{Prefix::of(kPeer.address), kPeer.port, kPeer.port}}};
  House house_{{}, Serves::pcp};
};

TEST_F(GatewayPeerFlowsTest, APeerThatIsLetInEndsWhatWentPastTheDoor) {
  EXPECT_THAT(house_.flows.purged, testing::ElementsAre(FlowPurge{Which::past_door, kNarrow}));
}

TEST_F(GatewayPeerFlowsTest, AConnectionOutlivesTheClaimForItsPeer) {
  house_.flows.purged.clear();
  (void)house_.pass(Seconds(601));
  EXPECT_EQ(house_.mappings(), 0U);
  EXPECT_TRUE(house_.flows.purged.empty());
}

TEST_F(GatewayPeerFlowsTest, WhoWasTurnedAwayBeforeTheDoorWasForAllIsLetInNow) {
  house_.flows.purged.clear();
  (void)test::map(house_, {.lifetime = 600});
  (void)house_.pass(kDelay);
  EXPECT_THAT(house_.flows.purged, testing::ElementsAre(FlowPurge{Which::past_door, kForward}));
}

TEST_F(GatewayPeerFlowsTest, WhatADoorForAllLetInEndsWithIt) {
  (void)test::map(house_, {.lifetime = 600});
  (void)house_.pass(kDelay);
  house_.flows.purged.clear();
  (void)test::map(house_, deletion({}));
  (void)house_.pass(kDelay);
  EXPECT_THAT(house_.flows.purged,
              testing::UnorderedElementsAre(FlowPurge{Which::through_door, kForward},
                                            FlowPurge{Which::past_door, kNarrow}));
}

}  // namespace
}  // namespace postern
