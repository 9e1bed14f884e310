#include "backends/memory/memory_backend.h"

#include <gtest/gtest.h>

#include "tests/support/backend_conformance.h"

namespace postern::test {
namespace {

class MemorySubject {
 public:
  [[nodiscard]] std::optional<std::string> why_not() const { return std::nullopt; }
  [[nodiscard]] FirewallBackend& backend() { return backend_; }
  void refuse(const DoorKey& key) { backend_.refuse(key); }
  void heal(const DoorKey&) { backend_.heal(); }

 private:
  MemoryBackend backend_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(Memory, BackendConformance, MemorySubject);

TEST(MemoryBackend, CanBeTakenAway) {
  MemoryBackend backend;
  EXPECT_EQ(backend.is_set_up(), false);
  ASSERT_TRUE(backend.reset(one_lan(), std::vector{forward(1000, 5000)}, kNow));
  EXPECT_EQ(backend.is_set_up(), true);
  backend.take_away();
  EXPECT_EQ(backend.is_set_up(), false);
  EXPECT_TRUE(holds(backend, {}));
}

TEST(MemoryBackend, FailsAsAWholeAsOftenAsTold) {
  MemoryBackend backend;
  const std::vector changes{opened(forward(1000, 5000))};
  backend.fail_next(2);
  const auto reset = backend.reset(one_lan(), std::vector{forward(1001, 5001)}, kNow);
  ASSERT_FALSE(reset);
  EXPECT_FALSE(reset.error().refused_change);
  const auto committed = backend.commit(changes, kNow);
  ASSERT_FALSE(committed);
  EXPECT_FALSE(committed.error().refused_change);
  EXPECT_TRUE(holds(backend, {}));
  EXPECT_TRUE(ok(backend.commit(changes, kNow)));
  EXPECT_TRUE(holds(backend, {forward(1000, 5000)}));
  EXPECT_EQ(backend.last_commit(), changes);
}

TEST(MemoryBackend, CountsWhatItIsTold) {
  MemoryBackend backend;
  const auto packets = [&](const TimedDoor& timed) { return *backend.packets_through(timed.door); };
  backend.count(key_of(pinhole(5000).door), 5);
  EXPECT_EQ(packets(pinhole(5000)), std::nullopt) << "it is closed";
  ASSERT_TRUE(ok(backend.commit(std::vector{opened(pinhole(5000))}, kNow)));
  EXPECT_EQ(packets(pinhole(5000)), 5U);
  EXPECT_EQ(packets(pinhole(5000, filters6())), std::nullopt) << "another door";
}

}  // namespace
}  // namespace postern::test
