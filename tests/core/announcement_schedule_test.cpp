#include "core/announcement_schedule.h"

#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/home.h"

namespace postern {
namespace {

using test::kStart;

/// Runs the schedule at its own deadlines; the moments of the copies, counted from kStart.
std::vector<int> run(AnnouncementSchedule& schedule) {
  std::vector<int> copies;
  while (const auto due = schedule.next()) {
    EXPECT_FALSE(schedule.take_due(*due - Milliseconds(1)));
    EXPECT_TRUE(schedule.take_due(*due));
    copies.push_back(static_cast<int>((*due - kStart).count()));
    if (copies.size() > 20) break;
  }
  return copies;
}

TEST(AnnouncementSchedule, IsSilentUntilStarted) {
  AnnouncementSchedule schedule;
  EXPECT_FALSE(schedule.next());
  EXPECT_FALSE(schedule.take_due(kStart));
}

// NPMP-82
TEST(AnnouncementSchedule, SendsTenCopiesWithDoublingGaps) {
  AnnouncementSchedule schedule;
  schedule.start(kStart);
  EXPECT_THAT(run(schedule),
              testing::ElementsAre(0, 250, 750, 1750, 3750, 7750, 15750, 31750, 63750, 127750));
  EXPECT_FALSE(schedule.take_due(kStart + Seconds(1000)));
}

// NPMP-82
TEST(AnnouncementSchedule, SendsEachCopyOnce) {
  AnnouncementSchedule schedule;
  schedule.start(kStart);
  EXPECT_TRUE(schedule.take_due(kStart));
  EXPECT_FALSE(schedule.take_due(kStart));
}

// NPMP-85
TEST(AnnouncementSchedule, BeginsANewSeriesInTheMiddleOfOne) {
  AnnouncementSchedule schedule;
  schedule.start(kStart);
  EXPECT_TRUE(schedule.take_due(kStart));
  EXPECT_TRUE(schedule.take_due(kStart + Milliseconds(250)));
  schedule.start(kStart + Milliseconds(600));
  EXPECT_THAT(run(schedule),
              testing::ElementsAre(600, 850, 1350, 2350, 4350, 8350, 16350, 32350, 64350, 128350));
}

// NPMP-85
TEST(AnnouncementSchedule, BeginsNoTwoSeriesWithinAQuarterSecond) {
  AnnouncementSchedule schedule;
  schedule.start(kStart);
  EXPECT_TRUE(schedule.take_due(kStart));
  int copies = 0;
  for (int ms = 1; ms <= 1000; ++ms) {
    schedule.start(kStart + Milliseconds(ms));  // A WAN that flaps every millisecond.
    copies += schedule.take_due(kStart + Milliseconds(ms)) ? 1 : 0;
  }
  EXPECT_EQ(copies, 4);
}

// NPMP-85
TEST(AnnouncementSchedule, StartedTwiceAtOnceIsOneSeries) {
  AnnouncementSchedule schedule;
  schedule.start(kStart);
  schedule.start(kStart);
  EXPECT_EQ(run(schedule).size(), 10U);
}

// NPMP-87
TEST(AnnouncementSchedule, StopsAtOnce) {
  AnnouncementSchedule schedule;
  schedule.start(kStart);
  EXPECT_TRUE(schedule.take_due(kStart));
  schedule.stop();
  EXPECT_FALSE(schedule.next());
  EXPECT_FALSE(schedule.take_due(kStart + Seconds(10)));
}

TEST(AnnouncementSchedule, StartedAfterAStopSendsTenAgain) {
  AnnouncementSchedule schedule;
  schedule.start(kStart);
  EXPECT_TRUE(schedule.take_due(kStart));
  schedule.stop();
  schedule.start(kStart + Seconds(5));
  const auto copies = run(schedule);
  ASSERT_EQ(copies.size(), 10U);
  EXPECT_EQ(copies.front(), 5000);
}

// A laptop that slept must not send a burst when it wakes.
TEST(AnnouncementSchedule, SendsOneCopyAfterALongSleep) {
  AnnouncementSchedule schedule;
  schedule.start(kStart);
  EXPECT_TRUE(schedule.take_due(kStart));
  const Moment awake = kStart + Seconds(3600);
  EXPECT_TRUE(schedule.take_due(awake));
  EXPECT_FALSE(schedule.take_due(awake));
  ASSERT_TRUE(schedule.next());
  EXPECT_GE(*schedule.next(), awake + Milliseconds(250));
}

// A turn that is a few milliseconds late does not push the whole series back.
TEST(AnnouncementSchedule, KeepsItsMomentsWhenServedALittleLate) {
  AnnouncementSchedule schedule;
  schedule.start(kStart);
  EXPECT_TRUE(schedule.take_due(kStart + Milliseconds(3)));
  EXPECT_EQ(schedule.next(), kStart + Milliseconds(250));
  EXPECT_TRUE(schedule.take_due(kStart + Milliseconds(251)));
  EXPECT_EQ(schedule.next(), kStart + Milliseconds(750));
}

}  // namespace
}  // namespace postern
