#include <gtest/gtest.h>

#include "tests/pcp/pcp_house.h"
#include "tests/support/table_fixture.h"

// THIRD_PARTY: a controller asks for another host.
namespace postern::pcp {
namespace {

class PcpThirdParty : public PcpHouse {
 protected:
  PcpThirdParty() { become({}, with_controllers()); }
  [[nodiscard]] static Settings with_controllers() {
    Settings settings;
    settings.third_party = {Prefix::of(kHostA), Prefix::of(kHostA6)};
    return settings;
  }
  [[nodiscard]] static PcpWish wish_for(const Address& host, const Address& asker = kHostA) {
    return {.client = asker, .suggested_port = 40001, .options = {ThirdParty{host}}};
  }
};

// PCP-140
TEST_F(PcpThirdParty, IsForNobodyByDefault) {
  become({});
  for (const auto& host : {kHostA, kHostB, kGateway}) {
    EXPECT_EQ(error_of(wish_for(host)), kUnsuppOption);
  }
  EXPECT_EQ(peer_error_of(wish_for(kHostB), {kPeer, 443}), kUnsuppOption);
}

// PCP-141
TEST_F(PcpThirdParty, IsForTheListedControllersOnly) {
  EXPECT_EQ(error_of(wish_for(kHostA, kHostB)), kUnsuppOption);
  EXPECT_EQ(error_of(wish_for(kHostC, kHostB)), kUnsuppOption);
  EXPECT_EQ(error_of(wish_for(kHostB)), kGranted);
}

// PCP-141
TEST_F(PcpThirdParty, NamesAnotherHost) {
  EXPECT_EQ(error_of(wish_for(kHostA)), kMalformedRequest);
  EXPECT_EQ(peer_error_of(wish_for(kHostA), {kPeer, 443}), kMalformedRequest);
}

// PCP-062, 141
TEST_F(PcpThirdParty, MapsToTheOtherHost) {
  const auto granted = map(wish_for(kHostB));
  EXPECT_EQ(granted.options, Options{ThirdParty{kHostB}});
  EXPECT_EQ(
      sorted(house_->open_doors()),
      sorted(all_doors(Protocol::udp, {kHostB, 8080}, {kWan, 40001}, house_->now + Seconds(3600))));
  auto gone = wish_for(kHostB);
  gone.lifetime = 0;
  EXPECT_EQ(map(gone).options, Options{ThirdParty{kHostB}});
  EXPECT_EQ(house_->mappings(), 0U);
}

// PCP-141
TEST_F(PcpThirdParty, CountsForTheOtherHost) {
  GatewayOptions options;
  options.policy = Policy({default_rule()}, limits_of(1, 100));
  become(options, with_controllers());
  (void)map(wish_for(kHostB));
  EXPECT_EQ(error_of({.client = kHostB, .internal_port = 9090}), kUserExQuota);
  EXPECT_EQ(error_of({.client = kHostA}), kGranted);
}

// PCP-111, 141
TEST_F(PcpThirdParty, NeedsTheNonceOfTheOtherHost) {
  (void)map({.client = kHostB, .suggested_port = 40001, .nonce = kOtherNonce});
  EXPECT_EQ(error_of(wish_for(kHostB)), (PcpError{ResultCode::not_authorized, 3600}));
  auto wish = wish_for(kHostB);
  wish.nonce = kOtherNonce;
  EXPECT_EQ(error_of(wish), kGranted);
  EXPECT_EQ(find({.client = kHostB})->claims.size(), 1U);
}

// PCP-116, 141: the leniency is towards the host itself.
TEST_F(PcpThirdParty, NeedsTheNonceAlsoWhereHostsMayForgetTheirs) {
  auto settings = with_controllers();
  settings.accepts_any_nonce = true;
  become({}, settings);
  (void)map({.client = kHostB, .suggested_port = 40001, .nonce = kOtherNonce});
  EXPECT_EQ(error_of(wish_for(kHostB)), (PcpError{ResultCode::not_authorized, 3600}));
  EXPECT_EQ(error_of({.client = kHostB}), kGranted) << "with another nonce";
}

// PCP-142
TEST_F(PcpThirdParty, IsForHostsOfTheLanOnly) {
  for (const auto* text : {"192.168.1.1", "192.168.1.255", "198.51.100.7", "8.8.8.8", "10.0.0.1",
                           "127.0.0.1", "224.0.0.1", "255.255.255.255", "0.0.0.0", "::", "::1",
                           "2001:db8:77::1", "fe80::1", "fe80::2", "ff02::1", "2a00::1"}) {
    const auto host = *Address::parse(text);
    EXPECT_EQ(error_of(wish_for(host)), kNotAuthorized) << text;
    EXPECT_EQ(house_->mappings(), 0U) << text;
  }
}

// PCP-142: a rule that lists clients elsewhere makes no hosts of the LAN of them.
TEST_F(PcpThirdParty, IsNotForListedClientsElsewhere) {
  GatewayOptions options;
  Rule rule = default_rule();
  rule.client_prefixes = {Prefix::of(kPeer)};
  options.policy = Policy({rule});
  become(options, with_controllers());
  EXPECT_EQ(error_of(wish_for(kPeer)), kNotAuthorized);
  EXPECT_EQ(error_of(wish_for(kHostB)), kGranted);
}

// PCP-084, 141
TEST_F(PcpThirdParty, MayBeOfTheOtherFamily) {
  const auto pinhole = map(wish_for(kHostB6));
  EXPECT_EQ(pinhole.external_address, kHostB6);
  EXPECT_EQ(pinhole.external_port, 8080);
  EXPECT_EQ(map(wish_for(kHostB, kHostA6)).external_address, kWan);
}

// PCP-141
TEST_F(PcpThirdParty, WorksForPeerAsWell) {
  EXPECT_EQ(peer(wish_for(kHostB), {kPeer, 443}).options, Options{ThirdParty{kHostB}});
  ASSERT_EQ(open<Outbound4>().size(), 1U);
  EXPECT_EQ(open<Outbound4>().front().internal, (Endpoint{kHostB, 8080}));
}

}  // namespace
}  // namespace postern::pcp
