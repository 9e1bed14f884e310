#include "core/epoch.h"

#include <gtest/gtest.h>

#include "tests/support/home.h"

namespace postern {
namespace {

using test::kStart;

// NPMP-76
TEST(Epoch, BeginsAtZeroAndCountsWholeSeconds) {
  const Epoch epoch(kStart);
  EXPECT_EQ(epoch.seconds(kStart), 0U);
  EXPECT_EQ(epoch.seconds(kStart + Milliseconds(999)), 0U);
  EXPECT_EQ(epoch.seconds(kStart + Milliseconds(1000)), 1U);
  EXPECT_EQ(epoch.seconds(kStart + Seconds(86400)), 86400U);
}

// NPMP-76, 78
TEST(Epoch, BeginsAgainWhenRestarted) {
  Epoch epoch(kStart);
  epoch.restart(kStart + Seconds(100));
  EXPECT_EQ(epoch.seconds(kStart + Seconds(100)), 0U);
  EXPECT_EQ(epoch.seconds(kStart + Seconds(103)), 3U);
}

// NPMP-76
TEST(Epoch, WrapsAfterThirtyTwoBits) {
  const Epoch epoch(kStart);
  EXPECT_EQ(epoch.seconds(kStart + Seconds(0xffffffffLL)), 0xffffffffU);
  EXPECT_EQ(epoch.seconds(kStart + Seconds(0x100000000LL)), 0U);
  EXPECT_EQ(epoch.seconds(kStart + Seconds(0x100000005LL)), 5U);
}

}  // namespace
}  // namespace postern
