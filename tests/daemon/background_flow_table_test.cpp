#include "daemon/background_flow_table.h"

#include <future>
#include <memory>
#include <semaphore>

#include <gtest/gtest.h>

#include "backends/memory/memory_flow_table.h"

namespace postern {
namespace {

const FlowPurge kPurge{FlowPurge::Which::through_door,
                       Outbound4{Protocol::udp, {Address::v4(1), 1}, {Address::v4(2), 2}}};

/// What the test and the purging thread tell each other.
struct Strings {
  std::counting_semaphore<> begun{0};
  std::counting_semaphore<> may_end{0};
  std::vector<std::size_t> sizes;
  bool fails = false;
};

/// Purges only when it is allowed to.
class SlowFlowTable final : public MemoryFlowTable {
 public:
  explicit SlowFlowTable(Strings& strings) : strings_(strings) {}
  [[nodiscard]] Result<std::size_t, std::string> purge(std::span<const FlowPurge> purges) override {
    strings_.begun.release();
    strings_.may_end.acquire();
    strings_.sizes.push_back(purges.size());
    if (strings_.fails) return fail(std::string("too slow"));
    return 10 * purges.size();
  }

 private:
  Strings& strings_;
};

class BackgroundFlowTableTest : public testing::Test {
 protected:
  [[nodiscard]] Result<std::size_t, std::string> purge(std::size_t count) {
    return table_->purge(std::vector(count, kPurge));
  }
  /// Asks until something has come of it: the thread writes it down a moment after it is done.
  [[nodiscard]] Result<std::size_t, std::string> outcome() {
    while (true) {
      auto done = purge(0);
      if (!done || *done > 0) return done;
      std::this_thread::yield();
    }
  }

  Strings strings_;
  std::unique_ptr<BackgroundFlowTable> table_ =
      std::make_unique<BackgroundFlowTable>(std::make_unique<SlowFlowTable>(strings_));
};

TEST_F(BackgroundFlowTableTest, DoesNotWaitForAPurge) {
  EXPECT_EQ(purge(1), 0U);
  strings_.begun.acquire();
  // Three more while it is at work are one when it is free again.
  EXPECT_EQ(purge(1), 0U);
  EXPECT_EQ(purge(2), 0U);
  strings_.may_end.release(2);
  strings_.begun.acquire();
  table_.reset();
  EXPECT_EQ(strings_.sizes, (std::vector<std::size_t>{1, 3}));
}

TEST_F(BackgroundFlowTableTest, TellsTheOutcomeOnce) {
  EXPECT_EQ(purge(4), 0U);
  strings_.may_end.release();
  EXPECT_EQ(outcome(), 40U);
  EXPECT_EQ(purge(0), 0U);
}

TEST_F(BackgroundFlowTableTest, TellsAnErrorOnce) {
  strings_.fails = true;
  EXPECT_EQ(purge(1), 0U);
  strings_.may_end.release();
  const auto failed = outcome();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error(), "too slow");
  EXPECT_EQ(purge(0), 0U);
}

TEST_F(BackgroundFlowTableTest, EndsWithoutWork) {
  table_.reset();
  EXPECT_TRUE(strings_.sizes.empty());
}

}  // namespace
}  // namespace postern
