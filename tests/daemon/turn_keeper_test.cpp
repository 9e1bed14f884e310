#include "daemon/turn_keeper.h"

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/home.h"

namespace postern {
namespace {

using test::kLanIndex;
using test::kStart;
using testing::ElementsAre;

/// What was appended, for the test to look at.
struct Kept {
  std::vector<StoreChanges> changes;
  bool is_broken = false;
  std::function<void()> before_append;
};

class FakeStore final : public Store {
 public:
  explicit FakeStore(Kept& kept) : kept_(kept) {}
  [[nodiscard]] Result<StoredState, std::string> load(Moment) override {
    if (kept_.is_broken) return fail(std::string("no disk"));
    return StoredState();
  }
  std::uint64_t append(StoreChanges changes) override {
    if (kept_.before_append) kept_.before_append();
    kept_.changes.push_back(std::move(changes));
    return kept_.changes.size();
  }

 private:
  Kept& kept_;
};

/// One that is known by what it sends.
[[nodiscard]] Turn turn(const std::string& name, bool changes) {
  Turn made;
  made.send.push_back({kLanIndex, {}, {}, {name.begin(), name.end()}});
  if (changes) made.events.emplace_back();
  return made;
}

class TurnKeeperTest : public testing::Test {
 protected:
  void use(TurnKeeper::Patience patience) {
    keeper_.use(std::make_unique<FakeStore>(kept_), patience,
                [](RuleIndex rule) { return rule == 3 ? "the third" : ""; });
  }
  void finish(const std::string& name, bool changes = true) {
    keeper_.finish(turn(name, changes), epochs_, kStart);
  }

