#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/gateway.h"
#include "tests/support/gateway_fixture.h"
#include "tests/support/natpmp_client.h"
#include "tests/support/pcp_client.h"

// What becomes of those who ask too fast.
namespace postern {
namespace {

using namespace test;

[[nodiscard]] GatewayOptions ten_a_second() {
  GatewayOptions options;
  options.requests_per_second = 10;
  return options;
}

class GatewayLimitsTest : public testing::Test {
 protected:
  GatewayLimitsTest() { (void)house_.start(); }
  ~GatewayLimitsTest() override { EXPECT_TRUE(house_.is_consistent()); }

  [[nodiscard]] std::uint64_t too_fast() const {
    const auto& dropped = house_.gateway.counters().dropped;
    const auto found = dropped.find("too_fast");
    return found == dropped.end() ? 0 : found->second;
  }
  /// How many of `count` such requests in one turn are answered.
  std::size_t answered(const Address& client, const Octets& payload, std::size_t count) {
    return house_.send_all(std::vector(count, from(client, payload))).send.size();
  }

  House house_{ten_a_second(), Serves::both};
};

TEST_F(GatewayLimitsTest, AnswersTheBurstAndThenTheRate) {  // NPMP-91, PCP-014, PCP-246
  const auto payload = address_request();
  EXPECT_EQ(answered(kHostA, payload, 100), 20U);
  EXPECT_EQ(too_fast(), 80U);
  EXPECT_EQ(answered(kHostB, payload, 10), 10U) << "others are not kept waiting";
  house_.now += Seconds(1);
  EXPECT_EQ(answered(kHostA, payload, 100), 10U);
}

TEST_F(GatewayLimitsTest, CountsAllProtocolsTogether) {  // PCP-246
  EXPECT_EQ(answered(kHostA, address_request(), 15), 15U);
  EXPECT_EQ(answered(kHostA, pcp::emit(map_of({})), 15), 5U);
}

TEST_F(GatewayLimitsTest, LooksAtNothingOfWhatComesTooFast) {  // NPMP-91
  EXPECT_EQ(answered(kHostA, address_request(), 20), 20U);
  const auto before = house_.gateway.counters().requests;
  EXPECT_TRUE(house_.ask(kHostA, map_request(Protocol::udp, 4000, 4000, 60)).empty());
  EXPECT_EQ(house_.mappings(), 0U);
  EXPECT_EQ(house_.gateway.counters().requests, before);
}

// Each probe is one more datagram: whoever tries ports one by one gets on at his rate.
TEST_F(GatewayLimitsTest, SlowsProbingWithPreferFailure) {  // PCP-147
  std::size_t replies = 0;
  for (int i = 0; i < 1000; ++i) {
    house_.now += Milliseconds(1);
    const auto port = static_cast<std::uint16_t>(40'000 + i);
    const auto probe = map_of({.suggested_port = port, .options = {pcp::PreferFailure{}}});
    replies += house_.ask(kHostA, pcp::emit(probe)).empty() ? 0 : 1;
  }
  EXPECT_EQ(replies, 20U + 9U) << "the burst, and ten a second";
}

TEST_F(GatewayLimitsTest, StrangersTakeNoPlaceInTheBook) {
  const Address stranger = Address::v4({198, 51, 100, 1});
  EXPECT_EQ(answered(stranger, address_request(), 100), 0U);
  EXPECT_EQ(too_fast(), 0U);
}

TEST(GatewayWithoutLimits, AnswersAll) {
  House house;
  (void)house.start();
  const auto payload = address_request();
  EXPECT_EQ(house.send_all(std::vector(5000, from(kHostA, payload))).send.size(), 5000U);
}

TEST_F(GatewayLimitsTest, FollowsAnotherRateAtOnce) {
  EXPECT_EQ(answered(kHostA, address_request(), 100), 20U);
  const auto commits = house_.gateway.counters().commits;
  const auto turn = house_.gateway.set_requests_per_second(50, house_.now);
  EXPECT_THAT(turn.backend_errors, testing::IsEmpty());
  EXPECT_EQ(house_.gateway.counters().commits, commits + 1);
  EXPECT_EQ(house_.backend->pace(), 50U);
  EXPECT_EQ(answered(kHostB, address_request(), 200), 100U);
}

TEST_F(GatewayLimitsTest, ARateThatTheFirewallRefusesIsTriedAgain) {
  house_.backend->fail_next(1);
  const auto turn = house_.gateway.set_requests_per_second(50, house_.now);
  EXPECT_THAT(turn.backend_errors, testing::SizeIs(1));
  EXPECT_EQ(house_.backend->pace(), 0U);
  (void)house_.pass(Seconds(2));
  EXPECT_EQ(house_.backend->pace(), 50U);
}

}  // namespace
}  // namespace postern
