#include <gtest/gtest.h>

#include "core/mapping_table.h"
#include "tests/support/table_fixture.h"

// What guards and describes the claims on a mapping: nonces (RFC 6887 §11.3), descriptions
// (RFC 7220), the way back to who asked.
namespace postern {
namespace {

using namespace test;

constexpr Nonce kNonce{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}};
constexpr Nonce kOtherNonce{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13}};
constexpr Nonce kZeros{};
const Claimant kPcp{kOtherFrontend, kHostA};

class MappingTableClaimsTest : public testing::Test {
 protected:
  ~MappingTableClaimsTest() override { EXPECT_TRUE(table_.is_consistent()); }

  [[nodiscard]] static MapRequest guarded(const std::optional<Nonce>& nonce,
                                          Seconds lifetime = Seconds(60)) {
    auto request = wish(kHostA, Protocol::udp, 8080, 40001, lifetime);
    request.claimant = kPcp;
    request.reserves_companion = false;
    request.nonce = nonce;
    return request;
  }
  [[nodiscard]] Result<Grant, MapError> ask(const MapRequest& request, Moment now = kStart) {
    auto granted = table_.request(request, now);
    (void)table_.accept();
    return granted;
  }
  /// Success is no error.
  [[nodiscard]] std::optional<MapError> error_of(const MapRequest& request) {
    const auto granted = ask(request);
    return granted ? std::nullopt : std::optional(granted.error());
  }
  [[nodiscard]] std::optional<MapError> release(const Claimant& claimant,
                                                const std::optional<Nonce>& nonce) {
    const auto released = table_.release(Protocol::udp, {kHostA, 8080}, claimant, nonce);
    return released ? std::nullopt : std::optional(released.error());
  }
  [[nodiscard]] const Mapping* mapping() const {
    return table_.find_by_internal(Protocol::udp, {kHostA, 8080});
  }
  [[nodiscard]] const Claim* claim(const Claimant& claimant = kPcp) const {
    return table_.find_claim(Protocol::udp, {kHostA, 8080}, claimant);
  }

  MappingTable table_ = home_table();
};

TEST_F(MappingTableClaimsTest, OnlyWhoKnowsTheNonceRenewsAClaim) {
  ASSERT_TRUE(ask(guarded(kNonce, Seconds(60))));
  EXPECT_EQ(error_of(guarded(kOtherNonce, Seconds(600))), MapError::wrong_nonce);
  EXPECT_EQ(mapping()->ends(), kStart + Seconds(60));
  EXPECT_EQ(claim()->details->nonce, kNonce);
  EXPECT_FALSE(error_of(guarded(kNonce, Seconds(600))));
  EXPECT_EQ(mapping()->ends(), kStart + Seconds(600));
}

TEST_F(MappingTableClaimsTest, OnlyWhoKnowsTheNonceTakesAClaimBack) {
  ASSERT_TRUE(ask(guarded(kNonce)));
  EXPECT_EQ(release(kPcp, kOtherNonce), MapError::wrong_nonce);
  EXPECT_TRUE(table_.staged_changes().empty());
  EXPECT_FALSE(release(kPcp, kNonce));
  EXPECT_EQ(table_.size(), 0U);
}

TEST_F(MappingTableClaimsTest, ZerosAreANonceToo) {
  ASSERT_TRUE(ask(guarded(kZeros)));
  EXPECT_EQ(error_of(guarded(kNonce)), MapError::wrong_nonce);
  EXPECT_EQ(release(kPcp, kNonce), MapError::wrong_nonce);
  EXPECT_FALSE(error_of(guarded(kZeros)));
}

TEST_F(MappingTableClaimsTest, AWrongNonceIsToldBeforeAnythingElse) {
  ASSERT_TRUE(ask(guarded(kNonce)));
  auto request = guarded(kOtherNonce);
  request.placement = Placement::only_suggested;
  request.suggested_external_port = 40002;
  EXPECT_EQ(error_of(request), MapError::wrong_nonce);
  table_.set_external_addresses({});
  EXPECT_EQ(error_of(request), MapError::wrong_nonce);
}

TEST_F(MappingTableClaimsTest, ALenientWishTakesTheClaimOverWithItsOwnNonce) {
  ASSERT_TRUE(ask(guarded(kNonce)));
  auto lenient = guarded(kOtherNonce, Seconds(90));
  lenient.accepts_any_nonce = true;
  EXPECT_FALSE(error_of(lenient));
  EXPECT_EQ(claim()->details->nonce, kOtherNonce);
  EXPECT_EQ(mapping()->claims.size(), 1U);
  EXPECT_EQ(error_of(guarded(kNonce)), MapError::wrong_nonce);
}

