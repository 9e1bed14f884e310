#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/mapping_table.h"
#include "tests/support/table_fixture.h"

// Claims for one remote peer alone (RFC 6887 §12, PEER).
namespace postern {
namespace {

using namespace test;

const Endpoint kInternal{kHostA, 8080};
const Endpoint kExternal{kWan, 40001};
const Endpoint kPeer{Address::v4({192, 0, 2, 1}), 9000};
const Endpoint kOtherPeer{Address::v4({192, 0, 2, 2}), 9000};
const Endpoint kPeerV6{*Address::parse("2001:db8:9::1"), 9000};
constexpr Address kHostV6 =
    Address::v6({0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10});
const Moment kEnd = kStart + Seconds(60);

[[nodiscard]] Claimant peer_of(const Endpoint& remote, const Address& host = kHostA) {
  return {kOtherFrontend, host, remote};
}
[[nodiscard]] RemoteFilter only(const Endpoint& remote) {
  return {Prefix::of(remote.address), remote.port, remote.port};
}
[[nodiscard]] MapRequest peer(const Endpoint& remote, Seconds lifetime = Seconds(60)) {
  auto request = wish(kHostA, Protocol::udp, 8080, 40001, lifetime);
  request.claimant = peer_of(remote);
  request.reserves_companion = false;
  return request;
}
[[nodiscard]] MapRequest inbound(Seconds lifetime = Seconds(60)) {
  auto request = peer(kPeer, lifetime);
  request.claimant.remote.reset();
  return request;
}
[[nodiscard]] TimedDoor forward(RemoteFilters filters, Moment ends = kEnd) {
  return {Forward4{Protocol::udp, kExternal, kInternal, std::move(filters)}, ends};
}

class MappingTablePeersTest : public testing::Test {
 protected:
  MappingTablePeersTest() {
    table_.set_lan_prefixes({*Prefix::parse("192.168.1.0/24"), *Prefix::parse("2001:db8::/64")});
  }
  ~MappingTablePeersTest() override { EXPECT_TRUE(table_.is_consistent()); }

  [[nodiscard]] Result<Grant, MapError> ask(const MapRequest& request, Moment now = kStart) {
    auto granted = table_.request(request, now);
    (void)table_.accept();
    return granted;
  }
  [[nodiscard]] MapError error_of(const MapRequest& request) {
    const auto granted = ask(request);
    EXPECT_FALSE(granted);
    return granted ? MapError{} : granted.error();
  }
  [[nodiscard]] bool release(const Claimant& claimant) {
    const bool released = table_.release(Protocol::udp, kInternal, claimant).has_value();
    (void)table_.accept();
    return released;
  }
  void expire(Moment now) {
    table_.expire(now);
    (void)table_.accept();
  }
  [[nodiscard]] const Mapping* mapping() const {
    return table_.find_by_internal(Protocol::udp, kInternal);
  }
  [[nodiscard]] TimedDoor forward_now() const { return sorted(table_.doors()).front(); }
  /// Of the turn so far.
  [[nodiscard]] std::optional<bool> forward_spares_flows() const {
    for (const auto& change : table_.staged_changes()) {
      if (change.key().kind == DoorKey::Kind::forward4) return change.spares_flows;
    }
    return std::nullopt;
  }

