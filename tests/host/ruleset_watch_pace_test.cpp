#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "host/ruleset_watch.h"
#include "tests/host/ruleset_watch_fixture.h"

// While our own changes come fast, the watch does not listen but looks.

namespace postern {
namespace {

using test::nft;

class RulesetWatchPaceTest : public test::RulesetWatchFixture {};

TEST_F(RulesetWatchPaceTest, ListensWhileOwnChangesAreFew) {
  for (int step = 0; step < 20; ++step) {
    now_ += Milliseconds(25);
    commit(10);
    EXPECT_FALSE(is_any(watch_->keep_pace(now_)));
    ASSERT_FALSE(watch_->next_look());
  }
  ASSERT_EQ(nft("delete table inet postern"), "");
  EXPECT_EQ(watch_->drain().reason, "table deleted");
}

TEST_F(RulesetWatchPaceTest, TwoThousandOwnChangesAreNoAlarm) {
  be_busy();
  for (int step = 0; step < 20; ++step) {
    commit(100);
    EXPECT_FALSE(is_any(look())) << step;
    EXPECT_TRUE(watch_->next_look());
  }
  EXPECT_FALSE(is_any(look()));
  EXPECT_FALSE(watch_->next_look()) << "it listens again when own changes are few";
  EXPECT_FALSE(is_readable(*watch_));
}

TEST_F(RulesetWatchPaceTest, LooksSoonEnoughToHealInATenthOfASecond) {
  be_busy();
  EXPECT_LE(*watch_->next_look() - now_, Milliseconds(50));
}

TEST_F(RulesetWatchPaceTest, AForeignChangeAmongManyOwnOnes) {
  for (const std::string change : {"delete element inet postern kept { 192.0.2.1 }",
                                   "add rule ip other forward drop", "flush ruleset"}) {
    now_ += std::chrono::minutes(1);
    be_busy();
    commit(50);
    ASSERT_EQ(nft(change), "");
    EXPECT_FALSE(is_readable(*watch_)) << "it should not listen";
    if (change != "flush ruleset") commit(50);
    const auto seen = look();
    EXPECT_TRUE(seen.ours) << change;
    EXPECT_TRUE(seen.others) << change;
    EXPECT_FALSE(seen.overrun) << change;
    EXPECT_EQ(seen.reason, "changed unheard") << change;
    EXPECT_FALSE(is_any(drain_all(*watch_))) << "it is told once";
  }
}

TEST_F(RulesetWatchPaceTest, AForeignChangeAfterTheLastOwnOne) {
  be_busy();
  EXPECT_FALSE(is_any(look()));  // The own changes of be_busy() were many, and are over.
  ASSERT_TRUE(watch_->next_look());
  ASSERT_EQ(nft("delete element inet postern kept { 192.0.2.1 }"), "");
  EXPECT_EQ(look().reason, "changed unheard");
}

TEST_F(RulesetWatchPaceTest, HearsAgainAfterBusyTimes) {
  be_busy();
  EXPECT_FALSE(is_any(look()));
  EXPECT_FALSE(is_any(look()));
  ASSERT_FALSE(watch_->next_look());
  ASSERT_EQ(nft("delete element inet postern kept { 192.0.2.1 }"), "");
  const auto seen = drain_all(*watch_);
  EXPECT_EQ(seen.reason, "elements changed");
  EXPECT_FALSE(seen.others);
  EXPECT_EQ(seen.by, "nft");
  be_busy();
  EXPECT_FALSE(is_any(look())) << "what was heard is not told again";
}

TEST_F(RulesetWatchPaceTest, AForeignChangeHeardBeforeBusyTimesIsTold) {
  now_ += Milliseconds(1000);
  EXPECT_FALSE(is_any(watch_->keep_pace(now_)));
  commit(50);
  ASSERT_EQ(nft("delete element inet postern kept { 192.0.2.1 }"), "");
  commit(50);
  EXPECT_FALSE(is_any(watch_->keep_pace(now_)));
  ASSERT_TRUE(watch_->next_look());
  ASSERT_TRUE(is_readable(*watch_));
  EXPECT_EQ(watch_->drain().reason, "elements changed");
  EXPECT_FALSE(is_any(look()));
}

TEST_F(RulesetWatchPaceTest, ListensForAWhileAfterAForeignChange) {
  be_busy();
  ASSERT_EQ(nft("add rule ip other forward drop"), "");
  EXPECT_EQ(look().reason, "changed unheard");
  for (const auto later : {Milliseconds(1), Milliseconds(100), Milliseconds(9'000)}) {
    EXPECT_FALSE(is_any(watch_->keep_pace(now_ + later)));
    commit(100);
    EXPECT_FALSE(is_any(watch_->keep_pace(now_ + later)));
    ASSERT_FALSE(watch_->next_look());
  }
  ASSERT_EQ(nft("add rule ip other forward drop"), "");
  const auto seen = watch_->drain();
  EXPECT_TRUE(seen.others);
  EXPECT_FALSE(seen.ours);
  now_ += std::chrono::seconds(11);
  be_busy();
}

TEST_F(RulesetWatchPaceTest, OwnChangesThatAreRefusedAreNoAlarm) {
  ASSERT_EQ(nft("add map inet postern led { type ipv4_addr : ipv4_addr; }"), "");
  ASSERT_TRUE(drain_all(*watch_).ours);
  be_busy();
  netlink::Batch batch;
  batch.begin();
  auto* message = batch.start_message(NFT_MSG_DELTABLE, 0);
  mnl_attr_put_strz(message, NFTA_TABLE_NAME, "nowhere");
  batch.finish_message();
  batch.end();
  const auto commits = own_->commits();
  ASSERT_FALSE(own_->transact(batch));
  EXPECT_EQ(own_->commits(), commits);
  EXPECT_FALSE(is_any(look()));
}

// Then the count is wrong, and may hide what others did.
TEST_F(RulesetWatchPaceTest, AnOwnChangeThatChangesNothingIsAnAlarm) {
  be_busy();
  add_elements(*own_, 1, 1);
  EXPECT_FALSE(is_any(look()));
  add_elements(*own_, 1, 1);
  EXPECT_EQ(look().reason, "changed unheard");
}

TEST_F(RulesetWatchPaceTest, ChangesOfAllOwnSocketsAreCounted) {
  watch_ = watch({own_.get(), stranger_.get()});
  ASSERT_NE(watch_, nullptr);
  be_busy();
  add_elements(*stranger_, 0, 1);
  commit(1);
  EXPECT_FALSE(is_any(look()));
}

// While the watch ceases to listen, and while it begins again, others may be in the midst of a
// transaction: the generation tells of it, and what it changed is not told yet.
class RulesetWatchRaceTest : public RulesetWatchPaceTest {
 protected:
  static constexpr int kRounds = 200;
  static constexpr std::uint32_t kElements = 1'000;

  void SetUp() override {
    RulesetWatchPaceTest::SetUp();
    if (IsSkipped()) return;
    for (std::uint32_t number = 0; number <= kRounds; ++number) {
      foreign_.push_back(elements(number * kElements, kElements));
    }
    const auto begin = std::chrono::steady_clock::now();
    ASSERT_TRUE(stranger_->transact(foreign_.back()));
    takes_ = std::chrono::steady_clock::now() - begin;
    static_cast<void>(drain_all(*watch_));
  }

  /// Lets `act` happen at another point of a foreign transaction in each round, and tells whether
  /// the watch noticed that transaction.
  template <class Act>
  [[nodiscard]] bool notices_beside(std::size_t round, Act act) {
    std::atomic<bool> is_begun = false;
    std::thread other([&] {
      is_begun = true;
      EXPECT_TRUE(stranger_->transact(foreign_[round]));
    });
    while (!is_begun) {
    }
    const auto begin = std::chrono::steady_clock::now();
    const auto delay = takes_ * static_cast<int>(round) / kRounds;
    while (std::chrono::steady_clock::now() - begin < delay) {
    }
    bool is_noticed = is_any(act());
    other.join();
    is_noticed = is_any(drain_all(*watch_)) || is_noticed;
    while (watch_->next_look()) is_noticed = is_any(look()) || is_noticed;
    static_cast<void>(drain_all(*watch_));
    return is_noticed;
  }

  std::vector<netlink::Batch> foreign_;
  std::chrono::steady_clock::duration takes_{};
};

TEST_F(RulesetWatchRaceTest, CeasingToListen) {
  for (std::size_t round = 0; round < kRounds; ++round) {
    now_ += std::chrono::minutes(1);
    EXPECT_FALSE(is_any(watch_->keep_pace(now_)));
    commit(20);
    ASSERT_TRUE(notices_beside(round, [&] { return watch_->keep_pace(now_); })) << round;
  }
}

TEST_F(RulesetWatchRaceTest, BeginningAgain) {
  for (std::size_t round = 0; round < kRounds; ++round) {
    now_ += std::chrono::minutes(1);
    be_busy();
    EXPECT_FALSE(is_any(look()));
    ASSERT_TRUE(notices_beside(round, [&] { return look(); })) << round;
  }
}

}  // namespace
}  // namespace postern
