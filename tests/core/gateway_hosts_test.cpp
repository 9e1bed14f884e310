#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/gateway.h"
#include "tests/support/gateway_fixture.h"
#include "tests/support/natpmp_client.h"
#include "tests/support/pcp_client.h"

// Hosts that leave, hosts that others take the address of, and LANs that are renumbered.
namespace postern {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::IsEmpty;
using State = Neighbour::State;

constexpr Seconds kGrace{600};

class GatewayHostsTest : public testing::Test {
 protected:
  GatewayHostsTest() {
    (void)house_.start(dual_network());
    (void)house_.pass(Seconds(200));  // The announcements are over.
  }
  ~GatewayHostsTest() override { EXPECT_TRUE(!serves_ || house_.is_consistent()); }

  [[nodiscard]] static GatewayOptions options() {
    GatewayOptions options;
    options.host_grace = kGrace;
    return options;
  }
  Turn open(const Address& host, std::uint16_t port = 8080) {
    const PcpWish wish{.client = host, .internal_port = port, .lifetime = 7200};
    return house_.send(host, pcp::emit(map_of(wish)));
  }
  void hear(const Address& host, State state, const std::string& mac) {
    const Neighbour neighbour{kLanIndex, host, state, mac};
    house_.gateway.on_neighbours({&neighbour, 1}, house_.now);
  }
  [[nodiscard]] std::size_t open_of(const Address& host) const {
    return house_.gateway.state().table.count_of(host);
  }
  [[nodiscard]] std::uint32_t epoch() const {
    return house_.gateway.state().epoch.seconds(house_.now);
  }

