#include "core/host_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using State = Neighbour::State;

constexpr Seconds kGrace{600};
const Address kHost = Address::v4({192, 168, 1, 10});
const Address kOther = *Address::parse("2001:db8:1::10");
const std::string kMac = "mac-a!";
const std::string kOtherMac = "mac-b!";

class HostWatchTest : public testing::Test {
 protected:
  HostWatchTest() {
    EXPECT_TRUE(watch_.watch(kHost));
    EXPECT_TRUE(watch_.watch(kOther));
  }

  void hear(State state, const std::string& mac = kMac, const Address& host = kHost) {
    watch_.hear({7, host, state, state == State::silent ? "" : mac}, now_);
  }
  /// What is due within this time, at the moments that next() names.
  [[nodiscard]] HostWatch::Due pass(Seconds time) {
    const Moment end = now_ + time;
    HostWatch::Due all;
    while (watch_.next() && *watch_.next() <= end) {
      now_ = std::max(now_, *watch_.next());
      auto due = watch_.take_due(now_);
      all.questions.insert(all.questions.end(), due.questions.begin(), due.questions.end());
      all.gone.insert(all.gone.end(), due.gone.begin(), due.gone.end());
    }
    now_ = end;
    return all;
  }

  Moment now_{Seconds(1000)};
  HostWatch watch_{kGrace};
};

TEST_F(HostWatchTest, DoubtsNobodyWhoAnswers) {
  hear(State::reachable);
  hear(State::heard);
  EXPECT_EQ(watch_.next(), std::nullopt);
}

TEST_F(HostWatchTest, AsksASilentHostOnceMoreBeforeItIsGone) {
  hear(State::reachable);
  hear(State::silent);
  auto due = pass(kGrace);
  EXPECT_THAT(due.questions, ElementsAre(NeighbourQuestion{7, kHost, true}));
  EXPECT_THAT(due.gone, IsEmpty());
  hear(State::silent);
  due = pass(Seconds(10));
  EXPECT_THAT(due.questions, IsEmpty());
  EXPECT_THAT(due.gone, ElementsAre(kHost));
  EXPECT_EQ(watch_.next(), std::nullopt);
}

TEST_F(HostWatchTest, ForgetsItsDoubtWhenTheHostIsHeardOf) {
  for (const auto state : {State::reachable, State::heard}) {
    hear(State::silent);
    (void)pass(kGrace - Seconds(1));
    hear(state);
    EXPECT_EQ(watch_.next(), std::nullopt);
    hear(State::silent);
    (void)pass(kGrace);
    hear(state);
    EXPECT_THAT(pass(2 * kGrace).gone, IsEmpty()) << "it answered the last question";
  }
}

TEST_F(HostWatchTest, CountsSilenceFromItsBeginning) {
  hear(State::silent);
  (void)pass(kGrace / 2);
  hear(State::silent);
  EXPECT_EQ(watch_.next(), now_ + kGrace / 2);
}

TEST_F(HostWatchTest, TakesAHostForGoneWhenAnotherAnswersFromItsAddress) {
  hear(State::reachable);
  hear(State::reachable, kOtherMac);
  EXPECT_THAT(pass(Seconds(4)).gone, IsEmpty());
  EXPECT_THAT(pass(Seconds(1)).gone, ElementsAre(kHost));
}

TEST_F(HostWatchTest, BelievesNobodyWhoMerelyClaimsAnAddress) {
  hear(State::reachable);
  hear(State::heard, kOtherMac);
  EXPECT_EQ(watch_.next(), std::nullopt);
}

TEST_F(HostWatchTest, LetsTheHostObject) {
  hear(State::reachable);
  hear(State::reachable, kOtherMac);
  (void)pass(Seconds(3));
  hear(State::heard);
  EXPECT_EQ(watch_.next(), std::nullopt);
}

TEST_F(HostWatchTest, AnotherMayNotPutOffTheEndByAnsweringAgain) {
  hear(State::reachable);
  for (int i = 0; i < 5; ++i) {
    hear(State::reachable, kOtherMac);
    EXPECT_THAT(pass(Seconds(1)).gone, testing::SizeIs(i == 4 ? 1 : 0));
  }
}

TEST_F(HostWatchTest, ASilentHostsAddressMayBeGivenToAnother) {
  hear(State::reachable);
  hear(State::silent);
  (void)pass(Seconds(5));
  hear(State::reachable, kOtherMac);
  EXPECT_THAT(pass(Seconds(5)).gone, ElementsAre(kHost));
}

TEST_F(HostWatchTest, KeepsHostsApart) {
  hear(State::silent);
  hear(State::silent, kMac, kOther);
  hear(State::heard);
  (void)pass(kGrace);
  EXPECT_THAT(pass(Seconds(10)).gone, ElementsAre(kOther));
}

TEST_F(HostWatchTest, ForgetsWhoHasNoMappings) {
  hear(State::reachable);
  hear(State::silent);
  watch_.forget(kHost);
  watch_.forget(kOther);
  EXPECT_EQ(watch_.next(), std::nullopt);
  hear(State::silent);
  EXPECT_EQ(watch_.next(), std::nullopt);
  EXPECT_TRUE(watch_.watch(kHost)) << "it is new";
  EXPECT_FALSE(watch_.watch(kHost));
  hear(State::reachable, kOtherMac);
  EXPECT_EQ(watch_.next(), std::nullopt) << "what was known of it is forgotten, too";
}

TEST_F(HostWatchTest, WithoutGraceLetsHostsBeSilent) {
  watch_ = HostWatch(Seconds(0));
  (void)watch_.watch(kHost);
  hear(State::reachable);
  hear(State::silent);
  EXPECT_EQ(watch_.next(), std::nullopt);
  hear(State::reachable, kOtherMac);
  EXPECT_THAT(pass(Seconds(5)).gone, ElementsAre(kHost));
}

}  // namespace
}  // namespace postern
