#include "daemon/sqlite_store.h"

#include <algorithm>
#include <utility>

#include <pthread.h>
#include <signal.h>

namespace postern {
namespace {

using std::chrono::steady_clock;

/// Beyond so many ids of mappings that are gone, it costs less to write all there are.
constexpr std::size_t kMostGone = 10'000;
constexpr std::size_t kMostQueries = 16;

}  // namespace

SqliteStore::SqliteStore(StoreSettings settings, StoreListener listener)
    : settings_(std::move(settings)),
      listener_(std::move(listener)),
      file_(settings_.directory, settings_.vfs),
      history_(settings_.history_rows > 0),
      pause_(settings_.first_pause) {}

SqliteStore::~SqliteStore() {
  close();
}

Result<StoredState, std::string> SqliteStore::load(Moment now) {
  auto clocks = settings_.clocks();
  clocks.moment = now;
  health_.since = now;
  Lock lock(mutex_);
  auto opened = file_.open();
  StoreContents contents;
  DatabaseError trouble;
  if (!opened) trouble = {opened.error().code, opened.error().text};
  is_useless_ = !opened && opened.error().is_there;
  if (opened) {
    contents = read_contents(opened->database, settings_.frontends);
    history_rows_ = count_history(opened->database);
    if (const auto& error = opened->database.error()) {
      trouble = {error->code, file_.name() + " cannot be read: " + error->text};
      is_useless_ = true;
    }
  }
  StoredState state;
  if (!trouble.text.empty()) {
    is_everything_changed_ = true;
    note_failure(lock, trouble);
  } else {
    state = adopt(*opened, std::move(contents), clocks);
    if (opened->is_read_only) {
      note_failure(lock, {0, opened->trouble});
    } else {
      database_.emplace(std::move(opened->database));
      health_.notice = opened->trouble;
      if (health_.rows_left_out > 0) {
        health_.notice = file_.name() + ": " + std::to_string(health_.rows_left_out) +
                         " rows cannot be right and were left out";
      }
      if (!health_.notice.empty()) tell_changed(lock);
      // The mark of the last run must go before anybody is told anything that is not there yet.
      is_meta_changed_ = true;
      write(lock);
    }
  }
  begin_thread();
  if (is_useless_) return fail(std::move(trouble.text));
  return state;
}

StoredState SqliteStore::adopt(const OpenStoreFile& opened, StoreContents contents,
                               const ClockReading& now) {
  const auto shift =
      clock_shift(contents.meta.boot_id, contents.meta.written, settings_.boot_id, now);
  shift_moments(contents, shift.added);
  for (const auto& mapping : contents.mappings) mappings_.emplace(mapping.id, mapping);
  epochs_ = contents.meta.epochs;
  health_.rows_left_out = contents.left_out;
  is_everything_changed_ = !shift.is_same_boot || contents.left_out > 0 || opened.is_read_only;
  StoredState state;
  state.mappings = std::move(contents.mappings);
  state.epochs = contents.meta.epochs;
  state.is_same_boot = shift.is_same_boot;
  state.is_complete = contents.meta.mark != StoreMark::running && contents.left_out == 0 &&
                      !file_.is_behind() && !opened.is_new;
  state.is_elapsed_unknown = shift.is_elapsed_unknown && !opened.is_new;
  is_whole_ = state.is_complete;
  return state;
}

void SqliteStore::begin_thread() {
  // Signals are for the thread that waits for them; a new thread inherits what is blocked.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { work(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

std::uint64_t SqliteStore::append(StoreChanges changes) {
  const auto clocks = settings_.clocks();
  Lock lock(mutex_);
  const auto number = ++appended_;
  if (!is_useless_) {
    changes.rules.resize(changes.events.size());
    for (std::size_t i = 0; i < changes.events.size(); ++i) {
      history_.note(changes.events[i], changes.rules[i], changes.now, clocks.wall_ms);
    }
    for (const auto& refusal : changes.refusals) {
      history_.note(refusal, changes.now, clocks.wall_ms);
    }
    for (auto& event : changes.events) note(std::move(event));
    if (changes.epochs) {
      epochs_ = std::move(changes.epochs);
      is_meta_changed_ = true;
      // What clients compare with is known again, whatever was missing before.
      is_whole_ = true;
    }
  }
  // While the thread waits for a moment that is set already, it need not hear of each append.
  const bool is_awaited = due_.has_value() && !must_tell();
  if (!due_ && !is_useless_) due_ = steady_clock::now() + settings_.delay;
  lock.unlock();
  if (!is_awaited) wake_.notify_one();
  return number;
}

void SqliteStore::note(TableEvent event) {
  const auto id = event.mapping.id;
  if (event.kind == TableEvent::Kind::closed) {
    mappings_.erase(id);
  } else {
    mappings_.insert_or_assign(id, std::move(event.mapping));
  }
  if (is_everything_changed_) return;
  changed_.insert(id);
  if (changed_.size() <= mappings_.size() + kMostGone) return;
  is_everything_changed_ = true;
  changed_.clear();
}

void SqliteStore::close() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void SqliteStore::history(HistoryQuery query, std::function<void(History)> told) {
  Lock lock(mutex_);
  if (is_ending_ || !thread_.joinable() || queries_.size() >= kMostQueries) {
    lock.unlock();
    told(fail(std::string("the store is busy")));
    return;
  }
  queries_.push_back({std::move(query), std::move(told)});
  lock.unlock();
  wake_.notify_one();
}

StoreHealth SqliteStore::health() const {
  const std::lock_guard lock(mutex_);
  return health_now();
}

StoreHealth SqliteStore::health_now() const {
  auto health = health_;
  health.pending =
      (is_everything_changed_ ? mappings_.size() : changed_.size()) + history_.waiting();
  health.history_left_out = history_.left_out();
  return health;
}

}  // namespace postern
