#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/mapping_table.h"
#include "tests/support/table_fixture.h"

// Staging, acceptance, refusal and roll-back of a turn.
namespace postern {
namespace {

using namespace test;
using Kind = TableEvent::Kind;

class MappingTableTurnTest : public testing::Test {
 protected:
  ~MappingTableTurnTest() override { EXPECT_TRUE(table_.is_consistent()); }

  /// Ends the turn as if the firewall took it.
  std::vector<Kind> accept() {
    std::vector<Kind> kinds;
    for (const auto& event : table_.accept()) kinds.push_back(event.kind);
    return kinds;
  }
  void map(const MapRequest& request, Moment now = kStart) {
    EXPECT_TRUE(table_.request(request, now));
  }
  void unmap(const Address& client, Protocol protocol, std::uint16_t internal_port) {
    EXPECT_TRUE(table_.release(protocol, {client, internal_port}, natpmp_of(client)));
  }
  [[nodiscard]] static DoorKey forward_key(Protocol protocol, std::uint16_t port) {
    return {DoorKey::Kind::forward4, protocol, {kWan, port}};
  }

  MappingTable table_ = home_table();
};

TEST_F(MappingTableTurnTest, OfOneNewMappingOpensItsDoors) {
  map(wish(kHostA, Protocol::udp, 8080, 40001));
  const auto changes = table_.staged_changes();
  const auto doors = all_doors(Protocol::udp, {kHostA, 8080}, {kWan, 40001}, kStart + Seconds(60));
  EXPECT_THAT(changes, testing::UnorderedElementsAre(DoorChange{std::nullopt, doors[0]},
                                                     DoorChange{std::nullopt, doors[1]},
                                                     DoorChange{std::nullopt, doors[2]}));
  EXPECT_THAT(accept(), testing::ElementsAre(Kind::opened));
  EXPECT_TRUE(table_.staged_changes().empty());
}

TEST_F(MappingTableTurnTest, OfARenewalChangesOnlyTheEnds) {
  map(wish(kHostA, Protocol::udp, 8080, 40001));
  accept();
  map(wish(kHostA, Protocol::udp, 8080), kStart + Seconds(10));
  const auto changes = table_.staged_changes();
  ASSERT_EQ(changes.size(), 3U);
  for (const auto& change : changes) {
    EXPECT_TRUE(change.is_renewal());
    EXPECT_EQ(change.before->ends, kStart + Seconds(60));
    EXPECT_EQ(change.after->ends, kStart + Seconds(70));
  }
  EXPECT_THAT(accept(), testing::ElementsAre(Kind::renewed));
}

// NPMP-13
TEST_F(MappingTableTurnTest, OfARetransmissionInTheSameMomentChangesNothing) {
  map(wish(kHostA, Protocol::udp, 8080, 40001));
  accept();
  map(wish(kHostA, Protocol::udp, 8080, 40001));
  EXPECT_TRUE(table_.staged_changes().empty());
  EXPECT_TRUE(accept().empty());
}

TEST_F(MappingTableTurnTest, OfADeletionClosesAllDoors) {
  map(wish(kHostA, Protocol::udp, 8080, 40001));
  accept();
  unmap(kHostA, Protocol::udp, 8080);
  const auto changes = table_.staged_changes();
  ASSERT_EQ(changes.size(), 3U);
  for (const auto& change : changes) {
    EXPECT_TRUE(change.before);
    EXPECT_FALSE(change.after);
  }
  EXPECT_THAT(accept(), testing::ElementsAre(Kind::closed));
}

TEST_F(MappingTableTurnTest, ThatCreatesAndDeletesHasNoNetEffect) {
  map(wish(kHostA, Protocol::udp, 8080, 40001));
  unmap(kHostA, Protocol::udp, 8080);
  EXPECT_TRUE(table_.staged_changes().empty());
  EXPECT_TRUE(accept().empty());
}

TEST_F(MappingTableTurnTest, ThatDeletesAndRecreatesTheSameHasNoNetEffect) {
  map(wish(kHostA, Protocol::udp, 8080, 40001));
  accept();
  unmap(kHostA, Protocol::udp, 8080);
  map(wish(kHostA, Protocol::udp, 8080, 40001));
  EXPECT_TRUE(table_.staged_changes().empty());
}

TEST_F(MappingTableTurnTest, ThatDeletesAndRecreatesLaterIsARenewal) {
  map(wish(kHostA, Protocol::udp, 8080, 40001));
  accept();
  unmap(kHostA, Protocol::udp, 8080);
  map(wish(kHostA, Protocol::udp, 8080, 40001), kStart + Seconds(1));
  const auto changes = table_.staged_changes();
  ASSERT_EQ(changes.size(), 3U);
  EXPECT_TRUE(changes[0].is_renewal());
  EXPECT_TRUE(changes[1].is_renewal());
  EXPECT_THAT(accept(), testing::ElementsAre(Kind::closed, Kind::opened));
}

TEST_F(MappingTableTurnTest, ThatPassesAPortOnSendsItsForwardElsewhere) {
  map(wish(kHostA, Protocol::udp, 8080, 40001));
  accept();
  unmap(kHostA, Protocol::udp, 8080);
  map(wish(kHostB, Protocol::udp, 9090, 40001));
  const auto changes = table_.staged_changes();
  // The forward has one key and two sides; each pin and outbound door has its own.
  ASSERT_EQ(changes.size(), 5U);
  const auto passed = std::find_if(changes.begin(), changes.end(), [](const DoorChange& change) {
    return change.before && change.after;
  });
  ASSERT_NE(passed, changes.end());
  EXPECT_EQ(passed->key(), forward_key(Protocol::udp, 40001));
  EXPECT_FALSE(passed->is_renewal());
  EXPECT_EQ(std::get<Forward4>(passed->before->door).internal, (Endpoint{kHostA, 8080}));
  EXPECT_EQ(std::get<Forward4>(passed->after->door).internal, (Endpoint{kHostB, 9090}));
  accept();
}

TEST_F(MappingTableTurnTest, HasEachKeyAtMostOnce) {
  map(wish(kHostA, Protocol::udp, 8080, 40001));
  accept();
  for (int i = 0; i < 5; ++i) {
    unmap(kHostA, Protocol::udp, 8080);
    map(wish(kHostB, Protocol::udp, 9090, 40001), kStart + Seconds(i));
    unmap(kHostB, Protocol::udp, 9090);
    map(wish(kHostA, Protocol::udp, 8080, 40001), kStart + Seconds(i));
  }
  std::set<DoorKey> keys;
  for (const auto& change : table_.staged_changes()) {
    EXPECT_TRUE(keys.insert(change.key()).second);
  }
  EXPECT_EQ(keys.size(), 3U);
}

TEST_F(MappingTableTurnTest, IsForgottenWhenRolledBack) {
  map(wish(kHostA, Protocol::udp, 8080, 40001));
  accept();
  const auto before = sorted(table_.doors());
  map(wish(kHostA, Protocol::udp, 8080), kStart + Seconds(10));
  map(wish(kHostB, Protocol::tcp, 9090, 40001));
  table_.roll_back();
  EXPECT_EQ(sorted(table_.doors()), before);
  EXPECT_TRUE(table_.staged_changes().empty());
  EXPECT_TRUE(accept().empty());
  EXPECT_EQ(table_.count_of(kHostB), 0U);
}

TEST_F(MappingTableTurnTest, GivesAPassedOnPortBackWhenRolledBack) {
  map(wish(kHostA, Protocol::udp, 8080, 40001));
  accept();
  unmap(kHostA, Protocol::udp, 8080);
  map(wish(kHostB, Protocol::udp, 9090, 40001));
  table_.roll_back();
  const auto* mapping = table_.find_by_external(Protocol::udp, {kWan, 40001});
  ASSERT_TRUE(mapping);
  EXPECT_EQ(mapping->internal, (Endpoint{kHostA, 8080}));
  EXPECT_EQ(table_.size(), 1U);
}

TEST_F(MappingTableTurnTest, NeverNamesTwoMappingsAlike) {
  const auto first = table_.request(wish(kHostA, Protocol::udp, 8080), kStart)->id;
  table_.roll_back();
  const auto second = table_.request(wish(kHostA, Protocol::udp, 8080), kStart)->id;
  EXPECT_NE(first, second);
}

// NPMP-61
TEST_F(MappingTableTurnTest, WithARefusedKeyDeniesWhatWouldTouchIt) {
  table_.refuse(forward_key(Protocol::udp, 40001));
  const auto denied = table_.request(wish(kHostA, Protocol::udp, 8080, 40001), kStart);
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error(), MapError::backend_refused);
  EXPECT_EQ(table_.size(), 0U);
  map(wish(kHostB, Protocol::udp, 8080, 40002));
  EXPECT_THAT(accept(), testing::ElementsAre(Kind::opened));
  map(wish(kHostA, Protocol::udp, 8080, 40001));  // The refusal ended with the turn.
}

TEST_F(MappingTableTurnTest, WithARefusedKeyLetsAMappingStayAsItIs) {
  map(wish(kHostA, Protocol::udp, 8080, 40001));
  accept();
  table_.refuse(forward_key(Protocol::udp, 40001));
  EXPECT_FALSE(table_.release(Protocol::udp, {kHostA, 8080}, natpmp_of(kHostA)));
  EXPECT_FALSE(table_.request(wish(kHostA, Protocol::udp, 8080), kStart + Seconds(1)));
  map(wish(kHostA, Protocol::udp, 8080));  // The same lease: no door changes.
  EXPECT_TRUE(table_.staged_changes().empty());
  EXPECT_EQ(table_.find_by_internal(Protocol::udp, {kHostA, 8080})->ends(), kStart + Seconds(60));
}

TEST_F(MappingTableTurnTest, WithARefusedKeyReleasesTheOthersOfTheProtocol) {
  map(wish(kHostA, Protocol::udp, 8080, 40001));
  map(wish(kHostA, Protocol::udp, 8081, 40002));
  accept();
  table_.refuse(forward_key(Protocol::udp, 40001));
  const auto released = table_.release_all(Protocol::udp, natpmp_of(kHostA));
  ASSERT_FALSE(released);
  EXPECT_EQ(released.error(), MapError::backend_refused);
  EXPECT_EQ(table_.size(), 1U);
}

TEST_F(MappingTableTurnTest, WithEverythingRefusedChangesNoDoor) {
  map(wish(kHostA, Protocol::udp, 8080, 40001));
  accept();
  table_.refuse_all();
  EXPECT_FALSE(table_.request(wish(kHostB, Protocol::udp, 8080), kStart));
  EXPECT_FALSE(table_.request(wish(kHostA, Protocol::udp, 8080), kStart + Seconds(1)));
  EXPECT_FALSE(table_.release(Protocol::udp, {kHostA, 8080}, natpmp_of(kHostA)));
  EXPECT_FALSE(table_.release_all(Protocol::udp, natpmp_of(kHostA)));
  EXPECT_TRUE(table_.release(Protocol::udp, {kHostB, 8080}, natpmp_of(kHostB)));
  EXPECT_TRUE(table_.staged_changes().empty());
  EXPECT_EQ(table_.size(), 1U);
}

TEST_F(MappingTableTurnTest, WithEverythingRefusedStillAddsAClaimThatChangesNoDoor) {
  map(wish(kHostA, Protocol::udp, 8080, 40001, Seconds(600)));
  accept();
  table_.refuse_all();
  auto shorter = wish(kHostA, Protocol::udp, 8080, 0, Seconds(60));
  shorter.claimant.frontend = kOtherFrontend;
  map(shorter);
  EXPECT_TRUE(table_.staged_changes().empty());
  EXPECT_THAT(accept(), testing::ElementsAre(Kind::renewed));
}

TEST_F(MappingTableTurnTest, ThatMovesToAnotherAddressMovesEveryMapping) {
  map(wish(kHostA, Protocol::udp, 8080, 40001));
  map(wish(kHostA, Protocol::tcp, 8080, 40001));
  accept();
  table_.set_external_addresses({kOtherWan});
  EXPECT_THAT(accept(), testing::ElementsAre(Kind::moved, Kind::moved));
  EXPECT_FALSE(table_.find_by_external(Protocol::udp, {kWan, 40001}));
  const auto* mapping = table_.find_by_external(Protocol::udp, {kOtherWan, 40001});
  ASSERT_TRUE(mapping);
  EXPECT_EQ(mapping->ends(), kStart + Seconds(60));
  EXPECT_NE(table_.request(wish(kHostB, Protocol::udp, 8080, 40001), kStart)->external_port, 40001);
}

TEST_F(MappingTableTurnTest, ThatLosesTheAddressLeavesMappingsWhereTheyAre) {
  map(wish(kHostA, Protocol::udp, 8080, 40001));
  accept();
  table_.set_external_addresses({});
  EXPECT_TRUE(accept().empty());
  EXPECT_TRUE(table_.find_by_external(Protocol::udp, {kWan, 40001}));
}

TEST_F(MappingTableTurnTest, EachChangeHasItsCause) {
  using Cause = TableEvent::Cause;
  map(wish(kHostA, Protocol::udp, 8080, 40001));
  map(wish(kHostB, Protocol::udp, 8080, 40002, Seconds(600)));
  const auto cause_after = [&] {
    const auto events = table_.accept();
    EXPECT_FALSE(events.empty());
    return events.empty() ? Cause::asked : events.back().cause;
  };
  EXPECT_EQ(cause_after(), Cause::asked);
  table_.expire(kStart + Seconds(60));
  EXPECT_EQ(cause_after(), Cause::lease_ended);
  table_.set_external_addresses({kOtherWan});
  EXPECT_EQ(cause_after(), Cause::network);
  unmap(kHostB, Protocol::udp, 8080);
  EXPECT_EQ(cause_after(), Cause::asked);
}

TEST_F(MappingTableTurnTest, OfSeveralCausesTheLastIsTold) {
  map(wish(kHostA, Protocol::udp, 8080, 40001));
  accept();
  table_.set_external_addresses({kOtherWan});
  map(wish(kHostA, Protocol::udp, 8080));
  const auto events = table_.accept();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events.front().cause, TableEvent::Cause::asked);
}

TEST_F(MappingTableTurnTest, WhatWasRolledBackIsNoCause) {
  map(wish(kHostA, Protocol::udp, 8080, 40001));
  accept();
  table_.set_external_addresses({kOtherWan});
  table_.roll_back();
  map(wish(kHostA, Protocol::udp, 8080), kStart + Seconds(1));
  EXPECT_EQ(table_.accept().front().cause, TableEvent::Cause::asked);
}

}  // namespace
}  // namespace postern
