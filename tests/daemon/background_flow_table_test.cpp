#include "daemon/background_flow_table.h"

#include <future>
#include <memory>
#include <semaphore>
#include <utility>
#include <vector>

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
  void purge(std::size_t count) { EXPECT_EQ(table_->purge(std::vector(count, kPurge)), 0U); }

  Strings strings_;
  std::promise<Result<std::size_t, std::string>> outcome_;
  bool has_outcome_ = false;
  std::unique_ptr<BackgroundFlowTable> table_ = std::make_unique<BackgroundFlowTable>(
      std::make_unique<SlowFlowTable>(strings_), [this](Result<std::size_t, std::string> purged) {
        if (!std::exchange(has_outcome_, true)) outcome_.set_value(std::move(purged));
      });
};

TEST_F(BackgroundFlowTableTest, DoesNotWaitForAPurge) {
  purge(1);
  strings_.begun.acquire();
  // Three more while it is at work are one when it is free again.
  purge(1);
  purge(2);
  strings_.may_end.release(2);
  strings_.begun.acquire();
  table_.reset();
  EXPECT_EQ(strings_.sizes, (std::vector<std::size_t>{1, 3}));
}

TEST_F(BackgroundFlowTableTest, TellsWhatCameOfAPurge) {
  purge(4);
  strings_.may_end.release();
  EXPECT_EQ(outcome_.get_future().get(), 40U);
}

TEST_F(BackgroundFlowTableTest, TellsAnError) {
  strings_.fails = true;
  purge(1);
  strings_.may_end.release();
  const auto failed = outcome_.get_future().get();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error(), "too slow");
}

TEST_F(BackgroundFlowTableTest, EndsWithoutWork) {
  table_.reset();
  EXPECT_TRUE(strings_.sizes.empty());
}

}  // namespace
}  // namespace postern