TEST_F(MappingTableClaimsTest, NoNonceOpensEveryClaim) {
  ASSERT_TRUE(ask(guarded(kNonce)));
  EXPECT_FALSE(release(kPcp, std::nullopt));
  EXPECT_EQ(table_.size(), 0U);
}

TEST_F(MappingTableClaimsTest, AClaimWithoutANonceTakesTheFirstThatComes) {
  ASSERT_TRUE(ask(guarded(std::nullopt)));
  EXPECT_FALSE(error_of(guarded(kNonce)));
  EXPECT_EQ(error_of(guarded(kOtherNonce)), MapError::wrong_nonce);
}

TEST_F(MappingTableClaimsTest, ANonceGuardsOnlyTheClaimOfItsOwner) {
  ASSERT_TRUE(ask(guarded(kNonce)));
  // Another frontend adds a claim, renews it and takes it back; the guarded one stays.
  auto other = guarded(kOtherNonce, Seconds(90));
  other.claimant = natpmp_of(kHostA);
  EXPECT_FALSE(error_of(other));
  EXPECT_EQ(mapping()->claims.size(), 2U);
  EXPECT_EQ(release(natpmp_of(kHostA), kNonce), MapError::wrong_nonce);
  EXPECT_FALSE(release(natpmp_of(kHostA), kOtherNonce));
  ASSERT_TRUE(claim());
  EXPECT_EQ(claim()->details->nonce, kNonce);
  EXPECT_FALSE(claim(natpmp_of(kHostA)));
  // Who has no claim takes nothing back, and is not told of nonces.
  EXPECT_FALSE(release({kOtherFrontend, kHostB}, kOtherNonce));
  EXPECT_EQ(table_.size(), 1U);
}

TEST_F(MappingTableClaimsTest, ARecoveredClaimIsTakenOverWithAnyNonce) {
  const auto doors = all_doors(Protocol::udp, {kHostA, 8080}, {kWan, 40001}, kStart + Seconds(600));
  table_.adopt(doors, kStart);
  (void)table_.accept();
  auto request = guarded(kNonce);
  request.suggested_external_port = 0;
  const auto granted = ask(request);
  ASSERT_TRUE(granted);
  EXPECT_EQ(granted->external_port, 40001);
  ASSERT_EQ(mapping()->claims.size(), 1U) << "it took the place of the recovered one";
  EXPECT_EQ(mapping()->ends(), kStart + Seconds(60));
  EXPECT_EQ(claim()->details->nonce, kNonce);
  EXPECT_EQ(error_of(guarded(kOtherNonce)), MapError::wrong_nonce);
}

TEST_F(MappingTableClaimsTest, ARecoveredClaimIsTakenBackWithAnyNonce) {
  const auto doors = all_doors(Protocol::udp, {kHostA, 8080}, {kWan, 40001}, kStart + Seconds(600));
  table_.adopt(doors, kStart);
  (void)table_.accept();
  EXPECT_FALSE(release(kPcp, kNonce));
  EXPECT_EQ(table_.size(), 0U);
}

TEST_F(MappingTableClaimsTest, OfSeveralMappingsOnlyThoseWithTheNonceGo) {
  auto first = guarded(kNonce);
  first.placement = Placement::suggested_port;
  auto second = guarded(kOtherNonce);
  second.placement = Placement::suggested_port;
  second.suggested_external_port = 40002;
  ASSERT_TRUE(ask(first));
  ASSERT_TRUE(ask(second));
  EXPECT_EQ(release(kPcp, kOtherNonce), MapError::wrong_nonce);
  ASSERT_EQ(table_.size(), 1U);
  EXPECT_EQ(mapping()->external.port, 40001);
}

TEST_F(MappingTableClaimsTest, AClaimIsFoundByItsWholeClaimant) {
  EXPECT_FALSE(claim());
  ASSERT_TRUE(ask(guarded(kNonce)));
  ASSERT_TRUE(claim());
  EXPECT_EQ(claim()->lease.ends, kStart + Seconds(60));
  EXPECT_FALSE(claim(natpmp_of(kHostA)));
  EXPECT_FALSE(claim({kOtherFrontend, kHostB}));
  EXPECT_FALSE(claim({kOtherFrontend, kHostA, Endpoint{kOtherWan, 9}}));
  EXPECT_FALSE(table_.find_claim(Protocol::tcp, {kHostA, 8080}, kPcp));
}

TEST_F(MappingTableClaimsTest, ADescriptionStaysUntilAnotherOneComes) {
  auto request = guarded(kNonce);
  request.description = "game";
  ASSERT_TRUE(ask(request));
  request.description.reset();
  ASSERT_TRUE(ask(request));
  EXPECT_EQ(claim()->details->description, "game");
  request.description = "other game";
  ASSERT_TRUE(ask(request));
  EXPECT_EQ(claim()->details->description, "other game");
  request.description = "";
  ASSERT_TRUE(ask(request));
  EXPECT_EQ(claim()->details->description, "");
}

