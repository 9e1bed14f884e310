#include "core/mapping.h"

#include <gtest/gtest.h>

#include "tests/support/home.h"

namespace postern {
namespace {

using namespace test;

const Endpoint kPeer{Address::v4({192, 0, 2, 1}), 9000};
const Endpoint kOtherPeer{Address::v4({192, 0, 2, 2}), 9001};
const RemoteFilter kFilter{*Prefix::parse("203.0.113.0/24")};

[[nodiscard]] Claim claim(std::optional<Endpoint> remote = std::nullopt,
                          Seconds lifetime = Seconds(60)) {
  return {{"pcp", kHostA, remote}, {lifetime, kStart + lifetime}};
}

[[nodiscard]] RemoteFilter only(const Endpoint& peer) {
  return {Prefix::of(peer.address), peer.port, peer.port};
}

[[nodiscard]] Mapping with(std::vector<Claim> claims, RemoteFilters filters = {}) {
  Mapping mapping;
  mapping.claims = std::move(claims);
  mapping.filters = std::move(filters);
  return mapping;
}

TEST(Mapping, AdmitsEverybodyUnlessItSaysWhom) {
  EXPECT_TRUE(with({claim()}).admitted().empty());
  EXPECT_EQ(with({claim()}, {kFilter}).admitted(), RemoteFilters{kFilter});
}

TEST(Mapping, AdmitsThePeersOfItsClaimsAloneWithoutAnInboundOne) {
  const auto mapping = with({claim(kOtherPeer), claim(kPeer)});
  EXPECT_FALSE(mapping.has_inbound_claim());
  EXPECT_EQ(mapping.remote_count(), 2U);
  EXPECT_EQ(mapping.admitted(), (RemoteFilters{only(kPeer), only(kOtherPeer)}));
}

TEST(Mapping, AdmitsEverybodyAsSoonAsOneClaimIsInbound) {
  const auto mapping = with({claim(kPeer), claim()});
  EXPECT_TRUE(mapping.has_inbound_claim());
  EXPECT_EQ(mapping.remote_count(), 1U);
  EXPECT_TRUE(mapping.admitted().empty());
}

TEST(Mapping, AdmitsThePeersOfItsClaimsBesideTheFiltered) {
  EXPECT_EQ(with({claim(kPeer), claim()}, {kFilter}).admitted(),
            (RemoteFilters{only(kPeer), kFilter}));
  // A peer that a filter lets in anyway is not said twice.
  const RemoteFilter wide{*Prefix::parse("192.0.2.0/24")};
  EXPECT_EQ(with({claim(kPeer), claim()}, {wide}).admitted(), RemoteFilters{wide});
}

TEST(Mapping, TellsClaimsForDifferentPeersApart) {
  const auto mapping = with({claim(kPeer), claim()});
  EXPECT_EQ(mapping.claim_of({"pcp", kHostA, kPeer}), &mapping.claims[0]);
  EXPECT_EQ(mapping.claim_of({"pcp", kHostA}), &mapping.claims[1]);
  EXPECT_FALSE(mapping.claim_of({"pcp", kHostA, kOtherPeer}));
  EXPECT_FALSE(mapping.claim_of({"pcp", kHostB}));
  EXPECT_FALSE(mapping.claim_of({"natpmp", kHostA}));
}

TEST(Mapping, EndsWithItsLastClaim) {
  const auto mapping = with({claim(kPeer, Seconds(90)), claim(std::nullopt, Seconds(60))});
  EXPECT_EQ(mapping.first_due(), kStart + Seconds(60));
  EXPECT_EQ(mapping.ends(), kStart + Seconds(90));
}

}  // namespace
}  // namespace postern
