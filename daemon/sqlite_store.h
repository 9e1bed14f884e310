#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "core/store.h"
#include "daemon/store_batch.h"
#include "daemon/store_clock.h"
#include "daemon/store_file.h"
#include "daemon/store_health.h"
#include "daemon/store_history.h"

namespace postern {

struct StoreSettings {
  /// The database is postern.db there. Made, for its owner alone, if it is missing.
  std::string directory;
  /// What is appended is on the disk at the latest so much later: what a power cut or a crash may
  /// lose. 0: every append is written and synced at once, and told, so that replies can wait.
  Milliseconds delay{1000};
  /// 0: no history.
  std::uint32_t history_rows = 10000;
  /// The names that claims may have: each frontend's own constant.
  std::vector<std::string_view> frontends;

  // What tests replace.
  /// Called on both threads.
  std::function<ClockReading()> clocks = read_clocks;
  std::string boot_id = read_boot_id();
  /// SQLite's name of the file system, null for its own.
  const char* vfs = nullptr;
  /// Before a write that failed is tried again; then twice as long each time, up to a minute.
  Milliseconds first_pause{1000};
};

/// Called on the store's own thread (and by load(), on its caller's). They post and return; they
/// never call the store. Each may be empty.
struct StoreListener {
  /// Everything up to this append is on the disk; or, not `is_on_disk`, cannot be written at the
  /// moment and is kept in memory, so that nobody need wait for it. In the second case the first
  /// may follow.
  std::function<void(std::uint64_t number, bool is_on_disk)> written;
  /// Its state is another one, or there is trouble to tell. Not called again for the same trouble.
  std::function<void(const StoreHealth& health)> changed;
};

/// Leases in an SQLite database, written by a thread of its own, which owns the connection: an
/// fsync on flash takes up to a second, and no client must wait for it.
///
/// - What is appended within `delay` is one transaction; of several changes of one mapping only the
///   last is written. A transaction is on the disk as a whole or not at all, also when the power
///   goes.
/// - The store has a copy of all mappings, so it needs the room of the table once more, and can
///   write everything anew when the file was damaged or removed under it. What waits to be written
///   is never more than that, and 2,500 rows of history, however long the disk takes nothing.
/// - A write that fails is tried again, after a second, two, four … up to a minute, and said once.
///   When the disk is full, what is there stays there.
/// - An orderly end writes what waits, whatever the delay, and marks the database as clean.
/// - The clocks are kept with each transaction, each hour, and when the wall clock was set, so that
///   the next boot knows how long the machine was off.
class SqliteStore final : public Store {
 public:
  SqliteStore(StoreSettings settings, StoreListener listener);
  /// As close().
  ~SqliteStore() override;
  SqliteStore(const SqliteStore&) = delete;
  SqliteStore& operator=(const SqliteStore&) = delete;

  /// Mappings that are returned stay in the store until an event closes them. When there was
  /// nothing yet and nothing can be written at the moment, this is no error; health() tells.
  [[nodiscard]] Result<StoredState, std::string> load(Moment now) override;
  std::uint64_t append(StoreChanges changes) override;
  /// Writes what waits, once, and ends. The last call.
  void close();

  [[nodiscard]] StoreHealth health() const;

  using History = Result<std::vector<HistoryEntry>, std::string>;
  /// At most 1,000 rows, the youngest first. What waits is written before, if the disk takes it.
  /// `told` is called once, on the store's thread; at once and on the caller's when too many ask.
  void history(HistoryQuery query, std::function<void(History)> told);

 private:
  using SteadyTime = std::chrono::steady_clock::time_point;
  struct Query {
    HistoryQuery about;
    std::function<void(History)> told;
  };
  /// A batch, and up to which append it goes.
  struct Job {
    StoreBatch batch;
    std::uint64_t number = 0;
  };
  using Lock = std::unique_lock<std::mutex>;

  /// Takes over what is there, and begins this run.
  [[nodiscard]] StoredState adopt(const OpenStoreFile& opened, StoreContents contents,
                                  const ClockReading& now);
  void begin_thread();

  // On the store's thread (before it runs, on load()'s).
  void work();
  void write(Lock& lock);
  /// Without the lock. The error, if there was one.
  [[nodiscard]] std::optional<DatabaseError> write_to_disk(const StoreBatch& batch);
  void answer_queries(Lock& lock);
  void tell_written(Lock& lock, std::uint64_t number, bool is_on_disk);
  void tell_changed(Lock& lock);
  void note_success(Lock& lock);
  void note_failure(Lock& lock, const DatabaseError& error);
  /// Whether the machine's clocks are not what is on the disk says, or that is old.
  [[nodiscard]] bool is_clock_stale() const;

  // Under the mutex.
  void note(TableEvent event);
  [[nodiscard]] Job take_job();
  void give_back(Job job);
  [[nodiscard]] bool has_work() const;
  [[nodiscard]] bool must_tell() const;
  [[nodiscard]] StoreMark mark() const;
  [[nodiscard]] StoreHealth health_now() const;

  const StoreSettings settings_;
  const StoreListener listener_;
  const StoreFile file_;

  /// The store's thread's, once that runs. Nothing: to be opened again.
  std::optional<StoreDatabase> database_;
  ClockReading written_clocks_;
  std::uint64_t history_rows_ = 0;
  /// What was wrong with the file when it was opened again.
  std::string trouble_at_opening_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  // Under the mutex from here on.
  /// All there are, as they were appended.
  std::unordered_map<MappingId, Mapping> mappings_;
  std::optional<EpochStarts> epochs_;
  /// Which of them are otherwise on the disk, or are no more and may be there.
  std::unordered_set<MappingId> changed_;
  /// All of them, whatever there is on the disk.
  bool is_everything_changed_ = false;
  /// The epochs, the clocks or the mark.
  bool is_meta_changed_ = false;
  StoreHistory history_;
  std::vector<Query> queries_;
  /// The numbers of the last append, and of the last one that was told of.
  std::uint64_t appended_ = 0;
  std::uint64_t told_ = 0;
  /// When to write what there is; nothing: there is nothing.
  std::optional<SteadyTime> due_;
  Milliseconds pause_;
  /// Of what load() returned, and clients were told since, nothing can be missing.
  bool is_whole_ = false;
  /// load() failed; nothing is ever written.
  bool is_useless_ = false;
  bool is_ending_ = false;
  StoreHealth health_;

  std::thread thread_;
};

}  // namespace postern
