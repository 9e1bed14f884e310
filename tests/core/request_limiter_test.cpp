#include "core/request_limiter.h"

#include <cstdint>

#include <gtest/gtest.h>

namespace postern {
namespace {

const Address kClient = Address::v4({192, 168, 1, 10});
const Address kOther = Address::v4({192, 168, 1, 11});
constexpr std::uint32_t kLan = 3;
constexpr Moment kStart{Seconds(1000)};

/// How many of `count` requests at once are admitted.
[[nodiscard]] int admitted(RequestLimiter& limiter, const Address& client, Moment now, int count,
                           std::uint32_t lan = kLan) {
  int sum = 0;
  for (int i = 0; i < count; ++i) sum += limiter.admit(lan, client, now) ? 1 : 0;
  return sum;
}

[[nodiscard]] Address forged(std::uint32_t number) {
  return Address::v4(0x0a000000 + number);
}

/// Fills the book with clients that have used up what they had.
void fill(RequestLimiter& limiter, Moment now) {
  for (std::uint32_t i = 0; i < RequestLimiter::kMostClients; ++i) {
    ASSERT_EQ(admitted(limiter, forged(i), now, 21), 20);
  }
}

TEST(RequestLimiter, AdmitsABurstOfTwoSecondsAndThenTheRate) {  // NPMP-91, PCP-246
  RequestLimiter limiter(200);
  EXPECT_EQ(admitted(limiter, kClient, kStart, 1000), 400);
  EXPECT_EQ(admitted(limiter, kClient, kStart + Milliseconds(4), 10), 0);
  EXPECT_EQ(admitted(limiter, kClient, kStart + Milliseconds(5), 10), 1);
  EXPECT_EQ(admitted(limiter, kClient, kStart + Milliseconds(1005), 1000), 200);
  // However long it was quiet, there is no more than the burst.
  EXPECT_EQ(admitted(limiter, kClient, kStart + Seconds(86400), 1000), 400);
}

TEST(RequestLimiter, TakesNothingFromOthers) {  // NPMP-91, PCP-246
  RequestLimiter limiter(200);
  EXPECT_EQ(admitted(limiter, kClient, kStart, 1000), 400);
  EXPECT_EQ(admitted(limiter, kOther, kStart, 1000), 400);
  EXPECT_EQ(admitted(limiter, kClient, kStart, 1000, kLan + 1), 400) << "another link";
}

TEST(RequestLimiter, RefusedRequestsCostNothing) {
  RequestLimiter limiter(200);
  // A client that asks too fast all the time gets the rate, not silence for good.
  int sum = 0;
  for (int i = 0; i < 10'000; ++i) sum += admitted(limiter, kClient, kStart + Milliseconds(i), 10);
  EXPECT_EQ(sum, 400 + 1999);
}

TEST(RequestLimiter, ZeroIsNoLimit) {
  RequestLimiter limiter(0);
  EXPECT_EQ(admitted(limiter, kClient, kStart, 100'000), 100'000);
}

TEST(RequestLimiter, KnowsHighRates) {
  RequestLimiter limiter(1'000'000);
  EXPECT_EQ(admitted(limiter, kClient, kStart, 3'000'000), 2'000'000);
  EXPECT_EQ(admitted(limiter, kClient, kStart + Milliseconds(1), 3'000), 1'000);
}

TEST(RequestLimiter, ManyAddressesDoNotRenewABucket) {
  RequestLimiter limiter(10);
  EXPECT_EQ(admitted(limiter, kClient, kStart, 100), 20);
  fill(limiter, kStart + Milliseconds(1));
  EXPECT_EQ(admitted(limiter, kClient, kStart + Milliseconds(2), 100), 0);
  EXPECT_EQ(admitted(limiter, forged(7), kStart + Milliseconds(2), 100), 0);
}

TEST(RequestLimiter, WhoFindsNoPlaceSharesOne) {
  RequestLimiter limiter(10);
  fill(limiter, kStart);
  EXPECT_EQ(admitted(limiter, kClient, kStart, 15), 15);
  EXPECT_EQ(admitted(limiter, kOther, kStart, 15), 5);
  // Two seconds later all places are free again, and nobody keeps the debts of the crowd.
  EXPECT_EQ(admitted(limiter, kOther, kStart + Seconds(2), 100), 20);
  EXPECT_EQ(admitted(limiter, kClient, kStart + Seconds(2), 100), 20);
}

TEST(RequestLimiter, AnotherRateHoldsForThoseWhoWereCounted) {
  RequestLimiter limiter(10);
  EXPECT_EQ(admitted(limiter, kClient, kStart, 100), 20);
  limiter.set_rate(50);
  EXPECT_EQ(admitted(limiter, kClient, kStart, 100), 0) << "nobody gets a second burst";
  EXPECT_EQ(admitted(limiter, kOther, kStart, 200), 100);
  EXPECT_EQ(admitted(limiter, kClient, kStart + Seconds(1), 100), 50);
  limiter.set_rate(5);
  EXPECT_EQ(admitted(limiter, kOther, kStart + Seconds(60), 100), 10);
  limiter.set_rate(0);
  EXPECT_EQ(admitted(limiter, kOther, kStart + Seconds(60), 1000), 1000);
  limiter.set_rate(10);
  EXPECT_EQ(admitted(limiter, kOther, kStart + Seconds(60), 1000), 20);
}

}  // namespace
}  // namespace postern
