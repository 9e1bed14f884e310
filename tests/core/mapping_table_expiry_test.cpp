#include <gtest/gtest.h>

#include "core/mapping_table.h"
#include "tests/support/table_fixture.h"

// What happens to mappings as time passes, and after a restart.
namespace postern {
namespace {

using namespace test;

class MappingTableExpiryTest : public testing::Test {
 protected:
  ~MappingTableExpiryTest() override { EXPECT_TRUE(table_.is_consistent()); }

  void map(const Address& client, std::uint16_t port, Seconds lifetime,
           std::string_view frontend = kFrontend) {
    auto request = wish(client, Protocol::udp, port, port, lifetime);
    request.claimant.frontend = frontend;
    EXPECT_TRUE(table_.request(request, kStart));
  }
  /// A turn of expiry in which the firewall lets nothing go.
  void expire_in_vain(Moment now) {
    table_.refuse_all();
    table_.expire(now);
    EXPECT_TRUE(table_.staged_changes().empty());
    (void)table_.accept();
  }

  MappingTable table_ = home_table();
};

// NPMP-62
TEST_F(MappingTableExpiryTest, EndsAMappingAtItsMomentNotBefore) {
  map(kHostA, 8080, Seconds(60));
  EXPECT_EQ(table_.next_expiry(), kStart + Seconds(60));
  table_.expire(kStart + Seconds(60) - Milliseconds(1));
  EXPECT_EQ(table_.size(), 1U);
  table_.expire(kStart + Seconds(60));
  EXPECT_EQ(table_.size(), 0U);
  EXPECT_FALSE(table_.next_expiry());
}

TEST_F(MappingTableExpiryTest, EndsOnlyWhatIsDue) {
  map(kHostA, 8080, Seconds(60));
  map(kHostA, 8081, Seconds(10));
  map(kHostB, 8082, Seconds(30));
  table_.expire(kStart + Seconds(30));
  EXPECT_EQ(table_.size(), 1U);
  EXPECT_EQ(table_.next_expiry(), kStart + Seconds(60));
}

// NPMP-39
TEST_F(MappingTableExpiryTest, LiftsTheCompanionReservation) {
  map(kHostA, 8080, Seconds(60));
  table_.expire(kStart + Seconds(60));
  const auto grant = table_.request(wish(kHostB, Protocol::tcp, 9090, 8080), kStart + Seconds(60));
  ASSERT_TRUE(grant);
  EXPECT_EQ(grant->external_port, 8080);
}

TEST_F(MappingTableExpiryTest, EndsEachClaimAtItsOwnMoment) {
  map(kHostA, 8080, Seconds(60));
  map(kHostA, 8080, Seconds(30), kOtherFrontend);
  (void)table_.accept();
  EXPECT_EQ(table_.next_expiry(), kStart + Seconds(30));
  table_.expire(kStart + Seconds(30));
  EXPECT_TRUE(table_.staged_changes().empty());
  EXPECT_EQ(table_.find_by_internal(Protocol::udp, {kHostA, 8080})->claims.size(), 1U);
  EXPECT_EQ(table_.next_expiry(), kStart + Seconds(60));
}

TEST_F(MappingTableExpiryTest, IsTriedAgainASecondAfterARefusal) {
  map(kHostA, 8080, Seconds(60));
  (void)table_.accept();
  const Moment end = kStart + Seconds(60);
  expire_in_vain(end);
  EXPECT_EQ(table_.size(), 1U);
  EXPECT_EQ(table_.next_expiry(), end + Seconds(1));
  table_.expire(end + Milliseconds(999));
  EXPECT_EQ(table_.size(), 1U);
  table_.expire(end + Seconds(1));
  EXPECT_EQ(table_.size(), 0U);
}

TEST_F(MappingTableExpiryTest, KeepsTheOthersGoingWhenOneIsRefused) {
  map(kHostA, 8080, Seconds(60));
  map(kHostB, 8081, Seconds(60));
  (void)table_.accept();
  table_.refuse({DoorKey::Kind::forward4, Protocol::udp, {kWan, 8080}});
  table_.expire(kStart + Seconds(60));
  EXPECT_EQ(table_.size(), 1U);
  EXPECT_EQ(table_.next_expiry(), kStart + Seconds(61));
}

TEST_F(MappingTableExpiryTest, IsForgottenWhenARefusedMappingIsRenewed) {
  map(kHostA, 8080, Seconds(60));
  (void)table_.accept();
  const Moment end = kStart + Seconds(60);
  expire_in_vain(end);
  ASSERT_TRUE(table_.request(wish(kHostA, Protocol::udp, 8080), end + Milliseconds(500)));
  table_.expire(end + Seconds(1));
  EXPECT_EQ(table_.next_expiry(), end + Milliseconds(500) + Seconds(60));
}

// The renewal of one claim must not leave the deadline of an ended one in the past.
TEST_F(MappingTableExpiryTest, StaysPostponedForAnEndedClaimBesideARenewedOne) {
  map(kHostA, 8080, Seconds(60));
  map(kHostA, 8080, Seconds(60), kOtherFrontend);
  (void)table_.accept();
  const Moment end = kStart + Seconds(60);
  expire_in_vain(end);
  ASSERT_TRUE(table_.request(wish(kHostA, Protocol::udp, 8080), end + Milliseconds(500)));
  EXPECT_TRUE(table_.is_consistent());
  EXPECT_GT(table_.next_expiry(), end + Milliseconds(500));
  table_.expire(end + Seconds(1));
  EXPECT_EQ(table_.find_by_internal(Protocol::udp, {kHostA, 8080})->claims.size(), 1U);
}

TEST_F(MappingTableExpiryTest, StaysPostponedForAnEndedClaimBeforeARenewedOne) {
  map(kHostA, 8080, Seconds(60), kOtherFrontend);
  map(kHostA, 8080, Seconds(60));
  (void)table_.accept();
  const Moment end = kStart + Seconds(60);
  expire_in_vain(end);
  ASSERT_TRUE(table_.request(wish(kHostA, Protocol::udp, 8080), end + Milliseconds(500)));
  EXPECT_TRUE(table_.is_consistent());
  EXPECT_EQ(table_.next_expiry(), end + Seconds(1));
}

TEST_F(MappingTableExpiryTest, StaysPostponedForAnEndedClaimBesideAReleasedOne) {
  map(kHostA, 8080, Seconds(60));
  map(kHostA, 8080, Seconds(60), kOtherFrontend);
  (void)table_.accept();
  const Moment end = kStart + Seconds(60);
  expire_in_vain(end);
  EXPECT_TRUE(table_.release(Protocol::udp, {kHostA, 8080}, natpmp_of(kHostA)));
  EXPECT_TRUE(table_.is_consistent());
}

TEST_F(MappingTableExpiryTest, StaysPostponedWhenTheMappingMoves) {
  map(kHostA, 8080, Seconds(60));
  (void)table_.accept();
  const Moment end = kStart + Seconds(60);
  expire_in_vain(end);
  table_.set_external_addresses({kOtherWan});
  EXPECT_TRUE(table_.is_consistent());
  EXPECT_EQ(table_.next_expiry(), end + Seconds(1));
}

// A client that maps and deletes all day leaves nothing behind.
TEST_F(MappingTableExpiryTest, ForgetsTheMomentsOfManyThatWereReleased) {
  for (int i = 0; i < 5000; ++i) {
    ASSERT_TRUE(table_.request(wish(kHostA, Protocol::udp, 8080, 0, Seconds(86400)), kStart));
    ASSERT_TRUE(table_.release(Protocol::udp, {kHostA, 8080}, natpmp_of(kHostA)));
    (void)table_.accept();
    ASSERT_TRUE(table_.is_consistent());
  }
}

class MappingTableAdoptTest : public testing::Test {
 protected:
  ~MappingTableAdoptTest() override { EXPECT_TRUE(table_.is_consistent()); }

