#include "protocols/upnp/event_delivery.h"

#include <gtest/gtest.h>

#include "tests/support/home.h"

namespace postern::upnp {
namespace {

using postern::test::kStart;
using enum CalloutOutcome;

[[nodiscard]] Variables set_of(std::initializer_list<std::size_t> bits) {
  Variables variables;
  for (const auto bit : bits) variables.set(bit);
  return variables;
}

const Variables kAll = set_of({1, 2, 3});

class DeliveryTest : public testing::Test {
 protected:
  /// Lets time pass until the next attempt, and begins that.
  Delivery::Attempt attempt() {
    const auto at = delivery_.next_attempt();
    if (!at) {
      ADD_FAILURE() << "nothing to do";
      return {};
    }
    now_ = std::max(now_, *at);
    return delivery_.begin(now_);
  }
  void done(CalloutOutcome outcome) { delivery_.on_done(outcome, now_); }
  /// How long until the next attempt.
  [[nodiscard]] Milliseconds pause() const {
    const auto at = delivery_.next_attempt();
    return at ? std::max(*at - now_, Milliseconds(0)) : Milliseconds(-1);
  }
  void deliver_first() {
    EXPECT_EQ(attempt().seq, 0U);
    done(answered);
    now_ += Seconds(1);
  }
  void fail_round(CalloutOutcome outcome = unreachable) {
    (void)attempt();
    done(outcome);
  }