TEST_F(MappingTableClaimsTest, ADescriptionIsTheClaimsOwn) {
  auto request = guarded(kNonce);
  request.description = "game";
  ASSERT_TRUE(ask(request));
  ASSERT_TRUE(ask(wish(kHostA, Protocol::udp, 8080)));
  EXPECT_EQ(claim(natpmp_of(kHostA))->details->description, "");
  EXPECT_EQ(claim()->details->description, "game");
}

TEST_F(MappingTableClaimsTest, NewsGoWhereTheLastAnswerWent) {
  auto request = guarded(kNonce);
  request.contact = {kLanIndex, {kGateway, 5351}, {kHostA, 1111}};
  ASSERT_TRUE(ask(request));
  EXPECT_EQ(claim()->details->contact->asker.port, 1111);
  request.contact->asker.port = 2222;
  ASSERT_TRUE(ask(request, kStart + Seconds(1)));
  EXPECT_EQ(claim()->details->contact->asker.port, 2222);
  EXPECT_EQ(mapping()->claims.size(), 1U);
}

TEST_F(MappingTableClaimsTest, ARefusedRenewalLeavesTheClaimAsItWas) {
  auto request = guarded(kNonce);
  request.description = "game";
  ASSERT_TRUE(ask(request));
  const Mapping before = *mapping();
  request.description = "other game";
  request.filters = {{*Prefix::parse("::/0")}};
  EXPECT_EQ(error_of(request), MapError::bad_filter);
  EXPECT_EQ(*mapping(), before);
  request.filters.reset();
  EXPECT_TRUE(table_.request(request, kStart + Seconds(5)));
  table_.roll_back();
  EXPECT_EQ(*mapping(), before);
}

TEST_F(MappingTableClaimsTest, ClaimsCountOnceForEachMapping) {
  table_ = home_table(limits_of(1, 100));
  ASSERT_TRUE(ask(guarded(kNonce)));
  EXPECT_TRUE(ask(wish(kHostA, Protocol::udp, 8080)));
  EXPECT_EQ(table_.count_of(kHostA), 1U);
  auto second = guarded(kNonce);
  second.internal.port = 8081;
  EXPECT_EQ(error_of(second), MapError::client_limit_reached);
}

// The index by clients does not lose a mapping whose claims come, go and change places.
TEST_F(MappingTableClaimsTest, TheIndexesFollowTheClaims) {
  Rule rule = default_rule();
  rule.for_others = true;
  Policy policy({rule});
  policy.set_lan_prefixes({*Prefix::parse("192.168.1.0/24")});
  table_ = MappingTable(policy, {}, 1);
  table_.set_external_addresses({kWan});
  auto from_b = guarded(kOtherNonce);
  from_b.claimant = {kOtherFrontend, kHostB};
  ASSERT_TRUE(ask(guarded(kNonce)));
  ASSERT_TRUE(ask(from_b));
  // A renewed claim moves behind the other one.
  ASSERT_TRUE(ask(guarded(kNonce), kStart + Seconds(1)));
  EXPECT_TRUE(table_.is_consistent());
  // The same claimants, but now the companion port is reserved as well; and then no more.
  auto reserving = guarded(kNonce);
  reserving.reserves_companion = true;
  ASSERT_TRUE(ask(reserving));
  EXPECT_TRUE(table_.is_consistent());
  EXPECT_NE(ask(wish(kHostC, Protocol::tcp, 9090, 40001))->external_port, 40001);
  ASSERT_TRUE(ask(guarded(kNonce)));
  EXPECT_TRUE(table_.is_consistent());
  EXPECT_EQ(ask(wish(kHostC, Protocol::tcp, 9091, 40001))->external_port, 40001);
  // The same claimants with more filters, then with others, then with none.
  for (const auto& filters :
       {RemoteFilters{{*Prefix::parse("192.0.2.1")}, {*Prefix::parse("192.0.2.2")}},
        RemoteFilters{{*Prefix::parse("192.0.2.3")}, {*Prefix::parse("192.0.2.4")}},
        RemoteFilters{}}) {
    auto filtered = guarded(kNonce);
    filtered.filters = filters;
    ASSERT_TRUE(ask(filtered));
    EXPECT_TRUE(table_.is_consistent());
  }
  EXPECT_FALSE(release(kPcp, kNonce));
  EXPECT_EQ(table_.count_of(kHostA), 0U);
  EXPECT_EQ(table_.count_of(kHostB), 1U);
}

}  // namespace
}  // namespace postern
