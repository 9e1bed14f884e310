// The power goes at any moment: what is on the disk then loads, and lacks nothing that was told to
// be there.

#include <fstream>
#include <map>
#include <set>

#include "tests/daemon/sqlite_store_fixture.h"

namespace postern::test {
namespace {

using Done = FaultyVfs::Done;
using Operation = FaultyVfs::Operation;
using Files = std::map<std::string, std::string>;
using Kind = TableEvent::Kind;

const EpochStarts kEpochs{kNow, kNow, {Address::v4(0xc6336407)}};

void replay(Files& files, const Done& done) {
  switch (done.operation) {
    case Operation::write: {
      auto& file = files[done.file];
      const auto begin = static_cast<std::size_t>(done.offset);
      if (file.size() < begin + done.octets.size()) file.resize(begin + done.octets.size());
      file.replace(begin, done.octets.size(), done.octets);
      break;
    }
    case Operation::truncate:
      files[done.file].resize(static_cast<std::size_t>(done.offset));
      break;
    case Operation::remove:
      files.erase(done.file);
      break;
    case Operation::open:
    case Operation::read:
    case Operation::sync:
      break;
  }
}

/// What of the first `count` operations the disk has.
enum class Loss : std::uint8_t {
  /// All.
  none,
  /// All, the last one by half.
  torn,
  /// What was not synced is lost.
  unsynced,
  /// What was not synced is lost but for the last one, which was faster.
  all_but_the_last,
};

[[nodiscard]] Files disk_after(const std::vector<Done>& done, std::size_t count, Loss loss) {
  const auto is_synced = [&](std::size_t index) {
    for (std::size_t i = index + 1; i < count; ++i) {
      if (done[i].operation == Operation::sync && done[i].file == done[index].file) return true;
    }
    return done[index].operation == Operation::remove;
  };
  Files files;
  for (std::size_t i = 0; i < count; ++i) {
    const bool is_last = i + 1 == count;
    auto step = done[i];
    const bool may_be_lost = loss == Loss::unsynced || loss == Loss::all_but_the_last;
    const bool is_first = loss == Loss::all_but_the_last && is_last;
    if (may_be_lost && !is_first && !is_synced(i)) continue;
    if (loss == Loss::torn && is_last) step.octets.resize(step.octets.size() / 2);
    replay(files, step);
  }
  return files;
}

class SqliteStorePower : public SqliteStoreTest {
 protected:
  /// Two runs, and what is kept after each of their appends.
  std::vector<Kept> live() {
    std::vector<Kept> after{Kept{}};
    (void)good_start();
    std::map<MappingId, Mapping> mappings;
    for (MappingId id = 1; id <= kAppends; ++id) {
      std::vector<TableEvent> events{opened(id)};
      mappings.insert_or_assign(id, mapping_of(id));
      if (id % 3 == 0) {
        events.push_back(closed(id - 2));
        mappings.erase(id - 2);
      }
      if (id % 4 == 0) {
        const auto renewed = mapping_of(id - 1, kNow + Seconds(60));
        events.push_back(event_of(Kind::renewed, renewed));
        mappings.insert_or_assign(id - 1, renewed);
      }
      after.push_back({{}, kEpochs});
      for (const auto& [number, mapping] : mappings) after.back().mappings.push_back(mapping);
      EXPECT_TRUE(append(events, kEpochs));
      if (id != kAppends / 2) continue;
      store_->close();
      appended_before_ = id;
      (void)good_start();
    }
    store_->close();
    return after;
  }

  void put(const Files& files) {
    store_.reset();
    std::filesystem::remove_all(settings_.directory);
    std::filesystem::create_directory(settings_.directory);
    for (const auto& [name, octets] : files) {
      std::ofstream(settings_.directory + "/" + name, std::ios::binary) << octets;
    }
  }

  static constexpr std::uint64_t kAppends = 14;
};

TEST_F(SqliteStorePower, EveryPrefixOfTheWritesLoads) {
  const auto after = live();
  const auto done = vfs_.done();
  ASSERT_GT(done.size(), 100U);
  std::set<std::size_t> seen;
  for (std::size_t count = 0; count <= done.size(); ++count) {
    // What was told before the last of these operations.
    const auto told = count == 0 ? 0 : done[count - 1].mark;
    for (const auto loss : {Loss::none, Loss::torn, Loss::unsynced, Loss::all_but_the_last}) {
      SCOPED_TRACE(testing::Message() << count << " of " << done.size() << " operations, loss "
                                      << static_cast<int>(loss) << ", told " << told);
      put(disk_after(done, count, loss));
      const auto state = good_start();
      EXPECT_EQ(store_->health().trouble, "");
      const auto first = after.begin() + static_cast<std::ptrdiff_t>(told);
      const auto found = std::find(first, after.end(), kept_in(state));
      ASSERT_NE(found, after.end()) << state.mappings.size() << " mappings";
      seen.insert(static_cast<std::size_t>(found - after.begin()));
      ASSERT_FALSE(HasFailure());
    }
  }
  EXPECT_EQ(seen.size(), after.size()) << "each state was the last one at some moment";
}

}  // namespace
}  // namespace postern::test
