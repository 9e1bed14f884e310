#include "core/host_watch.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/home.h"

namespace postern {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using namespace test;
using State = Neighbour::State;
using Whom = NeighbourQuestion::Whom;

constexpr Seconds kGrace{600};
const Address kHost = kHostA;
const Address kOther = kHostA6;
const std::string kMac = "mac-a!";
const std::string kOtherMac = "mac-b!";

class HostWatchTest : public testing::Test {
 protected:
  HostWatchTest() {
    EXPECT_TRUE(watch_.watch(kHost));
    EXPECT_TRUE(watch_.watch(kOther));
  }

  void hear(State state, const std::string& mac = kMac, const Address& host = kHost) {
    watch_.hear({kLanIndex, host, state, state == State::silent ? "" : mac}, now_);
  }
  /// What is due within this time, at the moments that next() names.
  [[nodiscard]] HostWatch::Due pass(Seconds time) {
    const Moment end = now_ + time;
    HostWatch::Due all;
    while (watch_.next() && *watch_.next() <= end) {
      now_ = std::max(now_, *watch_.next());
      auto due = watch_.take_due(network_, now_);
      all.questions.insert(all.questions.end(), due.questions.begin(), due.questions.end());
      all.gone.insert(all.gone.end(), due.gone.begin(), due.gone.end());
    }
    now_ = end;
    return all;
  }

  Network network_ = dual_network();
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
  EXPECT_THAT(due.questions, ElementsAre(NeighbourQuestion{kLanIndex, kHost, Whom::host}));
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

TEST_F(HostWatchTest, AsksEverybodyWhenAnotherAnswersFromAnAddress) {
  hear(State::reachable);
  hear(State::reachable, kOtherMac);
  auto due = pass(Seconds(7));
  EXPECT_EQ(due.questions.size(), 4U);
  EXPECT_THAT(due.questions, testing::Each(NeighbourQuestion{kLanIndex, kHost, Whom::link}));
  EXPECT_THAT(due.gone, IsEmpty());
  due = pass(Seconds(1));
  EXPECT_THAT(due.gone, ElementsAre(kHost));
}

TEST_F(HostWatchTest, BelievesNobodyWhoMerelyClaimsAnAddress) {
  hear(State::reachable);
  hear(State::heard, kOtherMac);
  EXPECT_EQ(watch_.next(), std::nullopt);
}

TEST_F(HostWatchTest, LearnsNothingFromClaims) {
  hear(State::heard, kOtherMac);
  hear(State::reachable);
  EXPECT_EQ(watch_.next(), std::nullopt) << "it is who answers";
}

TEST_F(HostWatchTest, LetsTheHostObject) {
  hear(State::reachable);
  hear(State::reachable, kOtherMac);
  (void)pass(Seconds(3));
  hear(State::reachable);
  EXPECT_EQ(watch_.next(), std::nullopt);
  hear(State::reachable, kOtherMac);
  EXPECT_EQ(pass(Seconds(7)).questions.size(), 4U) << "counted anew";
}

TEST_F(HostWatchTest, AnotherMayNotPutOffTheEndByAnsweringAgain) {
  hear(State::reachable);
  for (int i = 0; i < 8; ++i) {
    hear(State::reachable, kOtherMac);
    EXPECT_THAT(pass(Seconds(1)).gone, testing::SizeIs(i == 7 ? 1 : 0)) << i;
  }
}

TEST_F(HostWatchTest, ASilentHostsAddressMayBeGivenToAnother) {
  hear(State::reachable);
  hear(State::silent);
  (void)pass(Seconds(5));
  hear(State::reachable, kOtherMac);
  EXPECT_THAT(pass(Seconds(8)).gone, ElementsAre(kHost));
}

TEST_F(HostWatchTest, WaitsWhileTheLinkIsDown) {
  hear(State::silent);
  network_.lan[0].addresses.clear();
  const auto due = pass(3 * kGrace);
  EXPECT_THAT(due.questions, IsEmpty());
  EXPECT_THAT(due.gone, IsEmpty());
  network_ = dual_network();
  EXPECT_THAT(pass(2 * kGrace).gone, ElementsAre(kHost));
}

TEST_F(HostWatchTest, MayBePutOff) {
  hear(State::silent);
  (void)pass(kGrace + Seconds(10));
  watch_.put_off(kHost, now_ + Seconds(1));
  EXPECT_THAT(pass(Seconds(1)).gone, ElementsAre(kHost));
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
  EXPECT_THAT(pass(Seconds(8)).gone, ElementsAre(kHost));
}

TEST_F(HostWatchTest, AnotherGraceHoldsForThoseWhoAreSilentAlready) {
  hear(State::silent);
  EXPECT_THAT(pass(Seconds(100)).questions, IsEmpty());
  watch_.set_grace(Seconds(200));
  EXPECT_THAT(pass(Seconds(99)).questions, IsEmpty());
  EXPECT_THAT(pass(Seconds(1)).questions,
              ElementsAre(NeighbourQuestion{kLanIndex, kHost, Whom::host}));
  EXPECT_THAT(pass(Seconds(10)).gone, ElementsAre(kHost));
}

TEST_F(HostWatchTest, WithoutAGraceNobodyGoesForBeingSilent) {
  hear(State::silent);
  watch_.set_grace(Seconds(0));
  EXPECT_FALSE(watch_.next());
  watch_.set_grace(Seconds(5));
  EXPECT_FALSE(watch_.next()) << "he was not watched meanwhile";
  hear(State::silent);
  EXPECT_EQ(watch_.next(), now_ + Seconds(5));
}

}  // namespace
}  // namespace postern
