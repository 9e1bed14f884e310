#include <algorithm>
#include <cstdlib>
#include <utility>

#include <pthread.h>

#include "daemon/sqlite_store.h"

// What SqliteStore does on its own thread.

namespace postern {
namespace {

using std::chrono::steady_clock;

constexpr Milliseconds kLongestPause{60'000};
/// How often is looked whether the wall clock was set.
constexpr Milliseconds kClockPause{60'000};
/// Less than that is a clock that is being slewed.
constexpr std::int64_t kStepOfClock = 2000;
constexpr Seconds kOldestClocks{3600};

}  // namespace

void SqliteStore::work() {
  ::pthread_setname_np(::pthread_self(), "store");
  Lock lock(mutex_);
  bool is_last = false;
  while (!is_last) {
    const auto look = steady_clock::now() + kClockPause;
    const auto waited_for = due_;
    wake_.wait_until(lock, std::min(due_.value_or(look), look), [&] {
      return is_ending_ || !queries_.empty() || must_tell() || due_ != waited_for;
    });
    is_last = is_ending_;
    if (is_last || is_clock_stale()) is_meta_changed_ = true;
    if (is_meta_changed_ && !due_) due_ = steady_clock::now();
    answer_queries(lock);
    if (is_last || (due_ && steady_clock::now() >= *due_)) write(lock);
    if (must_tell()) tell_written(lock, appended_, false);
  }
  if (!database_) return;
  database_->take_in_journal();
  database_.reset();
}

void SqliteStore::answer_queries(Lock& lock) {
  while (!queries_.empty()) {
    // Whoever asks wants to know what has just happened, too.
    const bool is_well = health_.state == StoreHealth::State::ok;
    if (is_well && history_.waiting() > 0) write(lock);
    const auto queries = std::exchange(queries_, {});
    lock.unlock();
    for (const auto& query : queries) {
      if (!database_) {
        query.told(fail(std::string("the database cannot be used at the moment")));
        continue;
      }
      auto entries = read_history(*database_, query.about);
      if (const auto error = database_->error()) {
        database_->set_error({});
        query.told(fail(error->text));
      } else {
        query.told(std::move(entries));
      }
    }
    lock.lock();
  }
}

bool SqliteStore::is_clock_stale() const {
  if (!database_) return false;
  const auto now = settings_.clocks();
  const auto passed = now.moment - written_clocks_.moment;
  const auto stepped = now.wall_ms - written_clocks_.wall_ms - passed.count();
  return std::abs(stepped) > kStepOfClock || passed >= kOldestClocks;
}

bool SqliteStore::has_work() const {
  return is_everything_changed_ || is_meta_changed_ || !changed_.empty() || history_.waiting() > 0;
}

bool SqliteStore::must_tell() const {
  return health_.state == StoreHealth::State::memory_only && told_ < appended_;
}

StoreMark SqliteStore::mark() const {
  if (!is_whole_) return StoreMark::running;
  if (is_ending_) return StoreMark::clean;
  return settings_.delay == Milliseconds(0) ? StoreMark::exact : StoreMark::running;
}

SqliteStore::Job SqliteStore::take_job() {
  Job job;
  job.number = appended_;
  job.batch.is_everything = std::exchange(is_everything_changed_, false);
  if (job.batch.is_everything) {
    job.batch.mappings.assign(mappings_.begin(), mappings_.end());
  } else {
    job.batch.mappings.reserve(changed_.size());
    for (const auto id : changed_) {
      const auto found = mappings_.find(id);
      job.batch.mappings.emplace_back(
          id, found == mappings_.end() ? std::nullopt : std::optional(found->second));
    }
  }
  changed_.clear();
  is_meta_changed_ = false;
  job.batch.history = history_.take();
  job.batch.meta = {settings_.boot_id, settings_.clocks(), mark(), epochs_};
  return job;
}

void SqliteStore::give_back(Job job) {
  is_meta_changed_ = true;
  is_everything_changed_ = is_everything_changed_ || job.batch.is_everything;
  if (is_everything_changed_) {
    changed_.clear();
  } else {
    for (const auto& [id, mapping] : job.batch.mappings) changed_.insert(id);
  }
  history_.give_back(std::move(job.batch.history));
}

void SqliteStore::write(Lock& lock) {
  due_.reset();
  if (is_useless_) return;
  if (!has_work()) {
    tell_written(lock, appended_, true);
    return;
  }
  auto job = take_job();
  lock.unlock();
  const auto error = write_to_disk(job.batch);
  lock.lock();
  if (error) {
    give_back(std::move(job));
    note_failure(lock, *error);
    return;
  }
  const auto number = job.number;
  note_success(lock);
  tell_written(lock, number, true);
}

std::optional<DatabaseError> SqliteStore::write_to_disk(const StoreBatch& batch) {
  if (!database_) {
    auto opened = file_.open();
    if (!opened) return DatabaseError{opened.error().code, opened.error().text};
    if (opened->is_read_only) return DatabaseError{0, opened->trouble};
    trouble_at_opening_ = std::move(opened->trouble);
    database_.emplace(std::move(opened->database));
  }
  write_batch(*database_, batch, settings_.history_rows);
  const auto rows = count_history(*database_);
  if (auto error = database_->error()) {
    database_->set_error({});
    // Nothing is wrong with a connection whose disk is full. After anything else begin anew: the
    // file may be damaged, or be another one.
    if (!error->is_full()) database_.reset();
    error->text = file_.name() + ": " + error->text;
    return error;
  }
  written_clocks_ = batch.meta.written;
  history_rows_ = rows;
  file_.set_behind(false);
  return std::nullopt;
}

void SqliteStore::note_success(Lock& lock) {
  pause_ = settings_.first_pause;
  health_.history_rows = history_rows_;
  const auto notice = std::exchange(trouble_at_opening_, {});
  const bool was_ok = health_.state == StoreHealth::State::ok;
  if (!was_ok) {
    health_.state = StoreHealth::State::ok;
    health_.since = written_clocks_.moment;
    health_.trouble.clear();
  }
  if (!notice.empty()) health_.notice = notice;
  if (!was_ok || !notice.empty()) tell_changed(lock);
}

void SqliteStore::note_failure(Lock& lock, const DatabaseError& error) {
  due_ = steady_clock::now() + pause_;
  pause_ = std::min(2 * pause_, kLongestPause);
  // A connection that is opened again may be to another file.
  if (!database_) is_everything_changed_ = true;
  const bool was_ok = health_.state == StoreHealth::State::ok;
  if (!was_ok && health_.trouble == error.text) return;
  health_.trouble = error.text;
  if (was_ok) {
    health_.state = StoreHealth::State::memory_only;
    health_.since = settings_.clocks().moment;
    // Who else has the database writes there what is true.
    if (!error.is_busy()) {
      lock.unlock();
      file_.set_behind(true);
      lock.lock();
    }
  }
  // load() itself tells of a store that is of no use.
  if (!is_useless_) tell_changed(lock);
}

void SqliteStore::tell_written(Lock& lock, std::uint64_t number, bool is_on_disk) {
  told_ = std::max(told_, number);
  if (!listener_.written || number == 0) return;
  lock.unlock();
  listener_.written(number, is_on_disk);
  lock.lock();
}

void SqliteStore::tell_changed(Lock& lock) {
  if (!listener_.changed) return;
  const auto health = health_now();
  lock.unlock();
  listener_.changed(health);
  lock.lock();
}

}  // namespace postern
