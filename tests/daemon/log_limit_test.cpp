#include <gtest/gtest.h>

#include "daemon/log.h"

namespace postern {
namespace {

[[nodiscard]] int allowed_of(LogLimit& limit, int lines, Moment now) {
  int allowed = 0;
  for (int i = 0; i < lines; ++i) allowed += limit.allows(now) ? 1 : 0;
  return allowed;
}

// NPMP-92
TEST(LogLimit, ABurstPassesAndAFloodDoesNot) {
  LogLimit limit;
  const Moment start{Seconds(1000)};
  EXPECT_EQ(allowed_of(limit, 5000, start), 100);
  EXPECT_EQ(limit.take_left_out(), 4900U);
  EXPECT_EQ(limit.take_left_out(), 0U);
}

TEST(LogLimit, TenASecondComeBack) {
  LogLimit limit;
  const Moment start{Seconds(1000)};
  (void)allowed_of(limit, 1000, start);
  EXPECT_EQ(allowed_of(limit, 1000, start + Milliseconds(999)), 0);
  EXPECT_EQ(allowed_of(limit, 1000, start + Seconds(3)), 30);
  EXPECT_EQ(allowed_of(limit, 1000, start + Seconds(3000)), 100);
}

}  // namespace
}  // namespace postern
