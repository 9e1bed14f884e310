#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/gateway.h"
#include "tests/support/gateway_fixture.h"
#include "tests/support/natpmp_client.h"
#include "tests/support/pcp_client.h"
#include "tests/support/stored_state.h"

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

// --- Those that ask for others ----------------------------------------------------------------

/// Host B asked, by UPnP, for a mapping to host A, and each has one of its own.
class GatewayHostsForOthersTest : public testing::Test {
 protected:
  GatewayHostsForOthersTest() {
    auto others = stored(1, {kHostA, 5000}, 40001, kStart + Seconds(7200), "upnp");
    others.claims.front().claimant.client = kHostB;
    asked_ = house_.start(
        dual_network(), rebooted({others, stored(2, {kHostB, 5000}, 40002, kStart + Seconds(7200)),
                                  stored(3, {kHostC, 5000}, 40003, kStart + Seconds(7200))}));
  }
  ~GatewayHostsForOthersTest() override { EXPECT_TRUE(house_.is_consistent()); }

  [[nodiscard]] static GatewayOptions options() {
    Rule rule = default_rule();
    rule.for_others = true;
    GatewayOptions options;
    options.policy = Policy({rule});
    options.host_grace = kGrace;
    return options;
  }
  Turn lose(const Address& host) {
    const Neighbour neighbour{kLanIndex, host, State::silent, ""};
    house_.gateway.on_neighbours({&neighbour, 1}, house_.now);
    return house_.pass(kGrace + Seconds(20));
  }
  [[nodiscard]] bool is_open(MappingId id) const { return house_.gateway.state().table.find(id); }

  House house_{options(), Serves::both};
  Turn asked_;
};

TEST_F(GatewayHostsForOthersTest, BothAreWatched) {
  EXPECT_THAT(asked_.questions,
              testing::UnorderedElementsAre(NeighbourQuestion{kLanIndex, kHostA},
                                            NeighbourQuestion{kLanIndex, kHostB},
                                            NeighbourQuestion{kLanIndex, kHostC}));
}

TEST_F(GatewayHostsForOthersTest, WhatLeadsToAHostEndsWithIt) {
  const auto turn = lose(kHostA);
  EXPECT_FALSE(is_open(1));
  EXPECT_TRUE(is_open(2)) << "who asked is still there";
  ASSERT_EQ(turn.events.size(), 1U);
  EXPECT_EQ(turn.events.front().cause, TableEvent::Cause::host_gone);
}

TEST_F(GatewayHostsForOthersTest, WhatAHostAskedForEndsWithIt) {
  (void)lose(kHostB);
  EXPECT_FALSE(is_open(1));
  EXPECT_FALSE(is_open(2));
  EXPECT_TRUE(is_open(3));
}

TEST_F(GatewayHostsForOthersTest, WhatTheInsideAskedForItselfStays) {
  (void)test::map(house_, PcpWish{.internal_port = 5000, .lifetime = 7200});
  ASSERT_EQ(house_.gateway.state().table.find(1)->claims.size(), 2U);
  const auto turn = lose(kHostB);
  ASSERT_TRUE(is_open(1));
  EXPECT_EQ(house_.gateway.state().table.find(1)->claims.size(), 1U);
  ASSERT_EQ(turn.events.size(), 2U);
  EXPECT_EQ(turn.events.front().dropped.size(), 1U);
}

TEST_F(GatewayHostsForOthersTest, TheAdministratorsStayWithoutTheirClaims) {
  Turn turn;
  ASSERT_TRUE(house_.gateway.add({"x", Protocol::udp, {kHostA, 5000}, 40001}, house_.now, turn));
  (void)lose(kHostA);
  ASSERT_TRUE(is_open(1));
  EXPECT_EQ(house_.gateway.state().table.find(1)->claims.size(), 1U);
}

// PCP-182, 184: the controller is there to hear of it.
TEST_F(GatewayHostsTest, WhoAskedForThemIsTold) {
  pcp::Settings settings;
  settings.third_party = {Prefix::of(kHostB)};
  House house(options(), Serves::both, settings);
  (void)house.start(dual_network());
  (void)house.pass(Seconds(200));
  const PcpWish wish{.client = kHostB, .lifetime = 7200, .options = {pcp::ThirdParty{kHostA}}};
  (void)test::map(house, wish);
  const Neighbour silent{kLanIndex, kHostA, State::silent, ""};
  house.gateway.on_neighbours({&silent, 1}, house.now);
  const auto turn = house.pass(kGrace + Seconds(20));
  EXPECT_EQ(house.mappings(), 0U);
  ASSERT_EQ(turn.send.size(), 3U);
  EXPECT_EQ(turn.send.front().destination.address, kHostB);
  EXPECT_EQ(read_pcp(turn.send.front().payload).lifetime, 0U);
}

// As it is known who a host is, its mappings count with the others of its MAC address.
TEST(GatewayStations, AreLearntFromNeighbours) {
  struct NobodyKnown final : ClientDirectory {
    [[nodiscard]] std::optional<ClientLink> find(const Address&) override { return std::nullopt; }
  } clients;
  Limits limits;
  limits.mappings_per_client = 1;
  GatewayOptions options;
  options.policy = Policy({default_rule()}, limits, &clients);
  House house(options, Serves::both);
  (void)house.start(dual_network());
  const auto ask = [&](std::uint8_t host) {
    const auto client = Address::v4({192, 168, 1, host});
    return test::error_of(house, PcpWish{.client = client}).result;
  };
  for (std::uint8_t i = 0; i < 10; ++i)
    EXPECT_EQ(ask(static_cast<std::uint8_t>(10 + i)), pcp::ResultCode::success);
  EXPECT_EQ(ask(20), pcp::ResultCode::user_ex_quota);
  const auto hear = [&](State state) {
    const Neighbour known{kLanIndex, kHostA, state, std::string("\x02\0\0\0\0\x0a", 6)};
    house.gateway.on_neighbours({&known, 1}, house.now);
  };
  hear(State::heard);
  EXPECT_EQ(ask(20), pcp::ResultCode::user_ex_quota) << "anybody may have said so";
  hear(State::reachable);
  EXPECT_EQ(ask(20), pcp::ResultCode::success);
}

}  // namespace
}  // namespace postern
