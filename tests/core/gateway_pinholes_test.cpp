#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/gateway.h"
#include "tests/support/gateway_fixture.h"
#include "tests/support/pcp_client.h"

// Pinholes when the LAN's IPv6 prefixes change (RFC 6887 §8.5: they count on an epoch of their
// own).
namespace postern {
namespace {

using namespace test;

const Address kNewGateway6 = *Address::parse("2001:db8:1::1");
const DoorKey kPinhole{DoorKey::Kind::pinhole6, Protocol::udp, {kHostA6, 8080}};

Network renumbered_network() {
  return dual_network(kWan, kNewGateway6);
}

class GatewayPinholesTest : public testing::Test {
 protected:
  GatewayPinholesTest() {
    (void)house_.start(dual_network());
    (void)house_.pass(Seconds(200));  // The announcements are over.
    (void)map(house_, {.client = kHostA6, .lifetime = 600});
    (void)map(house_, {.client = kHostA, .lifetime = 600});
    EXPECT_EQ(house_.mappings(), 2U);
  }
  ~GatewayPinholesTest() override { EXPECT_TRUE(house_.is_consistent()); }

  [[nodiscard]] bool is_open() const { return is_open(house_); }
  [[nodiscard]] static bool is_open(const House& house) {
    return house.gateway.state().table.find_by_internal(Protocol::udp, {kHostA6, 8080});
  }
  [[nodiscard]] std::uint32_t epoch() const {
    return house_.gateway.state().epoch.seconds(house_.now);
  }
  [[nodiscard]] std::uint32_t pinhole_epoch() const {
    return house_.gateway.state().pinhole_epoch.seconds(house_.now);
  }
  /// How many announcements IPv6 hosts get; those of IPv4 get none here.
  [[nodiscard]] static std::size_t announced(const Turn& turn) {
    for (const auto& sent : turn.send) EXPECT_FALSE(sent.destination.address.is_v4());
    return turn.send.size();
  }

