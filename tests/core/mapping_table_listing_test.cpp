#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/core/igd_table.h"

// The list of port mappings, and who hears that it changed.
namespace postern {
namespace {

using namespace test;

class MappingTableListingTest : public IgdTable {};

TEST_F(MappingTableListingTest, MappingsAreListedInTheOrderOfTheirCreation) {
  const MappingId first = ask(igd(40003)).id;
  EXPECT_EQ(changes_, std::vector{ListChange::count});
  const MappingId second = ask(igd(40001, 8080, kHostB)).id;
  const MappingId third = ask(wish(kHostA, Protocol::udp, 7070)).id;
  ASSERT_EQ(table_.listed_count(), 3U);
  EXPECT_EQ(table_.listed(0)->id, first);
  EXPECT_EQ(table_.listed(1)->id, second);
  EXPECT_EQ(table_.listed(2)->id, third);
  EXPECT_FALSE(table_.listed(3));
  EXPECT_THAT(table_.listed_of(kHostA), testing::ElementsAre(first, third));
  EXPECT_THAT(table_.listed_of(kHostB), testing::ElementsAre(second));
  EXPECT_TRUE(table_.listed_of(kHostC).empty());

  (void)ask(igd(40003), kStart + Seconds(1));
  EXPECT_EQ(changes_, std::vector{ListChange::lease});
  EXPECT_EQ(table_.listed(0)->id, first) << "renewed, it stays where it is";
  ASSERT_TRUE(table_.release(second, {kUpnp, kHostB}));
  EXPECT_EQ(table_.listed(1)->id, third) << "at once";
  table_.roll_back();
  EXPECT_EQ(table_.listed(1)->id, second);
}

TEST_F(MappingTableListingTest, WhatIsThereForRemotePeersAloneIsNotListed) {
  const MappingId id = ask(peer()).id;
  EXPECT_EQ(changes_, std::vector{ListChange::none});
  (void)ask(igd(40002, 9090));
  EXPECT_EQ(table_.listed_count(), 1U);
  EXPECT_THAT(table_.listed_of(kHostA), testing::ElementsAre(on(40002)->id));
  (void)ask(igd(40001));
  EXPECT_EQ(changes_, std::vector{ListChange::count});
  EXPECT_EQ(table_.listed(0)->id, id) << "it was created first";
  ASSERT_TRUE(table_.release(id, kUpnpA));
  accept();
  EXPECT_EQ(changes_, std::vector{ListChange::count});
  EXPECT_EQ(table_.listed_count(), 1U);
}

TEST_F(MappingTableListingTest, TheListForgetsWhatIsLongGone) {
  const MappingId first = ask(igd(40001)).id;
  for (int i = 0; i < 5000; ++i) {
    const MappingId id = ask(igd(40002)).id;
    ASSERT_TRUE(table_.release(id, kUpnpA));
    accept();
  }
  const MappingId last = ask(igd(40003)).id;
  ASSERT_EQ(table_.listed_count(), 2U);
  EXPECT_EQ(table_.listed(0)->id, first);
  EXPECT_EQ(table_.listed(1)->id, last);
}

TEST_F(MappingTableListingTest, TheListTellsOfNewWords) {
  auto request = igd(40001);
  request.description = "game";
  (void)ask(request);
  request.description = "other game";
  (void)ask(request);
  EXPECT_EQ(changes_, std::vector{ListChange::entry});
  request.filters = RemoteFilters{{*Prefix::parse("192.0.2.1")}};
  (void)ask(request);
  EXPECT_EQ(changes_, std::vector{ListChange::entry});
}

}  // namespace
}  // namespace postern
