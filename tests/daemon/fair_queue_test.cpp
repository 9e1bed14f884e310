#include "daemon/fair_queue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;
using Slot = FairQueue::Slot;

const Address kA = Address::v4(1);
const Address kB = Address::v4(2);
const Address kC = Address::v4(3);

TEST(FairQueue, KeepsTheOrderOfOneSource) {
  FairQueue queue(10);
  for (Slot slot = 0; slot < 5; ++slot) EXPECT_EQ(queue.push(kA, slot), std::nullopt);
  EXPECT_THAT(queue.take(3), ElementsAre(0, 1, 2));
  EXPECT_THAT(queue.take(3), ElementsAre(3, 4));
  EXPECT_TRUE(queue.empty());
  EXPECT_THAT(queue.take(3), IsEmpty());
}

TEST(FairQueue, GivesEachSourceItsShareOfATurn) {
  FairQueue queue(100);
  for (Slot slot = 0; slot < 50; ++slot) EXPECT_EQ(queue.push(kA, slot), std::nullopt);
  EXPECT_EQ(queue.push(kB, 50), std::nullopt);
  EXPECT_EQ(queue.push(kC, 51), std::nullopt);
  EXPECT_EQ(queue.push(kC, 52), std::nullopt);
  EXPECT_THAT(queue.take(6), UnorderedElementsAre(0, 1, 2, 50, 51, 52));
}

TEST(FairQueue, GoesOnWhereTheLastTurnEnded) {
  FairQueue queue(100);
  for (const auto& source : {kA, kB, kC}) {
    for (Slot slot = 0; slot < 10; ++slot) EXPECT_EQ(queue.push(source, slot), std::nullopt);
  }
  // Turns of two: each of the three has had two turns after three of them.
  EXPECT_THAT(queue.take(2), ElementsAre(0, 0));
  EXPECT_THAT(queue.take(2), UnorderedElementsAre(0, 1));
  EXPECT_THAT(queue.take(2), ElementsAre(1, 1));
}

TEST(FairQueue, ThrowsAwayTheNewestOfWhoHasMost) {
  FairQueue queue(4);
  for (Slot slot = 0; slot < 4; ++slot) EXPECT_EQ(queue.push(kA, slot), std::nullopt);
  EXPECT_EQ(queue.push(kB, 4), Slot{3});
  EXPECT_EQ(queue.push(kA, 5), Slot{5});
  EXPECT_EQ(queue.push(kC, 6), Slot{2});
  EXPECT_THAT(queue.take(10), UnorderedElementsAre(0, 1, 4, 6));
}

TEST(FairQueue, NeverHoldsMore) {
  FairQueue queue(8);
  std::size_t thrown = 0;
  for (Slot slot = 0; slot < 1000; ++slot) {
    thrown += queue.push(Address::v4(slot), slot) ? 1 : 0;
  }
  EXPECT_EQ(thrown, 992U);
  EXPECT_EQ(queue.take(1000).size(), 8U);
}

}  // namespace
}  // namespace postern
