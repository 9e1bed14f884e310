#include "protocols/upnp/ssdp_answers.h"

#include <algorithm>
#include <deque>

#include <gtest/gtest.h>

#include "tests/upnp/ssdp_fixture.h"

namespace postern::upnp {
namespace {

using namespace test;

/// Ethernet, IPv6 and UDP headers count as well.
constexpr std::size_t kHeaders = 62;

class SsdpAnswersTest : public testing::Test {
 protected:
  /// So many answers of that size; the source's port tells them apart.
  [[nodiscard]] static std::vector<OutgoingDatagram> some(std::size_t count, std::size_t size) {
    std::vector<OutgoingDatagram> answers;
    for (std::size_t i = 0; i < count; ++i) {
      answers.push_back(
          {kLanIndex, {kGateway, static_cast<std::uint16_t>(i)}, {kHostA, 4}, Octets(size)});
    }
    return answers;
  }
  /// All that leaves until `end`, each at its moment.
  std::vector<Sent> run(Moment end) {
    std::vector<Sent> all;
    while (const auto next = answers_.next()) {
      if (*next > end) break;
      EXPECT_GE(*next, now_ - Seconds(1));
      now_ = std::max(now_, *next);
      for (auto& datagram : answers_.take_due(now_)) all.push_back({now_, std::move(datagram)});
    }
    now_ = end;
    return all;
  }

  Random random_{7};
  SsdpAnswers answers_{random_};
  Moment now_ = kStart;
};

TEST_F(SsdpAnswersTest, SendsAtOnceWhatNeedNotWait) {
  EXPECT_FALSE(answers_.next());
  ASSERT_TRUE(answers_.add(some(3, 100), Milliseconds(0), now_));
  EXPECT_EQ(answers_.next(), now_);
  const auto due = answers_.take_due(now_);
  ASSERT_EQ(due.size(), 3U);
  EXPECT_EQ(due[0].source.port, 0);
  EXPECT_EQ(due[2].source.port, 2);
  EXPECT_EQ(due[0].payload.size(), 100U);
  EXPECT_FALSE(answers_.next());
}

// SSDP-34
TEST_F(SsdpAnswersTest, SpreadsThemOverTheirTimeInOrder) {
  ASSERT_TRUE(answers_.add(some(20, 100), Milliseconds(200), now_));
  EXPECT_TRUE(answers_.take_due(now_ - Milliseconds(1)).empty());
  const auto sent = run(now_ + Seconds(1));
  ASSERT_EQ(sent.size(), 20U);
  for (std::size_t i = 0; i < sent.size(); ++i) {
    EXPECT_EQ(sent[i].datagram.source.port, i);
    EXPECT_GE(sent[i].when, kStart + i * Milliseconds(10));
    EXPECT_LE(sent[i].when, kStart + (i + 1) * Milliseconds(10));
  }
}

// SSDP-34
TEST_F(SsdpAnswersTest, WaitsForARandomTime) {
  Milliseconds shortest{1000}, longest{0};
  for (int i = 0; i < 200; ++i) {
    ASSERT_TRUE(answers_.add(some(1, 100), Milliseconds(100), now_));
    const auto wait = *answers_.next() - now_;
    shortest = std::min(shortest, wait);
    longest = std::max(longest, wait);
    answers_.clear();
  }
  EXPECT_LE(shortest, Milliseconds(5));
  EXPECT_GE(longest, Milliseconds(95));
  EXPECT_LE(longest, Milliseconds(100));
}

TEST_F(SsdpAnswersTest, TakesAllAnswersToASearchOrNone) {
  for (std::size_t i = 0; i < SsdpAnswers::kMostWaiting - 1; i += 3) {
    ASSERT_TRUE(answers_.add(some(3, 10), Milliseconds(100), now_));
  }
  EXPECT_FALSE(answers_.add(some(2, 10), Milliseconds(100), now_));
  EXPECT_TRUE(answers_.add(some(1, 10), Milliseconds(100), now_));
  EXPECT_FALSE(answers_.add(some(1, 10), Milliseconds(100), now_));
  EXPECT_EQ(run(now_ + Seconds(5)).size(), SsdpAnswers::kMostWaiting);
  EXPECT_TRUE(answers_.add(some(1, 10), Milliseconds(100), now_));
}

TEST_F(SsdpAnswersTest, LargeSetsLeaveRoomForSmallOnes) {  // SEC-03
  int sets = 0;
  while (answers_.add(some(23, 430), Milliseconds(200), now_)) ++sets;
  EXPECT_EQ(sets, 5);
  EXPECT_TRUE(answers_.add(some(3, 430), Milliseconds(100), now_));
  // And nothing is dropped for being late.
  EXPECT_EQ(run(now_ + Seconds(5)).size(), 5U * 23 + 3);
}

// SEC-03: a flood of searches, for ten seconds.
TEST_F(SsdpAnswersTest, NeverSendsMoreThanAHundredKilobytesInASecond) {
  std::deque<Sent> last_second;
  std::size_t octets = 0, most = 0, all = 0;
  const Moment end = now_ + Seconds(10);
  while (now_ < end) {
    while (answers_.add(some(23, 430), Milliseconds(200), now_)) {
    }
    for (auto& one : run(now_ + Milliseconds(10))) {
      octets += one.datagram.payload.size() + kHeaders;
      all += one.datagram.payload.size() + kHeaders;
      last_second.push_back(std::move(one));
      while (last_second.front().when + Seconds(1) <= last_second.back().when) {
        octets -= last_second.front().datagram.payload.size() + kHeaders;
        last_second.pop_front();
      }
      most = std::max(most, octets);
    }
  }
  EXPECT_LE(most, 100000U);
  EXPECT_GE(all, 790000U);
}

TEST_F(SsdpAnswersTest, DropsWhatComesTooLate) {
  ASSERT_TRUE(answers_.add(some(5, 100), Milliseconds(0), now_));
  now_ += Milliseconds(999);
  ASSERT_EQ(answers_.take_due(now_).size(), 5U);
  ASSERT_TRUE(answers_.add(some(5, 100), Milliseconds(0), now_));
  now_ += Milliseconds(1000);
  EXPECT_TRUE(answers_.take_due(now_).empty());
  EXPECT_FALSE(answers_.next());
}

TEST_F(SsdpAnswersTest, ForgetsThemWhenTold) {
  ASSERT_TRUE(answers_.add(some(5, 100), Milliseconds(100), now_));
  answers_.clear();
  EXPECT_FALSE(answers_.next());
  EXPECT_TRUE(answers_.take_due(now_ + Milliseconds(100)).empty());
}

}  // namespace
}  // namespace postern::upnp