  MappingTable table_ = home_table();
};

TEST_F(MappingTablePeersTest, OpensTheForwardToThePeerAloneAndKeepsTheOutboundPort) {
  ASSERT_TRUE(ask(peer(kPeer)));
  EXPECT_EQ(sorted(table_.doors()),
            sorted({forward({only(kPeer)}),
                    {Pin4{Protocol::udp, kInternal}, kEnd},
                    {Outbound4{Protocol::udp, kInternal, kExternal}, kEnd}}));
}

TEST_F(MappingTablePeersTest, SharesTheMappingOfTheInternalEndpoint) {
  ASSERT_TRUE(ask(peer(kPeer)));
  auto second = peer(kOtherPeer);
  second.suggested_external_port = 40002;
  EXPECT_EQ(ask(second)->external_port, 40001);
  EXPECT_EQ(table_.size(), 1U);
  EXPECT_EQ(forward_now(), forward({only(kPeer), only(kOtherPeer)}));
  EXPECT_TRUE(table_.find_claim(Protocol::udp, kInternal, peer_of(kPeer)));
  EXPECT_TRUE(table_.find_claim(Protocol::udp, kInternal, peer_of(kOtherPeer)));
  EXPECT_FALSE(table_.find_claim(Protocol::udp, kInternal, peer_of({kPeer.address, 9001})));
}

TEST_F(MappingTablePeersTest, AnInboundClaimOpensItForAllAndTakesThatAwayAgain) {
  ASSERT_TRUE(ask(peer(kPeer)));
  EXPECT_EQ(ask(inbound())->external_port, 40001);
  EXPECT_EQ(forward_now(), forward({}));
  EXPECT_TRUE(release({kOtherFrontend, kHostA}));
  EXPECT_EQ(forward_now(), forward({only(kPeer)})) << "the other claim stays";
}

TEST_F(MappingTablePeersTest, LetsItsPeerInBesideTheFiltered) {
  auto filtered = inbound();
  filtered.filters = {{*Prefix::parse("203.0.113.0/24")}};
  ASSERT_TRUE(ask(filtered));
  ASSERT_TRUE(ask(peer(kPeer)));
  EXPECT_EQ(forward_now(), forward({only(kPeer), {*Prefix::parse("203.0.113.0/24")}}));
}

TEST_F(MappingTablePeersTest, FiltersGoWithTheClaimThatBroughtThem) {
  auto filtered = inbound();
  filtered.filters = {{*Prefix::parse("203.0.113.0/24")}};
  ASSERT_TRUE(ask(filtered));
  ASSERT_TRUE(ask(wish(kHostA, Protocol::udp, 8080)));
  ASSERT_TRUE(ask(peer(kPeer)));
  EXPECT_TRUE(release({kOtherFrontend, kHostA}));
  EXPECT_TRUE(mapping()->filters.empty()) << "NAT-PMP asked for everybody";
  EXPECT_EQ(forward_now(), forward({}));
  EXPECT_TRUE(release(natpmp_of(kHostA)));
  EXPECT_EQ(forward_now(), forward({only(kPeer)}));
  ASSERT_TRUE(ask(inbound()));
  EXPECT_EQ(forward_now(), forward({})) << "what was asked of everybody once is forgotten";
}

TEST_F(MappingTablePeersTest, FiltersGoWhenTheLastInboundClaimEndsByItself) {
  auto filtered = inbound(Seconds(60));
  filtered.filters = {{*Prefix::parse("203.0.113.0/24")}};
  ASSERT_TRUE(ask(filtered));
  ASSERT_TRUE(ask(peer(kPeer, Seconds(90))));
  expire(kEnd);
  ASSERT_TRUE(mapping());
  EXPECT_TRUE(mapping()->filters.empty());
  EXPECT_EQ(forward_now(), forward({only(kPeer)}, kStart + Seconds(90)));
}

TEST_F(MappingTablePeersTest, NeverBecomesShorter) {
  ASSERT_TRUE(ask(peer(kPeer, Seconds(600))));
  const auto shorter = ask(peer(kPeer, Seconds(60)), kStart + Milliseconds(1500));
  ASSERT_TRUE(shorter);
  EXPECT_EQ(shorter->lifetime, Seconds(598)) << "whole seconds that are surely left";
  EXPECT_EQ(mapping()->ends(), kStart + Seconds(600));
  EXPECT_EQ(mapping()->claims[0].lease.granted, Seconds(600));
  const auto longer = ask(peer(kPeer, Seconds(600)), kStart + Seconds(10));
  ASSERT_TRUE(longer);
  EXPECT_EQ(longer->lifetime, Seconds(600));
  EXPECT_EQ(mapping()->ends(), kStart + Seconds(610));
  // A MAP may become shorter.
  ASSERT_TRUE(ask(inbound(Seconds(900))));
  EXPECT_EQ(ask(inbound(Seconds(60)))->lifetime, Seconds(60));
}

TEST_F(MappingTablePeersTest, RememberTheirNonces) {
  auto request = peer(kPeer);
  request.nonce = Nonce{{1}};
  ASSERT_TRUE(ask(request));
  request.nonce = Nonce{{2}};
  EXPECT_EQ(error_of(request), MapError::wrong_nonce);
  // The claim for another peer is another claim.
  auto other = peer(kOtherPeer);
  other.nonce = Nonce{{3}};
  EXPECT_TRUE(ask(other));
  auto map = inbound();
  map.nonce = Nonce{{4}};
  EXPECT_TRUE(ask(map));
}

TEST_F(MappingTablePeersTest, AMappingHasAtMostEight) {
  Endpoint remote = kPeer;
  for (int i = 0; i < 8; ++i, ++remote.port) ASSERT_TRUE(ask(peer(remote))) << i;
  EXPECT_EQ(error_of(peer(remote)), MapError::too_many_filters);
  EXPECT_TRUE(ask(peer(kPeer, Seconds(90)))) << "a renewal is no more";
  auto filtered = inbound();
  filtered.filters = {{*Prefix::parse("203.0.113.0/24")}};
  EXPECT_EQ(error_of(filtered), MapError::too_many_filters);
  EXPECT_TRUE(ask(inbound())) << "needs no filter";
}

TEST_F(MappingTablePeersTest, CountWithTheFilters) {
  auto filtered = inbound();
  filtered.filters.emplace();
  for (std::uint8_t i = 0; i < 7; ++i) {
    filtered.filters->push_back({Prefix(Address::v4({203, 0, 113, i}), 32)});
  }
  ASSERT_TRUE(ask(filtered));
  ASSERT_TRUE(ask(peer(kPeer)));
  EXPECT_EQ(error_of(peer(kOtherPeer)), MapError::too_many_filters);
  EXPECT_FALSE(mapping()->claim_of(peer_of(kOtherPeer)));
}

TEST_F(MappingTablePeersTest, AllMappingsHaveAtMost1024) {
  for (std::uint16_t i = 0; i < 128; ++i) {
    for (std::uint16_t port = 0; port < 8; ++port) {
      auto request = peer({kPeer.address, static_cast<std::uint16_t>(9000 + port)});
      const Address host = Address::v4({192, 168, 1, static_cast<std::uint8_t>(100 + i / 16)});
      request.internal = {host, static_cast<std::uint16_t>(8000 + i)};
      request.claimant.client = request.internal.address;
      ASSERT_TRUE(ask(request)) << i;
    }
  }
  auto request = peer(kPeer);
  request.internal = {kHostC, 8080};
  request.claimant.client = kHostC;
  EXPECT_EQ(error_of(request), MapError::filter_limit_reached);
  expire(kEnd);
  EXPECT_EQ(table_.size(), 0U);
  EXPECT_TRUE(ask(request, kEnd));
}

TEST_F(MappingTablePeersTest, DoNotTakeOverARecoveredClaim) {
  table_.adopt(all_doors(Protocol::udp, kInternal, kExternal, kStart + Seconds(600)), kStart);
  (void)table_.accept();
  EXPECT_EQ(ask(peer(kPeer))->external_port, 40001);
  EXPECT_EQ(mapping()->claims.size(), 2U);
  EXPECT_EQ(forward_now(), forward({}, kStart + Seconds(600)));
  EXPECT_TRUE(release(peer_of(kPeer)));
  EXPECT_TRUE(mapping()->claim_of({kRecovered, kHostA})) << "nor do they take it back";
  ASSERT_TRUE(ask(peer(kPeer)));
  ASSERT_TRUE(ask(inbound()));
  EXPECT_FALSE(mapping()->claim_of({kRecovered, kHostA}));
  EXPECT_TRUE(mapping()->claim_of(peer_of(kPeer)));
}

TEST_F(MappingTablePeersTest, AreNotTakenBackWithTheInboundClaims) {
  ASSERT_TRUE(ask(peer(kPeer)));
  ASSERT_TRUE(ask(inbound()));
  EXPECT_TRUE(table_.release_all(Protocol::udp, {kOtherFrontend, kHostA}));
  (void)table_.accept();
  ASSERT_TRUE(mapping());
  EXPECT_EQ(mapping()->claims.size(), 1U);
  EXPECT_EQ(forward_now(), forward({only(kPeer)}));
}

TEST_F(MappingTablePeersTest, AreOfTheMappingsFamily) {
  EXPECT_EQ(error_of(peer(kPeerV6)), MapError::bad_filter);
  auto pinhole = wish(kHostV6, Protocol::udp, 8080);
  pinhole.claimant = peer_of(kPeer, kHostV6);
  EXPECT_EQ(error_of(pinhole), MapError::bad_filter);
  pinhole.claimant = peer_of(kPeerV6, kHostV6);
  ASSERT_TRUE(ask(pinhole));
  EXPECT_THAT(table_.doors(),
              testing::ElementsAre(
                  TimedDoor{Pinhole6{Protocol::udp, {kHostV6, 8080}, {only(kPeerV6)}}, kEnd}));
}

TEST_F(MappingTablePeersTest, EndWithoutEndingTheirConnections) {
  ASSERT_TRUE(ask(peer(kPeer)));
  table_.expire(kEnd);
  const auto changes = table_.staged_changes();
  EXPECT_EQ(changes.size(), 3U);
  for (const auto& change : changes) EXPECT_TRUE(change.spares_flows);
  (void)table_.accept();
  EXPECT_EQ(table_.size(), 0U);
}

TEST_F(MappingTablePeersTest, InboundClaimsEndTheConnectionsTheyLetIn) {
  ASSERT_TRUE(ask(peer(kPeer)));
  ASSERT_TRUE(table_.request(inbound(), kStart));
  EXPECT_EQ(forward_spares_flows(), true) << "opened wider";
  (void)table_.accept();
  ASSERT_TRUE(table_.release(Protocol::udp, kInternal, {kOtherFrontend, kHostA}));
  EXPECT_EQ(forward_spares_flows(), false) << "narrowed to the peer";
  (void)table_.accept();
  ASSERT_TRUE(table_.release(Protocol::udp, kInternal, peer_of(kPeer)));
  EXPECT_EQ(forward_spares_flows(), true) << "closed";
}

TEST_F(MappingTablePeersTest, MoveWithTheirMapping) {
  ASSERT_TRUE(ask(peer(kPeer)));
  table_.set_external_addresses({kOtherWan});
  EXPECT_EQ(forward_spares_flows(), true);
  (void)table_.accept();
  EXPECT_EQ(std::get<Forward4>(forward_now().door).filters, RemoteFilters{only(kPeer)});
  EXPECT_EQ(std::get<Forward4>(forward_now().door).external, (Endpoint{kOtherWan, 40001}));
}

}  // namespace
}  // namespace postern