  House house_{{}, Serves::both};
};

TEST_F(GatewayPinholesTest, AreLostWithTheirPrefix) {
  const auto turn = house_.change_network(renumbered_network());
  EXPECT_FALSE(is_open());
  EXPECT_EQ(house_.mappings(), 1U) << "IPv4 is not concerned";
  EXPECT_EQ(turn.events.size(), 1U);
  EXPECT_EQ(pinhole_epoch(), 0U);
  EXPECT_EQ(epoch(), 200U);
  EXPECT_EQ(announced(turn), 2U) << "one from each address";
  (void)house_.pass(Milliseconds(25));
  EXPECT_THAT(house_.flows.purged,
              testing::Contains(FlowPurge{FlowPurge::Which::through_door,
                                          Pinhole6{Protocol::udp, {kHostA6, 8080}}, false}));
}

TEST_F(GatewayPinholesTest, StayWhenTheirPrefixStays) {
  auto network = dual_network();
  network.lan[0].addresses.push_back({kNewGateway6, 64});
  EXPECT_EQ(announced(house_.change_network(network)), 0U);
  EXPECT_TRUE(is_open());
  EXPECT_EQ(pinhole_epoch(), 200U);
}

TEST_F(GatewayPinholesTest, DoNotCareForANewIpv4Address) {
  auto network = dual_network();
  network.wan = wan_interface(kOtherWan);
  (void)house_.change_network(network);
  EXPECT_TRUE(is_open());
  EXPECT_EQ(pinhole_epoch(), 200U);
  EXPECT_EQ(epoch(), 0U);
}

// While the bridge is down, or comes up, nothing is known of who is there.
TEST_F(GatewayPinholesTest, StayWhileTheLanHasNoIpv6Address) {
  EXPECT_EQ(announced(house_.change_network(home_network())), 0U);
  EXPECT_TRUE(is_open());
  EXPECT_EQ(announced(house_.change_network(dual_network())), 0U);
  EXPECT_TRUE(is_open());
  EXPECT_EQ(pinhole_epoch(), 200U);
  (void)house_.change_network(home_network());
  EXPECT_EQ(announced(house_.change_network(renumbered_network())), 2U);
  EXPECT_FALSE(is_open());
}

// A LAN that has no IPv6 at all says nothing of the hosts of another.
TEST_F(GatewayPinholesTest, CloseAlsoWhileAnotherLanHasNoIpv6) {
  auto network = renumbered_network();
  network.lan.push_back({"guest", 9, {{Address::v4({10, 9, 0, 1}), 16}}});
  EXPECT_GT(announced(house_.change_network(network)), 0U);
  EXPECT_FALSE(is_open());
}

TEST_F(GatewayPinholesTest, OfAListedHostStay) {
  Rule rule = default_rule();
  rule.client_prefixes = {*Prefix::parse("2001:db8:77::/64")};
  GatewayOptions options;
  options.policy = Policy({rule});
  House house(options, Serves::pcp);
  (void)house.start(dual_network());
  (void)map(house, {.client = kHostA6, .lifetime = 600});
  (void)house.change_network(renumbered_network());
  EXPECT_TRUE(is_open(house));
}

TEST_F(GatewayPinholesTest, ThatTheFirewallWouldNotCloseAreTriedAgain) {
  house_.backend->refuse(kPinhole);
  EXPECT_EQ(announced(house_.change_network(renumbered_network())), 0U);
  EXPECT_TRUE(is_open());
  EXPECT_EQ(pinhole_epoch(), 200U) << "not lost yet";
  house_.backend->heal();
  const auto turn = house_.pass(Seconds(1));
  EXPECT_FALSE(is_open());
  EXPECT_GE(announced(turn), 2U);
  EXPECT_LE(pinhole_epoch(), 1U);
}

TEST_F(GatewayPinholesTest, AreNotLostBeforeTheFirewallHasClosedThem) {
  (void)house_.pass(Seconds(5));
  house_.backend->fail_next(1000);
  EXPECT_EQ(announced(house_.change_network(renumbered_network())), 0U);
  EXPECT_EQ(announced(house_.pass(Seconds(5))), 0U);
  EXPECT_TRUE(is_open());
  EXPECT_EQ(pinhole_epoch(), 210U);
  house_.backend->heal();
  EXPECT_GE(announced(house_.pass(Seconds(1))), 2U);
  EXPECT_FALSE(is_open());
  EXPECT_LE(pinhole_epoch(), 1U);
}

TEST_F(GatewayPinholesTest, AreLostOnceHoweverOftenTheFirewallFails) {
  (void)house_.pass(Seconds(5));
  house_.backend->fail_next(1);
  const auto turn = house_.change_network(renumbered_network());
  EXPECT_FALSE(is_open());
  EXPECT_EQ(announced(turn), 2U);
  EXPECT_EQ(
      std::count_if(turn.events.begin(), turn.events.end(),
                    [](const TableEvent& event) { return event.kind == TableEvent::Kind::closed; }),
      1);
}

TEST_F(GatewayPinholesTest, ThatEndedByThemselvesAreNotLost) {
  house_.now += Seconds(600);  // No timeout has run yet: the turn of the change ends it.
  auto network = dual_network();
  network.lan[0].addresses.push_back({kNewGateway6, 64});
  EXPECT_EQ(announced(house_.change_network(network)), 0U);
  EXPECT_FALSE(is_open());
  EXPECT_EQ(pinhole_epoch(), 800U);
}

TEST_F(GatewayPinholesTest, OfAnEarlierRunAreNotPutBackWhenTheirPrefixIsGone) {
  House next(house_.backend, {}, house_.now, Serves::both);
  (void)next.start(renumbered_network());
  EXPECT_FALSE(is_open(next));
  EXPECT_TRUE(next.is_consistent());
  EXPECT_EQ(next.mappings(), 1U);
  (void)house_.start(dual_network());  // For the check of the fixture.
}

TEST_F(GatewayPinholesTest, OfAnEarlierRunArePutBackUntilThePrefixesAreKnown) {
  House next(house_.backend, {}, house_.now, Serves::both);
  (void)next.start(home_network());
  EXPECT_TRUE(is_open(next));
  (void)next.change_network(renumbered_network());
  EXPECT_FALSE(is_open(next));
  EXPECT_TRUE(next.is_consistent());
  (void)house_.start(dual_network());  // For the check of the fixture.
}

}  // namespace
}  // namespace postern
