#include "core/expiry_queue.h"

#include <gtest/gtest.h>

namespace postern {
namespace {

using Entry = std::pair<Moment, MappingId>;

[[nodiscard]] Moment at(int second) {
  return Moment(Seconds(second));
}

TEST(ExpiryQueue, TellsTheFirstMoment) {
  ExpiryQueue queue;
  EXPECT_FALSE(queue.first());
  queue.add(at(20), 1);
  queue.add(at(10), 2);
  EXPECT_EQ(queue.first(), at(10));
}

TEST(ExpiryQueue, GivesWhatHasComeInOrder) {
  ExpiryQueue queue;
  queue.add(at(20), 1);
  queue.add(at(10), 2);
  queue.add(at(30), 3);
  EXPECT_FALSE(queue.take(at(9)));
  EXPECT_EQ(queue.take(at(20)), (Entry{at(10), 2}));
  EXPECT_EQ(queue.take(at(20)), (Entry{at(20), 1}));
  EXPECT_FALSE(queue.take(at(20)));
  EXPECT_EQ(queue.size(), 1U);
}

TEST(ExpiryQueue, ForgetsAll) {
  ExpiryQueue queue;
  queue.add(at(20), 1);
  queue.clear();
  EXPECT_FALSE(queue.first());
  EXPECT_FALSE(queue.take(at(100)));
}

}  // namespace
}  // namespace postern
