#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/natpmp_client.h"
#include "tests/support/pcp_client.h"

// Other rules and other static mappings while the gateway runs, and the operator's commands.
namespace postern {
namespace {

using namespace test;
using Cause = TableEvent::Cause;
using Kind = TableEvent::Kind;

[[nodiscard]] Policy only_ports_from(std::uint16_t first) {
  Rule rule = default_rule();
  rule.external_ports = PortSet({{first, 65535}});
  return Policy({rule});
}

class GatewayAdministrationTest : public testing::Test {
 protected:
  GatewayAdministrationTest() { (void)house_.start(dual_network()); }
  ~GatewayAdministrationTest() override { EXPECT_TRUE(house_.is_consistent()); }

  Turn reload(Policy policy, std::vector<StaticMapping> mappings = {}) {
    return house_.gateway.reload(std::move(policy), std::move(mappings), house_.now);
  }
  [[nodiscard]] const Mapping* at(std::uint16_t port) const {
    return house_.gateway.state().table.find_by_external_port(Protocol::udp, port);
  }

  House house_{{}, Serves::both};
};

TEST_F(GatewayAdministrationTest, ClosesWhatTheNewPolicyForbids) {
  (void)test::map(house_, PcpWish{.suggested_port = 2000});
  (void)test::map(house_, PcpWish{.internal_port = 8081, .suggested_port = 3000});
  const auto turn = reload(only_ports_from(3000));
  ASSERT_EQ(turn.events.size(), 1U);
  EXPECT_EQ(turn.events.front().kind, Kind::closed);
  EXPECT_EQ(turn.events.front().cause, Cause::policy);
  EXPECT_EQ(turn.events.front().mapping.external.port, 2000);
  EXPECT_FALSE(at(2000));
  EXPECT_TRUE(at(3000));
}

TEST_F(GatewayAdministrationTest, RulesAndStaticMappingsChangeTogether) {
  (void)test::map(house_, PcpWish{.suggested_port = 2000});
  const auto turn = reload(only_ports_from(3000), {{"game", Protocol::udp, {kHostB, 9000}, 2000}});
  EXPECT_EQ(turn.events.size(), 2U);
  EXPECT_EQ(at(2000)->internal.address, kHostB);
  EXPECT_EQ(house_.doors(), 3U);
  (void)reload(Policy());
  EXPECT_FALSE(at(2000));
}

TEST_F(GatewayAdministrationTest, WhatTheFirewallRefusedIsOpenedByTheNextRebuild) {
  house_.backend->refuse({DoorKey::Kind::forward4, Protocol::udp, {kWan, 2000}});
  (void)reload(Policy(), {{"", Protocol::udp, {kHostB, 9000}, 2000}});
  EXPECT_FALSE(at(2000));
  house_.backend->heal();
  (void)house_.pass(Seconds(2));
  EXPECT_TRUE(at(2000));
}

// PCP-184
TEST_F(GatewayAdministrationTest, TellsThePcpClientsWhoseMappingsItClosed) {
  (void)house_.pass(Seconds(600));
  PcpWish wish{.suggested_port = 2000};
  (void)test::map(house_, wish);
  auto turn = reload(only_ports_from(3000));
  auto sent = std::move(turn.send);
  for (auto& datagram : house_.pass(Seconds(5)).send) sent.push_back(std::move(datagram));
  ASSERT_EQ(sent.size(), 3U) << "three copies";
  for (const auto& datagram : sent) {
    EXPECT_EQ(datagram.destination, (Endpoint{kHostA, 40123}));
    const auto update = read_pcp(datagram.payload);
    EXPECT_EQ(update.result, pcp::ResultCode::not_authorized);
    EXPECT_EQ(update.lifetime, 0U);
    const auto& body = std::get<pcp::MapResponse>(update.body);
    EXPECT_EQ(body.nonce, wish.nonce);
    EXPECT_EQ(body.internal_port, wish.internal_port);
    EXPECT_EQ(body.external_port, 2000);
  }
}

// PCP-184
TEST_F(GatewayAdministrationTest, TellsThePcpClientWhoseClaimAloneFell) {
  (void)house_.pass(Seconds(600));
  const PcpWish wish{.suggested_port = 4000};
  (void)test::map(house_, wish);
  (void)test::map(house_, kHostA, Protocol::udp, wish.internal_port, 4000, 600);
  ASSERT_EQ(at(4000)->claims.size(), 2U);
  Rule natpmp = default_rule();
  natpmp.frontends = {"natpmp"};
  auto turn = reload(Policy({natpmp}));
  ASSERT_EQ(turn.events.size(), 1U);
  EXPECT_EQ(turn.events.front().kind, Kind::renewed);
  ASSERT_EQ(turn.events.front().dropped.size(), 1U);
  EXPECT_EQ(turn.events.front().dropped.front().claimant, (Claimant{"pcp", kHostA}));
  ASSERT_EQ(at(4000)->claims.size(), 1U);
  auto sent = std::move(turn.send);
  for (auto& datagram : house_.pass(Seconds(5)).send) sent.push_back(std::move(datagram));
  ASSERT_EQ(sent.size(), 3U) << "three copies";
  for (const auto& datagram : sent) {
    EXPECT_EQ(datagram.destination, (Endpoint{kHostA, 40123}));
    const auto update = read_pcp(datagram.payload);
    EXPECT_EQ(update.result, pcp::ResultCode::not_authorized);
    EXPECT_EQ(update.lifetime, 0U);
    EXPECT_EQ(std::get<pcp::MapResponse>(update.body).nonce, wish.nonce);
  }
}

// PCP-184
TEST_F(GatewayAdministrationTest, TellsThePcpClientWhoseFilterAStaticMappingHasNot) {
  (void)house_.pass(Seconds(600));
  const auto filter = pcp::Filter::of({Prefix::of(Address::v4({8, 8, 8, 8}))});
  (void)test::map(house_, PcpWish{.suggested_port = 4000, .options = {filter}});
  const auto turn = reload(Policy(), {{"game", Protocol::udp, {kHostA, 8080}, 4000}});
  ASSERT_EQ(turn.send.size(), 1U);
  const auto update = read_pcp(turn.send.front().payload);
  EXPECT_EQ(update.result, pcp::ResultCode::not_authorized);
  EXPECT_EQ(update.lifetime, 0U);
}

// PCP-184: what fell in two reloads, one soon after the other.
TEST_F(GatewayAdministrationTest, TellsOfEachClaimThatFell) {
  (void)house_.pass(Seconds(600));
  const PcpWish wish{.suggested_port = 4000};
  const Endpoint peer{Address::v4({8, 8, 8, 8}), 443};
  (void)test::map(house_, wish);
  (void)test::peer(house_, wish, peer);
  (void)test::map(house_, kHostA, Protocol::udp, wish.internal_port, 4000, 600);
  Rule natpmp = default_rule();
  natpmp.frontends = {"natpmp"};
  auto turn = reload(Policy({natpmp}));
  EXPECT_EQ(turn.send.size(), 2U);
  turn = reload(only_ports_from(5000));
  EXPECT_FALSE(at(4000));
  std::size_t peers = 0;
  for (const auto& datagram : house_.pass(Seconds(5)).send) {
    const auto update = read_pcp(datagram.payload);
    EXPECT_EQ(update.lifetime, 0U);
    peers += std::holds_alternative<pcp::PeerResponse>(update.body) ? 1U : 0U;
  }
  EXPECT_EQ(peers, 2U) << "the second and third copy";
}

// PCP-184
TEST_F(GatewayAdministrationTest, SaysNoMoreOnceTheClientHasAnother) {
  (void)house_.pass(Seconds(600));
  (void)test::map(house_, PcpWish{.suggested_port = 2000});
  (void)reload(only_ports_from(3000));
  (void)house_.pass(Milliseconds(1));
  (void)test::map(house_, PcpWish{.suggested_port = 4000});
  EXPECT_TRUE(house_.pass(Seconds(5)).send.empty());
}

TEST_F(GatewayAdministrationTest, WhatAClientTookBackIsNoNewsToIt) {
  (void)house_.pass(Seconds(600));
  (void)test::map(house_, PcpWish{.suggested_port = 2000});
  (void)test::map(house_, deletion({}));
  EXPECT_TRUE(house_.pass(Seconds(5)).send.empty());
}

TEST_F(GatewayAdministrationTest, TheOperatorOpensAndCloses) {
  Turn turn;
  const auto id = house_.gateway.add({"x", Protocol::udp, {kHostA, 80}, 80}, house_.now, turn);
  ASSERT_TRUE(id);
  EXPECT_EQ(turn.events.size(), 1U);
  EXPECT_EQ(house_.doors(), 3U);
  EXPECT_TRUE(house_.gateway.remove(*id, house_.now, turn));
  EXPECT_EQ(house_.doors(), 0U);
  EXPECT_EQ(turn.events.back().cause, Cause::administered);
}

}  // namespace
}  // namespace postern
