#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/pcp/pcp_house.h"
#include "tests/support/table_fixture.h"

// PEER: an outbound flow of an IPv4 host keeps its external endpoint.
namespace postern::pcp {
namespace {

using PcpPeer = PcpHouse;

constexpr Endpoint kRemote{kPeer, 443};
constexpr Endpoint kOtherRemote{kOtherPeer, 443};

Flow flow_at(std::uint16_t external_port, const Address& external = kWan) {
  return {Protocol::udp, {kHostA, 8080}, {external, external_port}, kRemote};
}

// PCP-132
TEST_F(PcpPeer, IsAnsweredInEightyOctets) {
  const auto request = from_hex(
      "02 02 0000 00000e10 00000000000000000000ffff c0a8010a"
      "0102030405060708090a0b0c 11 000000 1f90 9c41"
      "00000000000000000000ffff 00000000"
      "01bb 0000 00000000000000000000ffff 08080808");
  EXPECT_EQ(to_hex(house_->ask(kHostA, request)),
            to_hex(from_hex("02 82 00 00 00000e10 0000002a 000000000000000000000000"
                            "0102030405060708090a0b0c 11 000000 1f90 9c41"
                            "00000000000000000000ffff c6336407"
                            "01bb 0000 00000000000000000000ffff 08080808")));
}

// PCP-134
TEST_F(PcpPeer, OpensTheWayOutAndLetsOnlyThePeerIn) {
  (void)peer({.suggested_port = 40001}, kRemote);
  const Moment ends = house_->now + Seconds(3600);
  const RemoteFilters only_peer{{Prefix::of(kPeer), 443, 443}};
  EXPECT_EQ(sorted(house_->open_doors()),
            sorted({{Forward4{Protocol::udp, {kWan, 40001}, {kHostA, 8080}, only_peer}, ends},
                    {Pin4{Protocol::udp, {kHostA, 8080}}, ends},
                    {Outbound4{Protocol::udp, {kHostA, 8080}, {kWan, 40001}}, ends}}));
}

// PCP-134
TEST_F(PcpPeer, GetsAnyPortWithoutASuggestion) {
  EXPECT_GE(peer({}, kRemote).external_port, 1024);
}

// PCP-134
TEST_F(PcpPeer, IsRefusedWhenTheSuggestionCannotBeMet) {
  (void)map({.client = kHostB, .suggested_port = 40001});
  EXPECT_EQ(peer_error_of({.suggested_port = 40001}, kRemote), kCannotProvide);
  EXPECT_EQ(peer_error_of({.suggested_address = kOtherWan}, kRemote), kCannotProvide);
  EXPECT_EQ(peer_error_of({.suggested_port = 40002, .suggested_address = kOtherWan}, kRemote),
            kCannotProvide);
  EXPECT_EQ(peer_error_of({.suggested_port = 5351}, kRemote), kCannotProvide);
  EXPECT_EQ(house_->mappings(), 1U);
  EXPECT_EQ(peer_error_of({.suggested_port = 40002, .suggested_address = kWan}, kRemote), kGranted);
}

// PCP-135
TEST_F(PcpPeer, OfALiveFlowKeepsItsExternalEndpoint) {
  house_->flows.flow = flow_at(50505);
  const auto granted = peer({.suggested_port = 40001, .suggested_address = kOtherWan}, kRemote);
  EXPECT_EQ(granted.external_port, 50505);
  EXPECT_EQ(granted.external_address, kWan);
  EXPECT_EQ(granted.lifetime, 3600U);
  const auto* mapping = find({});
  ASSERT_NE(mapping, nullptr);
  EXPECT_EQ(mapping->external, (Endpoint{kWan, 50505}));
  EXPECT_EQ(mapping->claims.front().details->nonce, kNonce);
}

// PCP-135
TEST_F(PcpPeer, OfAnotherFlowThanTheLiveOneIsNew) {
  house_->flows.flow = flow_at(50505);
  EXPECT_EQ(peer({.suggested_port = 40001}, kOtherRemote).external_port, 40001);
  EXPECT_EQ(peer_error_of({.protocol = kTcp, .suggested_port = 40001}, kRemote), kGranted);
}

// PCP-135: what leaves the internal port from now on could not keep the flow's port.
TEST_F(PcpPeer, IsRefusedWhenTheFlowsPortCannotBeKept) {
  house_->flows.flow = flow_at(50505);
  (void)map({.client = kHostB, .suggested_port = 50505});
  EXPECT_EQ(peer_error_of({}, kRemote), kCannotProvide);
  house_->flows.flow = flow_at(50506, kOtherWan);
  EXPECT_EQ(peer_error_of({}, kRemote), kCannotProvide);
}

// PCP-135
TEST_F(PcpPeer, IsRefusedWhenTheFlowsCannotBeSeen) {
  house_->flows.find_fails = true;
  EXPECT_EQ(peer_error_of({}, kRemote), kNoResources);
}

// PCP-137
TEST_F(PcpPeer, WithoutALifetimeOnlyAsks) {
  EXPECT_EQ(peer_error_of({.lifetime = 0}, kRemote), kCannotProvide) << "there is no flow";
  house_->flows.flow = flow_at(50505);
  const auto live = peer({.lifetime = 0, .options = {Description{"call"}}}, kRemote);
  EXPECT_EQ(live.external_port, 50505);
  EXPECT_EQ(live.external_address, kWan);
  EXPECT_EQ(live.options, Options{});
  EXPECT_EQ(house_->mappings(), 0U);

  (void)peer({.lifetime = 600}, kRemote);
  (void)house_->pass(Seconds(100));
  const auto before = all_mappings(*house_);
  const auto asked = peer({.lifetime = 0}, kRemote);
  EXPECT_EQ(asked.lifetime, 500U);
  EXPECT_EQ(asked.external_port, 50505);
  EXPECT_EQ(all_mappings(*house_), before);
}

// PCP-137
TEST_F(PcpPeer, NeverMakesALeaseShorter) {
  (void)peer({.lifetime = 7200}, kRemote);
  (void)house_->pass(Seconds(200));
  EXPECT_EQ(peer({.lifetime = 600}, kRemote).lifetime, 7000U);
  EXPECT_EQ(peer({.lifetime = 7100}, kRemote).lifetime, 7100U);
  EXPECT_EQ(peer({.lifetime = 1}, kRemote).lifetime, 7100U);
}

// PCP-024
TEST_F(PcpPeer, AnswersEqualRequestsEqually) {
  const auto request = emit(peer_of({.suggested_port = 40001}, kRemote));
  const auto answer = house_->ask(kHostA, request);
  EXPECT_EQ(house_->ask(kHostA, request), answer);
  // Once it is there, the suggestion does not matter.
  EXPECT_EQ(peer({.suggested_port = 50000}, kRemote).external_port, 40001);
}

// PCP-112
TEST_F(PcpPeer, IsOnlyForWhoKnowsTheNonce) {
  (void)peer({.lifetime = 600}, kRemote);
  const PcpError wrong{ResultCode::not_authorized, 600};
  EXPECT_EQ(peer_error_of({.nonce = kOtherNonce}, kRemote), wrong);
  EXPECT_EQ(peer_error_of({.lifetime = 0, .nonce = kOtherNonce}, kRemote), wrong);
  EXPECT_EQ(peer_error_of({.nonce = kOtherNonce}, kOtherRemote), kGranted) << "another flow";
  EXPECT_EQ(error_of({.nonce = kOtherNonce}), kGranted) << "a MAP has a nonce of its own";
}

// PCP-116
TEST_F(PcpPeer, TakesAnyNonceWhereTheSwitchSaysSo) {
  Settings settings;
  settings.accepts_any_nonce = true;
  become({}, settings);
  (void)peer({}, kRemote);
  EXPECT_EQ(peer_error_of({.nonce = kOtherNonce}, kRemote), kGranted);
  EXPECT_EQ(peer_error_of({.lifetime = 0, .nonce = Nonce{}}, kRemote), kGranted);
}

// PCP-138
TEST_F(PcpPeer, LeavesTheConnectionWhenItLapses) {
  (void)peer({.lifetime = 600}, kRemote);
  (void)house_->pass(Seconds(1));
  house_->flows.purged.clear();
  (void)house_->pass(Seconds(700));
  EXPECT_EQ(house_->mappings(), 0U);
  EXPECT_EQ(house_->doors(), 0U);
  EXPECT_TRUE(house_->flows.purged.empty());
}

// PCP-080
TEST_F(PcpPeer, HasItsPortForAMapOfTheSameEndpoint) {
  (void)peer({.suggested_port = 40001, .lifetime = 600}, kRemote);
  const auto mapped = map({.suggested_port = 50000, .lifetime = 7200});
  EXPECT_EQ(mapped.external_port, 40001);
  ASSERT_EQ(open<Forward4>().size(), 1U);
  EXPECT_TRUE(open<Forward4>().front().filters.empty()) << "everybody may come in";
  (void)house_->pass(Seconds(601));
  ASSERT_NE(find({}), nullptr);
  EXPECT_EQ(find({})->claims.size(), 1U);
  EXPECT_TRUE(open<Forward4>().front().filters.empty());
}

// PCP-080
TEST_F(PcpPeer, OutlivesAMapOfTheSameEndpoint) {
  (void)map({.suggested_port = 40001, .options = {Filter{128, 0, kOtherPeer}}});
  EXPECT_EQ(peer({}, kRemote).external_port, 40001);
  const RemoteFilter only_peer{Prefix::of(kPeer), 443, 443};
  EXPECT_THAT(open<Forward4>().front().filters,
              testing::UnorderedElementsAre(only_peer, RemoteFilter{Prefix::of(kOtherPeer)}));
  (void)map(deletion({}));
  ASSERT_EQ(open<Forward4>().size(), 1U);
  EXPECT_THAT(open<Forward4>().front().filters, testing::ElementsAre(only_peer));
}

// PCP-080: the connections of who was turned away before.
TEST_F(PcpPeer, ThatGetsAMapEndsOnlyWhatWentPastTheDoor) {
  (void)peer({.suggested_port = 40001}, kRemote);
  (void)house_->pass(Seconds(1));
  house_->flows.purged.clear();
  (void)map({});
  (void)house_->pass(Seconds(1));
  const Door everybody = Forward4{Protocol::udp, {kWan, 40001}, {kHostA, 8080}};
  EXPECT_THAT(house_->flows.purged,
              testing::ElementsAre(FlowPurge{FlowPurge::Which::past_door, everybody}));
}

// PCP-134, 205
TEST_F(PcpPeer, OfOnePortHasAtMostEightPeers) {
  for (std::uint16_t port = 1; port <= 8; ++port) {
    ASSERT_EQ(peer_error_of({}, {kPeer, port}), kGranted);
  }
  EXPECT_EQ(peer_error_of({}, {kPeer, 9}), kUserExQuota);
  EXPECT_EQ(peer_error_of({}, {kPeer, 8}), kGranted) << "a renewal";
  EXPECT_EQ(house_->mappings(), 1U);
}

// PCP-130
TEST_F(PcpPeer, CanBeSwitchedOff) {
  Settings settings;
  settings.serves_peer = false;
  become({}, settings);
  EXPECT_EQ(peer_error_of({}, kRemote), kUnsuppOpcode);
  EXPECT_EQ(error_of(PcpWish{}), kGranted);
}

// PCP-063, 131, 133, 136
TEST_F(PcpPeer, IsRefusedWhenItIsNoFlow) {
  EXPECT_EQ(peer_error_of({.protocol = 47}, kRemote), kUnsuppProtocol);
  EXPECT_EQ(peer_error_of({.protocol = 0}, kRemote), kMalformedRequest);
  EXPECT_EQ(peer_error_of({.internal_port = 0}, kRemote), kMalformedRequest);
  EXPECT_EQ(peer_error_of({}, {kPeer, 0}), kMalformedRequest);
  EXPECT_EQ(peer_error_of({}, {Address::v4({127, 0, 0, 1}), 443}), kMalformedRequest);
  EXPECT_EQ(peer_error_of({}, {Address::v4({224, 0, 0, 1}), 443}), kMalformedRequest);
  EXPECT_EQ(peer_error_of({.suggested_port = 40001, .options = {PreferFailure{}}}, kRemote),
            kMalformedRequest);
  EXPECT_EQ(house_->mappings(), 0U);
}

// PCP-082, 086
TEST_F(PcpPeer, IsRefusedAsAMapIs) {
  EXPECT_EQ(peer_error_of({.internal_port = 80}, kRemote), kNotAuthorized);
  house_->backend->fail_next(3);
  EXPECT_EQ(peer_error_of({}, kRemote), kNoResources);
  house_->backend->heal();
  (void)house_->pass(Seconds(2));
  (void)house_->change_network(dual_network(std::nullopt));
  EXPECT_EQ(peer_error_of({}, kRemote), kNetworkFailure);
}

}  // namespace
}  // namespace postern::pcp
