#include "daemon/background_flow_table.h"

#include <csignal>
#include <utility>

namespace postern {

BackgroundFlowTable::BackgroundFlowTable(std::unique_ptr<FlowTable> table)
    : table_(std::move(table)) {
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
  std::optional<std::string> error;
  std::size_t purged = 0;
  {
    const std::lock_guard lock(mutex_);
    waiting_.insert(waiting_.end(), purges.begin(), purges.end());
    error = std::exchange(error_, std::nullopt);
    purged = std::exchange(purged_, 0);
  }
  wake_.notify_one();
  if (error) return fail(std::move(*error));
  return purged;
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

void BackgroundFlowTable::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return is_ending_ || !waiting_.empty(); });
    if (is_ending_) return;
    const auto purges = std::exchange(waiting_, {});
    lock.unlock();
    auto done = table_->purge(purges);
    lock.lock();
    if (done) {
      purged_ += *done;
    } else {
      error_ = std::move(done.error());
    }
  }
}

}  // namespace postern