  House house_{options(), Serves::both};
  bool serves_ = true;
};

TEST_F(GatewayHostsTest, AreLookedUpWithTheirFirstMapping) {
  const auto first = open(kHostA);
  EXPECT_THAT(first.questions, ElementsAre(NeighbourQuestion{kLanIndex, kHostA}));
  EXPECT_THAT(open(kHostA, 8081).questions, IsEmpty());
  EXPECT_THAT(open(kHostA6).questions, ElementsAre(NeighbourQuestion{kLanIndex, kHostA6}));
}

TEST_F(GatewayHostsTest, LoseTheirMappingsWhenTheyHaveGone) {
  (void)open(kHostA);
  (void)open(kHostA, 8081);
  (void)open(kHostB);
  hear(kHostA, State::reachable, "a");
  hear(kHostA, State::silent, "");
  auto turn = house_.pass(kGrace);
  EXPECT_THAT(turn.questions,
              ElementsAre(NeighbourQuestion{kLanIndex, kHostA, NeighbourQuestion::Whom::host}));
  EXPECT_EQ(open_of(kHostA), 2U);
  turn = house_.pass(Seconds(10));
  EXPECT_EQ(open_of(kHostA), 0U);
  EXPECT_EQ(open_of(kHostB), 1U);
  ASSERT_EQ(turn.events.size(), 2U);
  for (const auto& event : turn.events) EXPECT_EQ(event.cause, TableEvent::Cause::host_gone);
  EXPECT_THAT(turn.send, IsEmpty()) << "nobody else is concerned";
  EXPECT_GT(epoch(), 200U);
}

TEST_F(GatewayHostsTest, KeepTheirMappingsWhenTheyAnswerAgain) {
  (void)open(kHostA);
  hear(kHostA, State::silent, "");
  (void)house_.pass(kGrace);
  hear(kHostA, State::reachable, "a");
  (void)house_.pass(kGrace);
  EXPECT_EQ(open_of(kHostA), 1U);
}

TEST_F(GatewayHostsTest, LeaveNothingToWhoGetsTheirAddress) {
  (void)open(kHostA);
  (void)open(kHostA6);
  for (const auto& host : {kHostA, kHostA6}) {
    hear(host, State::reachable, "a");
    hear(host, State::reachable, "b");
  }
  (void)house_.pass(Seconds(8));
  EXPECT_EQ(house_.mappings(), 0U);
  (void)open(kHostA);
  hear(kHostA, State::reachable, "b");
  (void)house_.pass(Seconds(10));
  EXPECT_EQ(open_of(kHostA), 1U) << "this one is its own";
}

TEST_F(GatewayHostsTest, AreNotWatchedWithoutMappings) {
  (void)open(kHostA);
  hear(kHostA, State::silent, "");
  (void)map(house_, {.client = kHostA, .lifetime = 0});
  hear(kHostB, State::silent, "");
  EXPECT_THAT(house_.pass(2 * kGrace).questions, IsEmpty());
}

TEST_F(GatewayHostsTest, ThatTheFirewallKeepsOpenAreTriedAgain) {
  (void)open(kHostA);
  hear(kHostA, State::reachable, "a");
  hear(kHostA, State::reachable, "b");
  house_.backend->fail_next(1000);
  (void)house_.pass(Seconds(10));
  EXPECT_EQ(open_of(kHostA), 1U);
  house_.backend->heal();
  (void)house_.pass(Seconds(2));
  EXPECT_EQ(open_of(kHostA), 0U);
}

TEST_F(GatewayHostsTest, AreNotSpokenForFromAnotherLink) {
  (void)open(kHostA);
  hear(kHostA, State::reachable, "a");
  const Neighbour stranger{kWanIndex, kHostA, State::reachable, "b"};
  house_.gateway.on_neighbours({&stranger, 1}, house_.now);
  EXPECT_THAT(house_.pass(Seconds(60)).questions, IsEmpty());
  EXPECT_EQ(open_of(kHostA), 1U);
}

// At the start of the machine: restored mappings must not fall to the first news of the network.
TEST_F(GatewayHostsTest, KeepTheirMappingsBeforeTheLanHasItsAddresses) {
  (void)open(kHostA);
  (void)open(kHostA6);
  auto before = dual_network(std::nullopt);
  before.lan[0].addresses = {{kGatewayLinkLocal, 64}};
  serves_ = false;
  House next(house_.backend, options(), house_.now, Serves::both);
  (void)next.start(before);
  EXPECT_EQ(next.mappings(), 2U);
  before.wan = wan_interface(kWan);
  (void)next.change_network(before);
  EXPECT_EQ(next.mappings(), 2U) << "the WAN says nothing of the LAN";
  before.lan[0].addresses.push_back({kGateway, 24});
  (void)next.change_network(before);
  EXPECT_EQ(next.mappings(), 2U) << "the IPv6 prefix comes later";
  (void)next.change_network(dual_network());
  EXPECT_EQ(next.mappings(), 2U);
  (void)next.change_network(dual_network(kWan, *Address::parse("2001:db8:1::1")));
  EXPECT_EQ(next.mappings(), 1U) << "now it is known";
}

// As when a bridge goes down and up: the address of the link comes first.
TEST_F(GatewayHostsTest, KeepTheirPinholesWhileOnlyTheLinkLocalAddressIsThere) {
  (void)open(kHostA6);
  auto network = dual_network();
  network.lan[0].addresses = {{kGateway, 24}};
  (void)house_.change_network(network);
  network.lan[0].addresses.push_back({kGatewayLinkLocal, 64});
  (void)house_.change_network(network);
  EXPECT_EQ(open_of(kHostA6), 1U);
}

// NPMP-95
TEST_F(GatewayHostsTest, OfARenumberedLanLoseTheirMappings) {
  (void)open(kHostA);
  auto network = dual_network();
  network.lan[0].addresses[0] = {Address::v4({10, 0, 0, 1}), 24};
  const auto turn = house_.change_network(network);
  EXPECT_EQ(open_of(kHostA), 0U);
  ASSERT_EQ(turn.events.size(), 1U);
  EXPECT_EQ(turn.events[0].cause, TableEvent::Cause::network);
  EXPECT_EQ(epoch(), 0U) << "who is there now has to ask again";
  EXPECT_EQ(turn.send.size(), 2U) << "NAT-PMP and PCP say so";
}

TEST_F(GatewayHostsTest, KeepTheirMappingsWhileTheLanIsDown) {
  (void)open(kHostA);
  auto network = dual_network();
  network.lan[0].addresses.clear();
  (void)house_.change_network(network);
  network.lan[0].index = 0;
  (void)house_.change_network(network);
  EXPECT_EQ(open_of(kHostA), 1U);
  network = dual_network();
  network.lan[0].index = 99;
  (void)house_.change_network(network);
  EXPECT_EQ(open_of(kHostA), 1U);
  EXPECT_EQ(epoch(), 200U);
}

}  // namespace
}  // namespace postern
