#include "core/client_index.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/stored_state.h"

// Which mappings concern which host, and who counts together.
namespace postern {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::IsEmpty;

const Station kCard{MacAddress({2, 0, 0, 0, 0, 10})};
const Station kOtherCard{MacAddress({2, 0, 0, 0, 0, 11})};

/// A mapping to host A with claims of these clients, by a frontend each.
[[nodiscard]] Mapping claimed(MappingId id, std::initializer_list<Claimant> claimants) {
  Mapping mapping = stored(id, {kHostA, 4000}, 4000, kStart);
  mapping.claims.clear();
  for (const auto& claimant : claimants) mapping.claims.push_back({claimant, {}});
  return mapping;
}

TEST(ClientIndex, KnowsWhoAsked) {
  ClientIndex index;
  const auto own = claimed(1, {{"natpmp", kHostA}, {"pcp", kHostA}});
  index.add(own);
  EXPECT_THAT(index.of(kHostA), ElementsAre(1));
  EXPECT_THAT(index.led_to(kHostA), IsEmpty());
  EXPECT_EQ(index.count_of(kHostA), 1U) << "once, however many claims";
  EXPECT_TRUE(index.concerns(kHostA));
  EXPECT_FALSE(index.concerns(kHostB));
  index.remove(own);
  EXPECT_THAT(index.of(kHostA), IsEmpty());
  EXPECT_FALSE(index.concerns(kHostA));
  EXPECT_EQ(index.count_of(kHostA), 0U);
}

TEST(ClientIndex, KnowsWhatOthersLetLeadToAHost) {
  ClientIndex index;
  const auto others = claimed(1, {{"upnp", kHostB}});
  index.add(others);
  EXPECT_THAT(index.of(kHostA), IsEmpty());
  EXPECT_THAT(index.led_to(kHostA), ElementsAre(1));
  EXPECT_EQ(index.count_of(kHostA), 0U) << "it did not ask";
  EXPECT_EQ(index.count_of(kHostB), 1U);
  EXPECT_TRUE(index.concerns(kHostA));
  index.add(claimed(2, {{"upnp", kHostB}, {"upnp", kHostA}}));
  EXPECT_THAT(index.led_to(kHostA), ElementsAre(1)) << "of the other one it has a claim itself";
  index.remove(others);
  EXPECT_THAT(index.led_to(kHostA), IsEmpty());
}

TEST(ClientIndex, WhatTheAdministratorGaveIsNotTheHostsOwn) {
  ClientIndex index;
  index.add(claimed(1, {{kStatic, kHostA}}));
  EXPECT_THAT(index.of(kHostA), ElementsAre(1));
  EXPECT_EQ(index.count_of(kHostA), 0U);
  EXPECT_FALSE(index.concerns(kHostA));
  index.add(claimed(2, {{kOperator, kHostA}, {"pcp", kHostA}}));
  EXPECT_EQ(index.count_of(kHostA), 1U);
}

TEST(ClientIndex, CountsTheClientsOfAStationTogether) {
  ClientIndex index;
  index.place(kHostA, kCard);
  index.add(claimed(1, {{"pcp", kHostA}, {"pcp", kHostB}}));
  EXPECT_EQ(index.count_of(kCard), 1U);
  index.place(kHostB, kCard);
  EXPECT_EQ(index.count_of(kCard), 2U) << "with what it has";
  index.add(claimed(2, {{"pcp", kHostB}}));
  EXPECT_EQ(index.count_of(kCard), 3U);
  index.place(kHostB, kOtherCard);
  EXPECT_EQ(index.count_of(kCard), 1U);
  EXPECT_EQ(index.count_of(kOtherCard), 2U);
  EXPECT_EQ(index.station_of(kHostB), kOtherCard);
  index.remove(claimed(2, {{"pcp", kHostB}}));
  EXPECT_EQ(index.count_of(kOtherCard), 1U);
}

TEST(ClientIndex, ForgetsWhereAHostIsOnceItIsTidiedUp) {
  ClientIndex index;
  const auto own = claimed(1, {{"pcp", kHostA}});
  index.place(kHostA, kCard);
  index.add(own);
  index.remove(own);
  index.add(own);
  EXPECT_EQ(index.count_of(kCard), 1U) << "as when a turn is rolled back";
  index.tidy();
  EXPECT_EQ(index.station_of(kHostA), kCard);
  index.remove(own);
  index.place(kHostB, kCard);
  index.tidy();
  EXPECT_EQ(index.station_of(kHostA), std::nullopt);
  EXPECT_EQ(index.station_of(kHostB), std::nullopt);
}

TEST(ClientIndex, ForgetsWhereAHostIsThatOnlyTheAdministratorGaveSomething) {
  ClientIndex index;
  const auto own = claimed(1, {{"pcp", kHostA}});
  index.add(claimed(2, {{kStatic, kHostA}}));
  index.place(kHostA, kCard);
  index.add(own);
  index.remove(own);
  EXPECT_EQ(index.station_of(kHostA), kCard) << "the turn may be rolled back";
  index.tidy();
  EXPECT_EQ(index.station_of(kHostA), std::nullopt);
  EXPECT_THAT(index.of(kHostA), ElementsAre(2));
  index.place(kHostA, kCard);
  index.tidy();
  EXPECT_EQ(index.station_of(kHostA), std::nullopt) << "who was refused, too";
}

TEST(ClientIndex, TellsAnotherFromItself) {
  ClientIndex index;
  ClientIndex other;
  index.place(kHostA, kCard);
  index.add(claimed(1, {{"pcp", kHostA}}));
  EXPECT_FALSE(index.agrees_with(other));
  EXPECT_FALSE(other.agrees_with(index));
  other.add(claimed(1, {{"upnp", kHostA}}));
  EXPECT_TRUE(index.agrees_with(other));
  other.add(claimed(2, {{"upnp", kHostB}}));
  EXPECT_FALSE(index.agrees_with(other)) << "one that leads to a host is one of that host, too";
}

}  // namespace
}  // namespace postern
