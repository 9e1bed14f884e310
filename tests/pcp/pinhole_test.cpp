#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/pcp/pcp_house.h"

// MAP and PEER of IPv6 hosts: pinholes, where nothing is translated.
namespace postern::pcp {
namespace {

using PcpPinhole = PcpHouse;

constexpr PcpWish kWish{.client = kHostA6, .suggested_address = kAny6};
const Endpoint kInternal{kHostA6, 8080};
const Endpoint kRemote{kPeer6, 443};

PcpWish wish(Options options = {}) {
  PcpWish made = kWish;
  made.options = std::move(options);
  return made;
}

// PCP-084, 190, 194
TEST_F(PcpPinhole, IsOpenedToEverybody) {
  const auto granted = map(wish());
  EXPECT_EQ(granted.external_port, 8080);
  EXPECT_EQ(granted.external_address, kHostA6);
  EXPECT_EQ(granted.lifetime, 3600U);
  EXPECT_THAT(house_->open_doors(),
              testing::ElementsAre(
                  TimedDoor{Pinhole6{Protocol::udp, kInternal}, house_->now + Seconds(3600)}));
}

// PCP-190, 193
TEST_F(PcpPinhole, IsAtTheHostsOwnEndpointWhateverIsSuggested) {
  for (const std::uint16_t port : std::vector<std::uint16_t>{0, 8080, 40001, 5351}) {
    for (const auto& address : {kAny6, kAny4, kHostA6, kHostB6, kWan}) {
      auto made = wish();
      made.suggested_port = port;
      made.suggested_address = address;
      const auto granted = map(made);
      EXPECT_EQ(granted.external_port, 8080);
      EXPECT_EQ(granted.external_address, kHostA6);
    }
  }
  EXPECT_EQ(house_->mappings(), 1U);
}

// PCP-075: the gateway's own ports lead to an inner router's own services.
TEST_F(PcpPinhole, IsNeverForTheGatewaysOwnProtocols) {
  for (const std::uint16_t port : std::vector<std::uint16_t>{5350, 5351}) {
    auto made = wish();
    made.internal_port = port;
    EXPECT_EQ(error_of(made), kNotAuthorized) << port;
  }
}

// PCP-192
TEST_F(PcpPinhole, FailsWhenAnotherEndpointIsInsistedOn) {
  auto made = wish({PreferFailure{}});
  made.suggested_port = 40001;
  EXPECT_EQ(error_of(made), kCannotProvide);
  made.suggested_port = 8080;
  made.suggested_address = kHostB6;
  EXPECT_EQ(error_of(made), kCannotProvide);
  made.suggested_address = kHostA6;
  EXPECT_EQ(error_of(made), kGranted);
  made.suggested_address = kAny4;
  EXPECT_EQ(error_of(made), kGranted);
  made.suggested_port = 40001;
  EXPECT_EQ(error_of(made), kCannotProvide) << "also when there is one already";
}

// PCP-120
TEST_F(PcpPinhole, IsClosedByItsOwner) {
  (void)map(wish());
  auto other = deletion(wish());
  other.nonce = kOtherNonce;
  EXPECT_EQ(error_of(other), (PcpError{ResultCode::not_authorized, 3600}));
  EXPECT_EQ(error_of(deletion(wish())), kGranted);
  EXPECT_EQ(house_->doors(), 0U);
}

// PCP-082: it needs no external IPv4 address.
TEST_F(PcpPinhole, IsOpenedWithoutAnIpv4Address) {
  (void)house_->change_network(dual_network(std::nullopt));
  EXPECT_EQ(error_of(wish()), kGranted);
}

// PCP-148, 150, 151
TEST_F(PcpPinhole, IsNarrowedByFilters) {
  (void)map(wish({Filter{128, 443, kPeer6}, Filter{32, 0, kPeer6}}));
  ASSERT_EQ(open<Pinhole6>().size(), 1U);
  const RemoteFilter network{*Prefix::parse("2a00:99::/32")};
  EXPECT_THAT(open<Pinhole6>().front().filters, testing::ElementsAre(network));
  EXPECT_EQ(error_of(wish({Filter{128, 0, kPeer}})), kMalformedOption);
  (void)map(wish({Filter{0, 0, kAny6}}));
  EXPECT_TRUE(open<Pinhole6>().front().filters.empty());
}

// PCP-191
TEST_F(PcpPinhole, IsNotForLinkLocalAddresses) {
  auto made = wish();
  made.client = kHostALinkLocal;
  EXPECT_EQ(error_of(made), kNotAuthorized);
  EXPECT_EQ(error_of(deletion(made)), kNotAuthorized);
  EXPECT_EQ(peer_error_of(made, kRemote), kNotAuthorized);
  EXPECT_EQ(house_->mappings(), 0U);
}

// PCP-191
TEST_F(PcpPinhole, IsForHostsOfTheLan) {
  auto made = wish();
  made.client = *Address::parse("2001:db8:99::10");
  EXPECT_TRUE(house_->ask(made.client, emit(map_of(made))).empty());
  EXPECT_EQ(house_->mappings(), 0U);
}

// PCP-195
TEST_F(PcpPinhole, BelongsToOneAddressOfTheHost) {
  (void)map(wish());
  auto private_address = wish();
  private_address.client = *Address::parse("2001:db8:77::1234:5678:9abc:def0");
  private_address.nonce = kOtherNonce;
  EXPECT_EQ(map(private_address).external_address, private_address.client);
  EXPECT_EQ(house_->mappings(), 2U);
}

// PCP-195
TEST_F(PcpPinhole, EndsWhenItsAddressLeavesTheLan) {
  (void)map(wish());
  (void)map({});
  auto network = dual_network();
  network.lan.front().addresses[1] = {*Address::parse("2001:db8:88::1"), 64};
  (void)house_->change_network(network);
  EXPECT_EQ(house_->mappings(), 1U);
  EXPECT_TRUE(open<Pinhole6>().empty());
}

// PCP-132, 134
TEST_F(PcpPinhole, OfAPeerIsForThatPeer) {
  const auto granted = peer(wish(), kRemote);
  EXPECT_EQ(granted.external_address, kHostA6);
  EXPECT_EQ(granted.external_port, 8080);
  EXPECT_THAT(house_->open_doors(),
              testing::ElementsAre(
                  TimedDoor{Pinhole6{Protocol::udp, kInternal, {{Prefix::of(kPeer6), 443, 443}}},
                            house_->now + Seconds(3600)}));
  auto other = wish();
  other.suggested_port = 40001;
  EXPECT_EQ(peer_error_of(other, {kPeer6, 444}), kCannotProvide);
}

// PCP-135, 137
TEST_F(PcpPinhole, OfALiveFlowIsTold) {
  auto asks = wish();
  asks.lifetime = 0;
  EXPECT_EQ(peer_error_of(asks, kRemote), kCannotProvide) << "there is no flow";
  house_->flows.flow = Flow{Protocol::udp, kInternal, kInternal, kRemote};
  const auto told = peer(asks, kRemote);
  EXPECT_EQ(told.external_address, kHostA6);
  EXPECT_EQ(told.external_port, 8080);
  EXPECT_EQ(house_->mappings(), 0U);
  auto suggests = wish();
  suggests.suggested_port = 40001;
  EXPECT_EQ(peer(suggests, kRemote).external_port, 8080);
}

// PCP-138
TEST_F(PcpPinhole, OfAPeerLeavesTheConnectionWhenItLapses) {
  (void)peer(wish(), kRemote);
  (void)house_->pass(Seconds(4000));
  EXPECT_EQ(house_->doors(), 0U);
  EXPECT_TRUE(house_->flows.purged.empty());
}

// PCP-081, 086
TEST_F(PcpPinhole, IsRefusedAsAForwardIs) {
  house_->backend->fail_next(3);
  EXPECT_EQ(error_of(wish()), kNoResources);
  house_->backend->heal();
  (void)house_->pass(Seconds(2));
  auto sensitive = wish();
  sensitive.internal_port = 445;
  EXPECT_EQ(error_of(sensitive), kNotAuthorized);
  Limits limits;
  limits.mappings_per_client = 1;
  become_ruled({default_rule()}, limits);
  (void)map(wish());
  auto second = wish();
  second.protocol = kTcp;
  EXPECT_EQ(error_of(second), kUserExQuota);
}

}  // namespace
}  // namespace postern::pcp