  Kept kept_;
  EpochStarts epochs_;
  std::vector<std::string> sent_;
  std::vector<Turn> turns_;
  TurnKeeper keeper_{[this](const Turn& turn) {
    for (const auto& datagram : turn.send) {
      sent_.emplace_back(datagram.payload.begin(), datagram.payload.end());
    }
    turns_.push_back(turn);
  }};
};

TEST_F(TurnKeeperTest, WithoutAStoreEverythingLeavesAtOnce) {
  finish("a");
  EXPECT_THAT(sent_, ElementsAre("a"));
  EXPECT_TRUE(keeper_.load(kStart)->mappings.empty());
}

TEST_F(TurnKeeperTest, KeepsWhatChangedAndSends) {
  use(TurnKeeper::Patience::none);
  kept_.before_append = [&] { EXPECT_THAT(sent_, ElementsAre("a")); };
  finish("a");
  finish("b", false);
  EXPECT_THAT(sent_, ElementsAre("a", "b"));
  ASSERT_EQ(kept_.changes.size(), 1U);
  EXPECT_EQ(kept_.changes[0].events.size(), 1U);
  EXPECT_EQ(kept_.changes[0].now, kStart);
}

TEST_F(TurnKeeperTest, NamesTheRuleOfTheNewestClaim) {
  use(TurnKeeper::Patience::none);
  Turn made;
  Claim claim{{"pcp", test::kHostA}, {}};
  made.events.resize(2);
  made.events[0].mapping.claims = {claim};
  claim.rule = 3;
  made.events[1].mapping.claims = {made.events[0].mapping.claims[0], claim};
  keeper_.finish(std::move(made), epochs_, kStart);
  ASSERT_EQ(kept_.changes.size(), 1U);
  EXPECT_THAT(kept_.changes[0].rules, ElementsAre("", "the third"));
}

TEST_F(TurnKeeperTest, TellsOfEpochsOnlyWhenTheyAreOthers) {
  use(TurnKeeper::Patience::none);
  finish("a", false);
  finish("b", false);
  epochs_.epoch = kStart;
  finish("c", false);
  ASSERT_EQ(kept_.changes.size(), 2U);
  EXPECT_EQ(kept_.changes[1].epochs, epochs_);
}

TEST_F(TurnKeeperTest, HoldsBackInOrderUntilTheDiskHasIt) {
  use(TurnKeeper::Patience::until_written);
  finish("a");
  finish("b", false);
  finish("c");
  EXPECT_TRUE(sent_.empty());
  keeper_.on_written(1);
  EXPECT_THAT(sent_, ElementsAre("a", "b"));
  keeper_.on_written(2);
  EXPECT_THAT(sent_, ElementsAre("a", "b", "c"));
  finish("d", false);
  EXPECT_EQ(sent_.back(), "d");
}

TEST_F(TurnKeeperTest, ADiskFarBehindCostsTheOldestAnswersAndIsNeverForestalled) {
  use(TurnKeeper::Patience::until_written);
  const std::string filler(1 << 20, 'x');
  for (int i = 0; i < 8; ++i) finish(std::to_string(i) + filler);
  EXPECT_TRUE(turns_.empty()) << "none of it is on the disk";
  keeper_.on_written(8);
  ASSERT_EQ(sent_.size(), 3U) << "of 4 MiB";
  EXPECT_EQ(sent_.front(), "5" + filler);
  EXPECT_EQ(sent_.back(), "7" + filler);
}

TEST_F(TurnKeeperTest, ManySmallAnswersAreBoundedToo) {
  use(TurnKeeper::Patience::until_written);
  constexpr std::size_t kMany = 100'000;
  for (std::size_t i = 0; i < kMany; ++i) finish("a");
  EXPECT_TRUE(sent_.empty());
  keeper_.on_written(kMany);
  EXPECT_GT(sent_.size(), 1000U);
  EXPECT_LT(sent_.size() * (sizeof(Turn) + 1), std::size_t{4} << 20);
}

TEST_F(TurnKeeperTest, WhoAsksOverTcpIsToldToComeAgain) {
  use(TurnKeeper::Patience::until_written);
  auto first = turn("first", true);
  first.replies.push_back({7, 200, {}, "yes"});
  first.callouts.push_back({9, kLanIndex, {}, {}, "NOTIFY"});
  keeper_.finish(std::move(first), epochs_, kStart);
  finish(std::string(5 << 20, 'x'));
  ASSERT_EQ(turns_.size(), 1U);
  ASSERT_EQ(turns_[0].replies.size(), 1U);
  EXPECT_EQ(turns_[0].replies[0].token, 7U);
  EXPECT_EQ(turns_[0].replies[0].status, 503);
  EXPECT_TRUE(turns_[0].callouts.empty());
  keeper_.on_written(2);
  ASSERT_EQ(turns_.size(), 2U);
  ASSERT_EQ(turns_[1].callouts.size(), 1U) << "somebody waits for its end";
  EXPECT_EQ(turns_[1].callouts[0].id, 9U);
}

TEST_F(TurnKeeperTest, HoldsNothingThatTheStoreHas) {
  use(TurnKeeper::Patience::until_written);
  auto full = turn("a", true);
  full.refusals.emplace_back();
  full.unrestored.emplace_back();
  full.backend_errors.emplace_back("no");
  keeper_.finish(std::move(full), epochs_, kStart);
  keeper_.on_written(1);
  ASSERT_EQ(turns_.size(), 1U);
  EXPECT_TRUE(turns_[0].events.empty() && turns_[0].refusals.empty());
  EXPECT_TRUE(turns_[0].unrestored.empty() && turns_[0].backend_errors.empty());
}

TEST_F(TurnKeeperTest, QuestionsDoNotWait) {
  use(TurnKeeper::Patience::until_written);
  auto asking = turn("a", true);
  asking.questions.emplace_back();
  keeper_.finish(std::move(asking), epochs_, kStart);
  ASSERT_EQ(turns_.size(), 1U);
  EXPECT_EQ(turns_[0].questions.size(), 1U);
  EXPECT_TRUE(sent_.empty());
  keeper_.on_written(1);
  EXPECT_TRUE(turns_[1].questions.empty());
}

TEST_F(TurnKeeperTest, TellsTheAdministratorOnceTheDiskHasIt) {
  std::vector<std::string> told;
  const auto tell = [&](const std::string& name) {
    keeper_.when_kept(
        [&told, name](bool is_kept) { told.push_back(name + (is_kept ? " kept" : " not kept")); });
  };
  tell("nothing to keep");
  use(TurnKeeper::Patience::until_written);
  tell("nothing yet");
  EXPECT_THAT(std::exchange(told, {}), ElementsAre("nothing to keep kept", "nothing yet kept"));
  finish("a");
  tell("a");
  finish("b");
  tell("b");
  EXPECT_THAT(told, ElementsAre());
  keeper_.on_written(1);
  EXPECT_THAT(std::exchange(told, {}), ElementsAre("a kept"));
  keeper_.on_written(2, /*is_on_disk=*/false);
  EXPECT_THAT(std::exchange(told, {}), ElementsAre("b not kept"));
  tell("c");
  EXPECT_THAT(told, ElementsAre("c kept")) << "nothing waits";
}

TEST_F(TurnKeeperTest, WithoutPatienceTheAdministratorIsToldAtOnce) {
  use(TurnKeeper::Patience::none);
  finish("a");
  bool is_told = false;
  keeper_.when_kept([&](bool) { is_told = true; });
  EXPECT_TRUE(is_told);
}

TEST_F(TurnKeeperTest, OfTooManyWhoWaitTheFirstLearnsThatItIsNotKept) {
  use(TurnKeeper::Patience::until_written);
  finish("a");
  std::vector<int> not_kept;
  for (int i = 0; i < 66; ++i) {
    keeper_.when_kept([&not_kept, i](bool is_kept) {
      if (!is_kept) not_kept.push_back(i);
    });
  }
  EXPECT_THAT(not_kept, ElementsAre(0, 1));
  keeper_.on_written(1);
  EXPECT_THAT(not_kept, ElementsAre(0, 1));
}

TEST_F(TurnKeeperTest, AStoreThatCannotLoadIsNotUsed) {
  kept_.is_broken = true;
  use(TurnKeeper::Patience::until_written);
  EXPECT_EQ(keeper_.load(kStart).error(), "no disk");
  finish("a");
  EXPECT_THAT(sent_, ElementsAre("a"));
  EXPECT_TRUE(kept_.changes.empty());
}

}  // namespace
}  // namespace postern
