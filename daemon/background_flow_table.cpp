#include "daemon/background_flow_table.h"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <utility>

namespace postern {
namespace {

constexpr std::chrono::seconds kLongestPause{1};

}  // namespace

BackgroundFlowTable::BackgroundFlowTable(std::unique_ptr<FlowTable> table, Purged purged)
    : table_(std::move(table)), purged_(std::move(purged)) {
  // Signals are for the thread that waits for them; a new thread inherits what is blocked.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { work(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

BackgroundFlowTable::~BackgroundFlowTable() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

Result<std::size_t, std::string> BackgroundFlowTable::purge(std::span<const FlowPurge> purges) {
  bool must_wake = false;
  {
    const std::lock_guard lock(mutex_);
    waiting_.insert(waiting_.end(), purges.begin(), purges.end());
    must_wake = is_idle_ || closes_something(purges);
  }
  // A thread that pauses anyway would be woken by each turn for nothing.
  if (must_wake) wake_.notify_one();
  return 0;
}

Result<std::size_t, std::string> BackgroundFlowTable::purge_strays(std::span<const TimedDoor> doors,
                                                                   bool spares_established_tcp) {
  return table_->purge_strays(doors, spares_established_tcp);
}

Result<std::optional<Flow>, std::string> BackgroundFlowTable::find(Protocol protocol,
                                                                   const Endpoint& internal,
                                                                   const Endpoint& remote) {
  return table_->find(protocol, internal, remote);
}

bool BackgroundFlowTable::closes_something(std::span<const FlowPurge> purges) {
  return std::any_of(purges.begin(), purges.end(), [](const FlowPurge& purge) {
    return purge.which == FlowPurge::Which::through_door;
  });
}

void BackgroundFlowTable::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    is_idle_ = true;
    wake_.wait(lock, [this] { return is_ending_ || !waiting_.empty(); });
    is_idle_ = false;
    if (is_ending_) return;
    const auto purges = std::exchange(waiting_, {});
    lock.unlock();
    const auto begun = std::chrono::steady_clock::now();
    purged_(table_->purge(purges));
    const auto taken = std::chrono::steady_clock::now() - begun;
    lock.lock();
    // Whoever opens doors all day long gets no more than a tenth of a processor, and who closes
    // them, for which traffic must stop soon, a fifth.
    const auto pause = [&](std::chrono::nanoseconds time, auto until) {
      return wake_.wait_for(lock, std::min<std::chrono::nanoseconds>(time, kLongestPause), until);
    };
    if (pause(4 * taken, [this] { return is_ending_; })) continue;
    pause(5 * taken, [this] { return is_ending_ || closes_something(waiting_); });
  }
}

}  // namespace postern