  Moment now_ = kStart;
  Delivery delivery_{kAll, 1};
};

// GENA-07
TEST_F(DeliveryTest, BeginsWithEverythingAtOnce) {
  EXPECT_EQ(pause(), Milliseconds(0));
  const auto first = attempt();
  EXPECT_EQ(first.seq, 0U);
  EXPECT_EQ(first.variables, kAll);
  EXPECT_EQ(first.url, 0U);
  done(answered);
  EXPECT_FALSE(delivery_.next_attempt());
}

// GENA-09, 10
TEST_F(DeliveryTest, TellsWhatChanged) {
  deliver_first();
  delivery_.note_changed(set_of({1}));
  delivery_.note_changed(set_of({3}));
  EXPECT_EQ(pause(), Milliseconds(0));
  auto next = attempt();
  EXPECT_EQ(next.seq, 1U);
  EXPECT_EQ(next.variables, set_of({1, 3}));
  done(answered);
  delivery_.note_changed(set_of({2}));
  next = attempt();
  EXPECT_EQ(next.seq, 2U);
  EXPECT_EQ(next.variables, set_of({2}));
}

// GENA-09
TEST(DeliverySeq, NeverComesBackToZero) {
  EXPECT_EQ(next_seq(0), 1U);
  EXPECT_EQ(next_seq(4294967294), 4294967295U);
  EXPECT_EQ(next_seq(4294967295), 1U);
}

// GENA-15
TEST_F(DeliveryTest, WaitsForTheMessageUnderWay) {
  (void)attempt();
  delivery_.note_changed(set_of({1}));
  now_ += Seconds(20);
  EXPECT_FALSE(delivery_.next_attempt());
  delivery_.note_changed(set_of({2}));
  done(answered);
  EXPECT_EQ(pause(), Milliseconds(0));
  const auto next = attempt();
  EXPECT_EQ(next.seq, 1U);
  EXPECT_EQ(next.variables, set_of({1, 2}));
}

// GENA-18
TEST_F(DeliveryTest, TellsAtMostFiveTimesASecond) {
  int count = 0;
  for (const auto end = now_ + Seconds(1); now_ < end; now_ += Milliseconds(1)) {
    delivery_.note_changed(set_of({1}));
    if (*delivery_.next_attempt() > now_) continue;
    (void)delivery_.begin(now_);
    done(answered);
    ++count;
  }
  EXPECT_EQ(count, 5);
  EXPECT_EQ(pause(), Milliseconds(0)) << "the last value was lost";
}

// GENA-11
TEST_F(DeliveryTest, TriesAgainAfterGrowingPauses) {
  deliver_first();
  delivery_.note_changed(set_of({2}));
  for (const auto after : {Milliseconds(1000), Milliseconds(5000)}) {
    EXPECT_EQ(attempt().seq, 1U);
    done(unanswered);
    EXPECT_EQ(pause(), after);
  }
  const auto last = attempt();
  EXPECT_EQ(last.seq, 1U);
  EXPECT_EQ(last.variables, set_of({2}));
  done(unanswered);
  EXPECT_FALSE(delivery_.next_attempt());
}

// GENA-11
TEST_F(DeliveryTest, TellsWhatWasGivenUpWithTheNextMessage) {
  deliver_first();
  delivery_.note_changed(set_of({2}));
  for (int i = 0; i < 3; ++i) fail_round(unanswered);
  now_ += Seconds(60);
  delivery_.note_changed(set_of({3}));
  EXPECT_EQ(pause(), Milliseconds(0));
  auto next = attempt();
  EXPECT_EQ(next.seq, 2U) << "SEQ goes on";
  EXPECT_EQ(next.variables, set_of({2, 3}));
  done(answered);
  delivery_.note_changed(set_of({1}));
  next = attempt();
  EXPECT_EQ(next.seq, 3U);
  EXPECT_EQ(next.variables, set_of({1}));
}

TEST_F(DeliveryTest, ReplacesAFailedMessageWhenMoreChanged) {
  deliver_first();
  delivery_.note_changed(set_of({2}));
  (void)attempt();
  delivery_.note_changed(set_of({1}));
  done(unanswered);
  delivery_.note_changed(set_of({3}));
  EXPECT_EQ(pause(), Milliseconds(1000)) << "a change does not shorten the pause";
  const auto next = attempt();
  EXPECT_EQ(next.seq, 2U);
  EXPECT_EQ(next.variables, kAll);
}

// GENA-07
TEST_F(DeliveryTest, KeepsTheFirstMessageTheFirst) {
  (void)attempt();
  delivery_.note_changed(set_of({1}));
  done(unreachable);
  const auto again = attempt();
  EXPECT_EQ(again.seq, 0U);
  EXPECT_EQ(again.variables, kAll);
  done(answered);
  EXPECT_FALSE(delivery_.next_attempt()) << "the change has been told";
}

TEST_F(DeliveryTest, TellsEverythingWhenTheFirstMessageWasGivenUp) {
  for (int i = 0; i < 3; ++i) fail_round();
  EXPECT_FALSE(delivery_.next_attempt());
  delivery_.note_changed(set_of({1}));
  const auto next = attempt();
  EXPECT_EQ(next.seq, 1U);
  EXPECT_EQ(next.variables, kAll);
}

// GENA-12
TEST_F(DeliveryTest, TriesTheUrlsInTheirOrder) {
  delivery_ = Delivery(kAll, 3);
  for (const std::size_t url : {0U, 1U, 2U}) {
    EXPECT_EQ(pause(), Milliseconds(0));
    const auto next = attempt();
    EXPECT_EQ(next.url, url);
    EXPECT_EQ(next.seq, 0U);
    done(url == 1 ? unanswered : unreachable);
  }
  EXPECT_EQ(pause(), Milliseconds(1000));
  EXPECT_EQ(attempt().url, 0U);
  done(unreachable);
  EXPECT_EQ(attempt().url, 1U);
  done(answered);
  now_ += Seconds(1);
  // The one that works is asked first from now on.
  delivery_.note_changed(set_of({1}));
  EXPECT_EQ(attempt().url, 1U);
  delivery_.note_changed(set_of({2}));
  done(unreachable);
  const auto next = attempt();
  EXPECT_EQ(next.url, 2U);
  EXPECT_EQ(next.variables, set_of({1})) << "the same message at another URL";
  EXPECT_EQ(next.seq, 1U);
  done(answered);
  EXPECT_EQ(attempt().variables, set_of({2}));
}

// GENA-11
TEST_F(DeliveryTest, FindsThatNobodyIsThere) {
  for (int i = 0; i < Delivery::kMostUnreachable; ++i) {
    EXPECT_FALSE(delivery_.is_unreachable());
    delivery_.note_changed(set_of({1}));
    fail_round();
  }
  EXPECT_TRUE(delivery_.is_unreachable());
}

// GENA-11
TEST_F(DeliveryTest, ForgetsFailuresOfWhoIsThereAgain) {
  for (int i = 1; i < Delivery::kMostUnreachable; ++i) {
    delivery_.note_changed(set_of({1}));
    fail_round();
  }
  delivery_.note_changed(set_of({1}));
  (void)attempt();
  done(answered);
  delivery_.note_changed(set_of({1}));
  fail_round();
  EXPECT_FALSE(delivery_.is_unreachable());
}

// GENA-11
TEST_F(DeliveryTest, KeepsWhoeverIsThereButSilent) {
  for (int i = 0; i < 20; ++i) {
    delivery_.note_changed(set_of({1}));
    fail_round(i % Delivery::kMostUnreachable == 0 ? unanswered : unreachable);
    EXPECT_FALSE(delivery_.is_unreachable());
  }
}

TEST_F(DeliveryTest, CountsOnlyRoundsInWhichNoUrlWasReached) {
  delivery_ = Delivery(kAll, 2);
  for (int i = 0; i < 20; ++i) {
    delivery_.note_changed(set_of({1}));
    fail_round(unanswered);
    fail_round(unreachable);
    EXPECT_FALSE(delivery_.is_unreachable());
  }
  // A URL that was reached before another one answered says nothing about later rounds.
  delivery_.note_changed(set_of({1}));
  fail_round(unanswered);
  fail_round(answered);
  for (int i = 0; i < Delivery::kMostUnreachable; ++i) {
    delivery_.note_changed(set_of({1}));
    fail_round();
    EXPECT_FALSE(delivery_.is_unreachable());
    fail_round();
  }
  EXPECT_TRUE(delivery_.is_unreachable());
}

// GENA-07
TEST_F(DeliveryTest, SendsTheFirstMessageEvenWhenStopped) {
  delivery_ = Delivery(kAll, 2);
  delivery_.stop();
  EXPECT_FALSE(delivery_.is_finished());
  EXPECT_EQ(attempt().variables, kAll);
  delivery_.note_changed(set_of({1}));
  done(unreachable);
  EXPECT_EQ(attempt().url, 1U);
  EXPECT_FALSE(delivery_.is_finished());
  done(unreachable);
  EXPECT_TRUE(delivery_.is_finished()) << "once round the URLs is enough";
  EXPECT_FALSE(delivery_.next_attempt());
}

// GENA-07
TEST_F(DeliveryTest, GoesOnWithTheFirstMessageWhenStopped) {
  delivery_ = Delivery(kAll, 3);
  (void)attempt();
  delivery_.stop();
  EXPECT_FALSE(delivery_.is_finished());
  done(unreachable);
  EXPECT_EQ(attempt().url, 1U);
  done(unreachable);
  delivery_.stop();
  EXPECT_EQ(attempt().url, 2U);
  done(answered);
  EXPECT_TRUE(delivery_.is_finished());
}

// GENA-05
TEST_F(DeliveryTest, SendsNothingMoreWhenStopped) {
  deliver_first();
  delivery_.note_changed(set_of({1}));
  delivery_.stop();
  EXPECT_TRUE(delivery_.is_finished());
  EXPECT_FALSE(delivery_.next_attempt());
}

TEST_F(DeliveryTest, LetsAMessageUnderWayEndWhenStopped) {
  delivery_ = Delivery(kAll, 2);
  deliver_first();
  delivery_.note_changed(set_of({1}));
  (void)attempt();
  delivery_.stop();
  EXPECT_FALSE(delivery_.is_finished());
  done(unreachable);
  EXPECT_TRUE(delivery_.is_finished());
}

TEST_F(DeliveryTest, TriesNoOtherUrlOfALaterMessageWhenStopped) {
  delivery_ = Delivery(kAll, 2);
  deliver_first();
  delivery_.note_changed(set_of({1}));
  fail_round();
  delivery_.stop();
  EXPECT_TRUE(delivery_.is_finished());
}

TEST_F(DeliveryTest, DoesNotTryAgainWhenStopped) {
  fail_round();
  delivery_.stop();
  EXPECT_TRUE(delivery_.is_finished());
}

}  // namespace
}  // namespace postern::upnp
