#include <array>

#include <gtest/gtest.h>

#include "tests/support/table_fixture.h"

// Several mappings of one internal endpoint, or of one request.
namespace postern {
namespace {

using namespace test;

class MappingTableSeveralTest : public testing::Test {
 protected:
  MappingId map(std::uint16_t internal, std::uint16_t external,
                Placement placement = Placement::suggested_port) {
    auto request = wish(kHostA, Protocol::tcp, internal, external);
    request.placement = placement;
    const auto granted = table_.request(request, kStart);
    EXPECT_TRUE(granted);
    (void)table_.accept();
    return granted ? granted->id : 0;
  }
  [[nodiscard]] std::uint16_t port_of(MappingId id) const { return table_.find(id)->external.port; }
  Result<void, MapError> release(const std::vector<MappingId>& ids) {
    const std::array claimants{natpmp_of(kHostA)};
    const auto released = table_.release(ids, claimants);
    EXPECT_TRUE(table_.is_consistent());
    return released;
  }

  MappingTable table_ = home_table();
};

TEST_F(MappingTableSeveralTest, AnotherPortIsBesideTheOneThatIsThere) {
  const auto first = map(8080, 40001);
  const auto second = map(8080, 40002, Placement::another_port);
  EXPECT_NE(second, first);
  EXPECT_EQ(port_of(second), 40002);
  EXPECT_EQ(table_.size(), 2U);
}

TEST_F(MappingTableSeveralTest, AnotherPortIsAnyWhereTheSuggestedOneIsTaken) {
  (void)map(8080, 40001);
  const auto second = map(8080, 40001, Placement::another_port);
  const auto third = map(8080, 0, Placement::another_port);
  EXPECT_EQ(port_of(second), 8080);
  EXPECT_EQ(table_.size(), 3U);
  EXPECT_NE(port_of(third), 8080);
}

TEST_F(MappingTableSeveralTest, SeveralAreReleasedTogether) {
  const auto first = map(8080, 40001);
  const auto second = map(8081, 40002);
  const auto third = map(8082, 40003);
  EXPECT_TRUE(release({first, third, 999}));
  EXPECT_FALSE(table_.find(first));
  EXPECT_TRUE(table_.find(second));
  EXPECT_FALSE(table_.find(third));
}

TEST_F(MappingTableSeveralTest, OrNotAtAllWhenTheFirewallKeepsOne) {
  const auto first = map(8080, 40001);
  const auto heir = map(8080, 40002);
  const auto other = map(8081, 40003);
  const auto before = sorted(table_.doors());
  table_.refuse({DoorKey::Kind::forward4, Protocol::tcp, {kWan, 40003}});
  EXPECT_EQ(release({first, other}).error(), MapError::backend_refused);
  EXPECT_EQ(sorted(table_.doors()), before);
  EXPECT_TRUE(table_.find(first)->is_primary);
  EXPECT_FALSE(table_.find(heir)->is_primary);
  EXPECT_TRUE(table_.staged_changes().empty());
  EXPECT_TRUE(table_.accept().empty());
}

TEST_F(MappingTableSeveralTest, WhatTheTurnDidBeforeStays) {
  const auto first = map(8080, 40001);
  const auto second = map(8081, 40002);
  auto later = wish(kHostA, Protocol::tcp, 8080, 40001, Seconds(90));
  ASSERT_TRUE(table_.request(later, kStart));
  table_.refuse({DoorKey::Kind::forward4, Protocol::tcp, {kWan, 40002}});
  EXPECT_FALSE(release({first, second}));
  EXPECT_EQ(table_.find(first)->ends(), kStart + Seconds(90));
  table_.roll_back();
  EXPECT_EQ(table_.find(first)->ends(), kStart + Seconds(60));
  EXPECT_TRUE(table_.is_consistent());
}

TEST_F(MappingTableSeveralTest, WhatTheTurnDoesLaterCanBeRolledBack) {
  const auto first = map(8080, 40001);
  const auto second = map(8081, 40002);
  table_.refuse({DoorKey::Kind::forward4, Protocol::tcp, {kWan, 40002}});
  EXPECT_FALSE(release({first, second}));
  ASSERT_TRUE(table_.request(wish(kHostA, Protocol::tcp, 8080, 40001, Seconds(90)), kStart));
  table_.roll_back();
  EXPECT_TRUE(table_.is_consistent());
  EXPECT_EQ(table_.find(first)->ends(), kStart + Seconds(60));
}

}  // namespace
}  // namespace postern
