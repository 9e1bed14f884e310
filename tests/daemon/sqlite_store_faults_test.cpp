// What becomes of leases when the disk fails: at every call, in every way.

#include <fstream>
#include <thread>

#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/daemon/sqlite_store_fixture.h"

/// What this thread has synced; its calls come here instead of to the C library.
static thread_local std::vector<std::string> synced;

extern "C" int fsync(int descriptor) {
  std::error_code error;
  synced.push_back(
      std::filesystem::read_symlink("/proc/self/fd/" + std::to_string(descriptor), error).string());
  return static_cast<int>(::syscall(SYS_fsync, descriptor));
}

namespace postern::test {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using Kind = TableEvent::Kind;
using Operation = FaultyVfs::Operation;
using State = StoreHealth::State;

const EpochStarts kEpochs{kNow, kNow, {Address::v4(0xc6336407)}};

[[nodiscard]] std::string contents_of(const std::string& file) {
  std::ifstream stream(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

void write_file(const std::string& file, const std::string& contents) {
  std::ofstream(file, std::ios::binary) << contents;
}

class SqliteStoreFaults : public SqliteStoreTest {
 protected:
  /// A store with two mappings, which has ended in order.
  void leave_something() {
    (void)good_start();
    ASSERT_TRUE(append({opened(1), opened(3)}, kEpochs));
    store_->close();
  }
  [[nodiscard]] static Kept something() { return {{mapping_of(1), mapping_of(3)}, kEpochs}; }

  /// Starts, appends five times, ends. What is kept after each append is in `after`, and the number
  /// of the last one that was told to be on the disk is returned.
  std::uint64_t live(std::vector<Kept>& after) {
    after = {something()};
    const auto state = start();
    if (!state) return 0;
    if (kept_in(*state) != something()) ADD_FAILURE() << "the state before is another one";
    const auto add = [&](std::vector<TableEvent> events, const auto& change) {
      after.push_back(after.back());
      change(after.back().mappings);
      append(std::move(events));
    };
    add({opened(5)}, [](auto& mappings) { mappings.push_back(mapping_of(5)); });
    add({closed(1)}, [](auto& mappings) { mappings.erase(mappings.begin()); });
    auto renewed = mapping_of(3, kNow + Seconds(60));
    add({event_of(Kind::renewed, renewed)}, [&](auto& mappings) { mappings[0] = renewed; });
    add({opened(6), opened(7)}, [](auto& mappings) {
      mappings.push_back(mapping_of(6));
      mappings.push_back(mapping_of(7));
    });
    add({closed(3)}, [](auto& mappings) { mappings.erase(mappings.begin()); });
    store_->close();
    return on_disk();
  }

  /// Puts back what leave_something() left.
  void restore(const std::string& database) {
    store_.reset();
    std::filesystem::remove_all(settings_.directory);
    std::filesystem::create_directory(settings_.directory);
    write_file(file(), database);
  }

  /// One life with the fault, and what the next one finds. Whether the fault was met.
  bool survives(Operation operation, int index, int code, bool is_lasting) {
    std::vector<Kept> after;
    vfs_.fail(operation, index, code, is_lasting);
    const auto acknowledged = live(after);
    const bool was_met = vfs_.calls(operation) > index;
    vfs_.heal();
    const auto state = good_start();
    const auto found = std::find(after.begin() + static_cast<std::ptrdiff_t>(acknowledged),
                                 after.end(), kept_in(state));
    EXPECT_NE(found, after.end()) << "no state after append " << acknowledged << " or later";
    if (found != after.end() && *found != after.back()) {
      EXPECT_FALSE(state.is_complete) << "something is missing";
    }
    return was_met;
  }
};

TEST_F(SqliteStoreFaults, AnyCallMayFail) {
  leave_something();
  const auto database = contents_of(file());
  int lives = 0;
  for (const auto operation : FaultyVfs::kOperations) {
    const std::vector<int> codes =
        operation == Operation::write  ? std::vector{SQLITE_FULL, SQLITE_IOERR_WRITE}
        : operation == Operation::open ? std::vector{SQLITE_CANTOPEN, SQLITE_IOERR}
        : operation == Operation::read ? std::vector{SQLITE_IOERR_READ}
                                       : std::vector{SQLITE_IOERR};
    for (const int code : codes) {
      for (const bool is_lasting : {false, true}) {
        for (int index = 0; index < 1000; ++index, ++lives) {
          SCOPED_TRACE(testing::Message()
                       << "operation " << static_cast<int>(operation) << " call " << index
                       << " code " << code << " lasting " << is_lasting);
          restore(database);
          if (!survives(operation, index, code, is_lasting)) break;
          ASSERT_FALSE(HasFailure());
        }
      }
    }
  }
  EXPECT_GT(lives, 200);
}

TEST_F(SqliteStoreFaults, AFullDiskIsSaidOnceAndKeepsWhatIsThere) {
  leave_something();
  (void)good_start();
  vfs_.fail(Operation::write, 0, SQLITE_FULL, true);
  EXPECT_FALSE(append({opened(5)})) << "served from memory";
  EXPECT_FALSE(append({opened(6)}));
  const auto health = store_->health();
  EXPECT_EQ(health.state, State::memory_only);
  EXPECT_THAT(health.trouble, AllOf(HasSubstr("postern.db"), HasSubstr("full")));
  EXPECT_EQ(health.pending, 2U + 2U) << "two mappings, two rows of history";
  EXPECT_THAT(news(), SizeIs(1));
  crash();
  vfs_.heal();
  const auto state = good_start();
  EXPECT_EQ(kept_in(state), something());
  EXPECT_FALSE(state.is_complete);
}

TEST_F(SqliteStoreFaults, WhatWasKeptInMemoryIsWrittenWhenTheDiskIsWell) {
  for (const int code : {SQLITE_FULL, SQLITE_IOERR_WRITE}) {
    settings_.first_pause = Milliseconds(1);
    settings_.directory = directory_ + "/" + std::to_string(code);
    leave_something();
    (void)good_start();
    vfs_.fail(Operation::write, 0, code, true);
    append({opened(5)});
    vfs_.heal();
    wait_for_news([](const StoreHealth& health) { return health.state == State::ok; });
    EXPECT_EQ(store_->health().trouble, "") << "it is over";
    EXPECT_EQ(store_->health().pending, 0U);
    crash();
    auto kept = something();
    kept.mappings.push_back(mapping_of(5));
    const auto state = good_start();
    EXPECT_EQ(kept_in(state), kept);
    EXPECT_TRUE(state.is_complete);
  }
}

TEST_F(SqliteStoreFaults, ManyClosedMappingsTakeNoMoreRoomThanAll) {
  leave_something();
  (void)good_start();
  vfs_.fail(Operation::write, 0, SQLITE_FULL, true);
  for (MappingId id = 100; id < 20'100; ++id) {
    store_->append({kNow, {opened(id), closed(id)}, {}, {}});
  }
  EXPECT_LE(store_->health().pending, 2000U + 10'002U);
  vfs_.heal();
  store_->close();
  EXPECT_EQ(kept_in(good_start()), something());
}

TEST_F(SqliteStoreFaults, ADiskThatIsFullFromTheBeginningIsNoEnd) {
  vfs_.fail(Operation::write, 0, SQLITE_FULL, true);
  const auto state = start();
  ASSERT_TRUE(state) << "there was nothing to lose";
  EXPECT_EQ(store_->health().state, State::memory_only);
  EXPECT_FALSE(append({opened(1)}, kEpochs));
  vfs_.heal();
  store_->close();
  EXPECT_EQ(kept_in(good_start()), (Kept{{mapping_of(1)}, kEpochs}));
}

TEST_F(SqliteStoreFaults, WhatCannotBeReadIsAnErrorAndStaysWhereItIs) {
  leave_something();
  vfs_.fail(Operation::read, 0, SQLITE_IOERR_READ, true);
  const auto state = start();
  ASSERT_FALSE(state);
  EXPECT_THAT(state.error(), HasSubstr("disk I/O error"));
  EXPECT_THAT(news(), SizeIs(0)) << "the error says it";
  EXPECT_FALSE(append({opened(5)})) << "told nevertheless";
  EXPECT_EQ(store_->health().state, State::memory_only);
  vfs_.heal();
  const auto again = good_start();
  EXPECT_EQ(kept_in(again), something());
  EXPECT_FALSE(again.is_complete) << "of the run between nothing is here";
}

TEST_F(SqliteStoreFaults, ADatabaseThatAnotherProcessHasIsNotBehind) {
  leave_something();
  vfs_.fail(Operation::read, 0, SQLITE_BUSY, true);
  const auto state = start();
  ASSERT_FALSE(state);
  EXPECT_THAT(state.error(), HasSubstr("another process uses it"));
  EXPECT_FALSE(std::filesystem::exists(file() + ".behind"));
  vfs_.heal();
  EXPECT_TRUE(good_start().is_complete);
}

TEST_F(SqliteStoreFaults, ThatItIsBehindIsSyncedWithItsDirectory) {
  std::filesystem::create_directory(settings_.directory);
  const StoreFile store_file(settings_.directory, nullptr);
  synced.clear();
  store_file.set_behind(true);
  const auto directory = std::filesystem::canonical(settings_.directory).string();
  EXPECT_THAT(synced, ::testing::ElementsAre(directory + "/postern.db.behind", directory));
  EXPECT_TRUE(store_file.is_behind());
}

TEST_F(SqliteStoreFaults, TextInPlaceOfADatabaseIsMovedAside) {
  std::filesystem::create_directory(settings_.directory);
  write_file(file(), std::string(5000, 'x'));
  EXPECT_EQ(kept_in(good_start()), Kept{});
  EXPECT_EQ(contents_of(file() + ".damaged-1"), std::string(5000, 'x'));
  ASSERT_THAT(news(), SizeIs(1));
  EXPECT_EQ(news()[0].trouble, "");
  EXPECT_THAT(news()[0].notice, AllOf(HasSubstr("is damaged"), HasSubstr("postern.db.damaged-1"),
                                      HasSubstr("an empty one was begun")));
  EXPECT_EQ(news()[0].state, State::ok);
  append({opened(1)}, kEpochs);
  store_->close();
  EXPECT_EQ(kept_in(good_start()), (Kept{{mapping_of(1)}, kEpochs}));
}

TEST_F(SqliteStoreFaults, SomebodyElsesDatabaseIsMovedAside) {
  std::filesystem::create_directory(settings_.directory);
  for (const auto& [sql, words] :
       {std::pair{"CREATE TABLE meta(x)", "is not a database of Postern's"},
        std::pair{"PRAGMA user_version = 7", "is not a database of Postern's"},
        std::pair{"PRAGMA application_id = 0x506f7374; PRAGMA user_version = 2", "later version"},
        std::pair{
            "PRAGMA application_id = 0x506f7374; PRAGMA user_version = 1; CREATE TABLE meta(x)",
            "is damaged"}}) {
    store_.reset();
    std::filesystem::remove(file());
    write_file(file(), "");
    StoreDatabase(file(), StoreDatabase::Access::read_write, nullptr).run(sql);
    EXPECT_EQ(kept_in(good_start()), Kept{});
    EXPECT_THAT(store_->health().notice, HasSubstr(words)) << sql;
  }
  EXPECT_TRUE(std::filesystem::exists(file() + ".damaged-4"));
}

TEST_F(SqliteStoreFaults, ADirectoryInPlaceOfTheFileIsMovedAside) {
  std::filesystem::create_directories(file());
  EXPECT_EQ(kept_in(good_start()), Kept{});
  EXPECT_TRUE(std::filesystem::is_directory(file() + ".damaged-1"));
}

TEST_F(SqliteStoreFaults, TheJournalOfADamagedDatabaseGoesWithIt) {
  leave_something();
  (void)good_start();
  append({opened(5)});
  crash();
  ASSERT_TRUE(std::filesystem::exists(file() + "-wal"));
  write_file(file(), std::string(5000, 'x'));
  EXPECT_EQ(kept_in(good_start()), Kept{});
  EXPECT_TRUE(std::filesystem::exists(file() + ".damaged-1-wal"));
}

TEST_F(SqliteStoreFaults, NoMoreThanNineAreKept) {
  for (int i = 0; i < 11; ++i) {
    store_.reset();
    std::filesystem::create_directories(settings_.directory);
    write_file(file(), "xxxx" + std::to_string(i));
    (void)good_start();
  }
  EXPECT_EQ(contents_of(file() + ".damaged-1"), "xxxx0");
  EXPECT_EQ(contents_of(file() + ".damaged-9"), "xxxx10");
  EXPECT_FALSE(std::filesystem::exists(file() + ".damaged-10"));
}

TEST_F(SqliteStoreFaults, APageThatIsDamagedUnderItIsFoundAndAllIsWrittenAnew) {
  leave_something();
  settings_.first_pause = Milliseconds(1);
  (void)good_start();
  // SQLite tells so when it reads a page; after that the file is as good as text.
  vfs_.fail(Operation::write, 0, SQLITE_CORRUPT, false);
  write_file(file(), std::string(5000, 'x'));
  append({opened(5)});
  wait_for_news([](const StoreHealth& health) {
    return health.state == State::ok && health.notice.find("damaged-1") != std::string::npos;
  });
  store_->close();
  auto kept = something();
  kept.mappings.push_back(mapping_of(5));
  EXPECT_EQ(kept_in(good_start()), kept);
}

TEST_F(SqliteStoreFaults, AFileThatIsRemovedUnderItIsWrittenAnew) {
  leave_something();
  settings_.first_pause = Milliseconds(1);
  (void)good_start();
  std::filesystem::remove_all(settings_.directory);
  vfs_.fail(Operation::write, 0, SQLITE_IOERR_WRITE, false);
  append({opened(5)});
  wait_for_news([](const StoreHealth& health) { return health.state == State::ok; });
  store_->close();
  auto kept = something();
  kept.mappings.push_back(mapping_of(5));
  EXPECT_EQ(kept_in(good_start()), kept);
}

TEST_F(SqliteStoreFaults, FlippedOctetsNeverHarm) {
  leave_something();
  const auto database = contents_of(file());
  ASSERT_GT(database.size(), 20'000U);
  for (std::size_t at = 0; at < database.size(); at += at < 200 ? 3 : 97) {
    auto damaged = database;
    damaged[at] = static_cast<char>(damaged[at] ^ (at % 2 == 0 ? 0xff : 0x01));
    restore(damaged);
    const auto state = good_start();
    for (const auto& mapping : state.mappings) {
      ASSERT_FALSE(mapping.claims.empty()) << at;
      ASSERT_NE(mapping.internal.port, 0) << at;
      ASSERT_LT(mapping.ends(), kNow + Seconds(7261)) << at;
      // Who was let in by filters only is never let in without.
      ASSERT_EQ(mapping.filters.size(), mapping_of(mapping.id).filters.size()) << at;
    }
  }
}

TEST_F(SqliteStoreFaults, RowsThatCannotBeAreLeftOut) {
  const std::pair<const char*, std::size_t> cases[] = {
      {"UPDATE mapping SET internal_address = 'x' WHERE id = 1", 2},
      {"UPDATE mapping SET external_port = 0 WHERE id = 1", 2},
      {"UPDATE mapping SET external_port = 65536 WHERE id = 1", 2},
      {"UPDATE mapping SET protocol = 7 WHERE id = 1", 2},
      {"UPDATE mapping SET external_address = '::1' WHERE id = 1", 2},
      {"UPDATE mapping SET id = -1 WHERE id = 1", 2},
      {"UPDATE claim SET ends = ends + 61001 WHERE mapping = 1", 2},
      {"UPDATE claim SET ends = 9223372036854775807 WHERE mapping = 1", 2},
      {"UPDATE claim SET nonce = x'00' WHERE mapping = 1", 2},
      {"UPDATE claim SET client = '0.0.0.0' WHERE mapping = 1", 2},
      {"UPDATE claim SET is_enabled = NULL WHERE mapping = 1", 0},
      {"DELETE FROM claim WHERE mapping = 1", 1},
      {"DELETE FROM filter WHERE mapping = 3 AND position = 0", 1},
      {"UPDATE filter SET first_port = 70000 WHERE mapping = 3", 3},
      {"UPDATE claim SET is_filtering = 0 WHERE mapping = 3", 1},
      {"DELETE FROM mapping WHERE id = 1", 1},
  };
  leave_something();
  const auto database = contents_of(file());
  for (const auto& [sql, left_out] : cases) {
    restore(database);
    StoreDatabase other(file(), StoreDatabase::Access::read_write, nullptr);
    other.run(sql);
    const bool was_taken = !other.error();
    other = StoreDatabase(directory_ + "/none", StoreDatabase::Access::read_write, nullptr);
    ASSERT_EQ(was_taken, left_out > 0) << sql;
    const auto state = good_start();
    EXPECT_EQ(store_->health().rows_left_out, left_out) << sql;
    EXPECT_THAT(state.mappings, SizeIs(left_out > 0 ? 1 : 2)) << sql;
    EXPECT_EQ(state.is_complete, left_out == 0) << sql;
    if (left_out > 0) {
      EXPECT_THAT(news()[0].notice, HasSubstr("rows cannot be right")) << sql;
    }
    // They are gone for good.
    store_->close();
    (void)good_start();
    EXPECT_EQ(store_->health().rows_left_out, 0U) << sql;
  }
}

TEST_F(SqliteStoreFaults, ADescriptionThatIsNoTextIsNone) {
  leave_something();
  StoreDatabase(file(), StoreDatabase::Access::read_write, nullptr)
      .run(
          "UPDATE claim SET description = x'ff' WHERE mapping = 1; UPDATE claim SET "
          "description = char(10) WHERE mapping = 3");
  const auto state = good_start();
  ASSERT_THAT(state.mappings, SizeIs(2));
  for (const auto& mapping : state.mappings) {
    EXPECT_EQ(mapping.claims[0].details->description, "");
  }
}

/// In mounts of this thread's own, which end with it, the directory can only be read. Whether that
/// could be had.
[[nodiscard]] bool shut(const char* directory) {
  return ::unshare(CLONE_NEWNS) == 0 &&
         ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         ::mount(directory, directory, nullptr, MS_BIND, nullptr) == 0 &&
         ::mount(nullptr, directory, nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) == 0;
}

TEST_F(SqliteStoreFaults, AReadOnlyFileSystemGivesWhatItHas) {
  leave_something();
  bool is_shut = false;
  // Root writes wherever it likes, except to a file system that is mounted for reading.
  std::thread([&] {
    is_shut = shut(settings_.directory.c_str());
    if (!is_shut) return;
    EXPECT_EQ(kept_in(good_start()), something());
    EXPECT_FALSE(append({opened(5)}));
    EXPECT_EQ(store_->health().state, State::memory_only);
    EXPECT_THAT(store_->health().trouble, HasSubstr("cannot be written"));
    store_->close();
  }).join();
  if (!is_shut) GTEST_SKIP() << "needs the right to mount";
  EXPECT_EQ(kept_in(good_start()), something());
}

}  // namespace
}  // namespace postern::test
