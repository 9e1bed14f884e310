#include "daemon/turn_keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/home.h"

namespace postern {
namespace {

using test::kStart;
using testing::ElementsAre;

/// What was appended, for the test to look at.
struct Kept {
  std::vector<StoreChanges> changes;
  bool is_broken = false;
};

class FakeStore final : public Store {
 public:
  explicit FakeStore(Kept& kept) : kept_(kept) {}
  [[nodiscard]] Result<StoredState, std::string> load(Moment) override {
    if (kept_.is_broken) return fail(std::string("no disk"));
    return StoredState();
  }
  std::uint64_t append(StoreChanges changes) override {
    kept_.changes.push_back(std::move(changes));
    return kept_.changes.size();
  }

 private:
  Kept& kept_;
};

/// One that is known by how many events it has, or by its error.
[[nodiscard]] Turn turn(const std::string& name, bool changes) {
  Turn made;
  made.backend_errors = {name};
  if (changes) made.events.emplace_back();
  return made;
}

class TurnKeeperTest : public testing::Test {
 protected:
  void use(TurnKeeper::Patience patience) {
    keeper_.use(std::make_unique<FakeStore>(kept_), patience);
  }
  void finish(const std::string& name, bool changes = true) {
    keeper_.finish(turn(name, changes), epochs_, kStart);
  }

  Kept kept_;
  EpochStarts epochs_;
  std::vector<std::string> sent_;
  TurnKeeper keeper_{[this](const Turn& turn) { sent_.push_back(turn.backend_errors.front()); }};
};

TEST_F(TurnKeeperTest, WithoutAStoreEverythingLeavesAtOnce) {
  finish("a");
  EXPECT_THAT(sent_, ElementsAre("a"));
  EXPECT_TRUE(keeper_.load(kStart)->mappings.empty());
}

TEST_F(TurnKeeperTest, KeepsWhatChangedAndSends) {
  use(TurnKeeper::Patience::none);
  finish("a");
  finish("b", false);
  EXPECT_THAT(sent_, ElementsAre("a", "b"));
  ASSERT_EQ(kept_.changes.size(), 1U);
  EXPECT_EQ(kept_.changes[0].events.size(), 1U);
  EXPECT_EQ(kept_.changes[0].now, kStart);
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

TEST_F(TurnKeeperTest, ADiskFarBehindDoesNotHoldUpEverybody) {
  use(TurnKeeper::Patience::until_written);
  for (int i = 0; i < 5000; ++i) finish(std::to_string(i));
  ASSERT_FALSE(sent_.empty());
  EXPECT_EQ(sent_.front(), "0");
  EXPECT_LT(sent_.size(), 1000U);
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
