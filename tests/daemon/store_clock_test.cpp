#include "daemon/store_clock.h"

#include <limits>

#include <gtest/gtest.h>

namespace postern {
namespace {

constexpr std::int64_t kWall = 1'790'000'000'000;
constexpr std::int64_t kDay = 86'400'000;
const ClockReading kThen{Moment(Seconds(5000)), kWall};

TEST(StoreClock, InTheSameBootTheWallClockDoesNotMatter) {  // NPMP-77
  for (const std::int64_t wall : {std::int64_t{0}, kWall - kDay, kWall, kWall + 9000 * kDay,
                                  std::numeric_limits<std::int64_t>::max()}) {
    const auto shift = clock_shift("a", kThen, "a", {Moment(Seconds(5001)), wall});
    EXPECT_EQ(shift.added, Milliseconds(0)) << wall;
    EXPECT_TRUE(shift.is_same_boot);
    EXPECT_FALSE(shift.is_elapsed_unknown);
  }
}

TEST(StoreClock, InAnotherBootItTellsHowLongTheMachineWasOff) {
  // Written at 5,000 s; an hour later the new boot is 20 s old.
  const auto shift = clock_shift("a", kThen, "b", {Moment(Seconds(20)), kWall + 3'600'000});
  EXPECT_FALSE(shift.is_same_boot);
  EXPECT_FALSE(shift.is_elapsed_unknown);
  EXPECT_EQ(kThen.moment + shift.added, Moment(Seconds(20 - 3600)));
}

TEST(StoreClock, AWallClockThatCannotBeRightCountsNoTime) {
  const auto is_unknown = [](std::int64_t then, std::int64_t now) {
    const auto shift = clock_shift("a", {kThen.moment, then}, "b", {Moment(Seconds(20)), now});
    if (shift.is_elapsed_unknown) {
      EXPECT_EQ(kThen.moment + shift.added, Moment(Seconds(20)));
    }
    return shift.is_elapsed_unknown;
  };
  EXPECT_FALSE(is_unknown(kWall, kWall));
  EXPECT_TRUE(is_unknown(kWall, kWall - 1)) << "it went back";
  EXPECT_TRUE(is_unknown(kWall, 0)) << "it has no battery";
  EXPECT_TRUE(is_unknown(1000, 2000)) << "nor had it one then";
  EXPECT_TRUE(is_unknown(1000, kWall)) << "it had none then";
  EXPECT_FALSE(is_unknown(kWall, kWall + 366 * kDay));
  EXPECT_TRUE(is_unknown(kWall, kWall + 366 * kDay + 1)) << "longer than the longest lease";
  EXPECT_TRUE(is_unknown(kWall, std::numeric_limits<std::int64_t>::max()));
}

TEST(StoreClock, AnUnknownBootIsAnotherOne) {
  EXPECT_FALSE(clock_shift("", kThen, "", {kThen.moment, kWall}).is_same_boot);
}

TEST(StoreClock, ABootClockThatWentBackIsOfAnotherBoot) {
  const auto shift = clock_shift("a", kThen, "a", {Moment(Seconds(4999)), kWall});
  EXPECT_FALSE(shift.is_same_boot);
  EXPECT_EQ(kThen.moment + shift.added, Moment(Seconds(4999)));
}

TEST(StoreClock, ReadsThisMachine) {
  const auto one = read_clocks();
  const auto other = read_clocks();
  EXPECT_GT(one.moment, Moment{});
  EXPECT_GE(other.moment, one.moment);
  EXPECT_EQ(read_boot_id().size(), 36U);
  EXPECT_EQ(read_boot_id(), read_boot_id());
}

}  // namespace
}  // namespace postern