  [[nodiscard]] const Mapping* of(const Address& host, std::uint16_t port) const {
    return table_.find_by_internal(Protocol::udp, {host, port});
  }

  MappingTable table_ = home_table();
  std::vector<TimedDoor> doors_ =
      all_doors(Protocol::udp, {kHostA, 8080}, {kWan, 40001}, kStart + Seconds(60));
};

// NPMP-93
TEST_F(MappingTableAdoptTest, MakesARecoveredClaimOfTheInternalHost) {
  table_.adopt(doors_, kStart);
  EXPECT_EQ(table_.size(), 1U);
  const auto* mapping = of(kHostA, 8080);
  ASSERT_TRUE(mapping);
  ASSERT_EQ(mapping->claims.size(), 1U);
  EXPECT_EQ(mapping->claims[0].claimant, (Claimant{kRecovered, kHostA}));
  EXPECT_EQ(mapping->external, (Endpoint{kWan, 40001}));
  EXPECT_EQ(sorted(table_.doors()), sorted(doors_));
  EXPECT_EQ(table_.count_of(kHostA), 1U);
}

// NPMP-45, 93
TEST_F(MappingTableAdoptTest, LetsTheHostTakeTheMappingOver) {
  table_.adopt(doors_, kStart);
  const auto grant = table_.request(wish(kHostA, Protocol::udp, 8080, 7777), kStart);
  ASSERT_TRUE(grant);
  EXPECT_EQ(grant->external_port, 40001);
  ASSERT_EQ(of(kHostA, 8080)->claims.size(), 1U);
  EXPECT_EQ(of(kHostA, 8080)->claims[0].claimant, natpmp_of(kHostA));
}

TEST_F(MappingTableAdoptTest, LetsTheHostReleaseTheMapping) {
  table_.adopt(doors_, kStart);
  EXPECT_TRUE(table_.release(Protocol::udp, {kHostA, 8080}, natpmp_of(kHostB)));
  EXPECT_EQ(table_.size(), 1U);
  EXPECT_TRUE(table_.release_all(Protocol::udp, natpmp_of(kHostA)));
  EXPECT_EQ(table_.size(), 0U);
}

TEST_F(MappingTableAdoptTest, KeepsTheRecoveredCompanionForTheHost) {
  table_.adopt(doors_, kStart);
  const auto other = table_.request(wish(kHostB, Protocol::tcp, 8080, 40001), kStart);
  ASSERT_TRUE(other);
  EXPECT_NE(other->external_port, 40001);
}

TEST_F(MappingTableAdoptTest, EndsTheRecoveredClaimAtItsMoment) {
  table_.adopt(doors_, kStart);
  table_.expire(kStart + Seconds(60));
  EXPECT_EQ(table_.size(), 0U);
}

TEST_F(MappingTableAdoptTest, LeavesOutWhatContradictsWhatIsThere) {
  const Moment ends = kStart + Seconds(60);
  doors_.push_back({Forward4{Protocol::udp, {kWan, 40001}, {kHostB, 9090}}, ends});
  doors_.push_back({Forward4{Protocol::udp, {kOtherWan, 40001}, {kHostC, 9090}}, ends});
  doors_.push_back({Forward4{Protocol::udp, {kWan, 40002}, {kHostA, 8080}}, ends});
  doors_.push_back({Forward4{Protocol::tcp, {kWan, 40002}, {kHostA, 8080}}, ends});
  table_.adopt(doors_, kStart);
  EXPECT_EQ(table_.size(), 3U);
  EXPECT_FALSE(of(kHostB, 9090));
  EXPECT_EQ(of(kHostA, 8080)->external.port, 40001);
}

TEST_F(MappingTableAdoptTest, LeavesOutWhatHasEndedOrMakesNoSense) {
  doors_.clear();
  doors_.push_back({Forward4{Protocol::udp, {kWan, 40001}, {kHostA, 8080}}, kStart});
  doors_.push_back({Forward4{Protocol::udp, {kWan, 40002}, {kHostA, 0}}, kStart + Seconds(60)});
  doors_.push_back({Outbound4{Protocol::udp, {kHostA, 8081}, {kWan, 40003}}, kStart + Seconds(60)});
  table_.adopt(doors_, kStart);
  EXPECT_EQ(table_.size(), 0U);
}

}  // namespace
}  // namespace postern
