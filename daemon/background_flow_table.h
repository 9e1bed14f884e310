#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "core/flow_table.h"

namespace postern {

/// Purges on a thread of its own: the kernel walks through all its connections for that, which
/// takes 10 ms and more, and clients must not wait meanwhile. What comes in while the thread is
/// busy is one purge when it is free again.
///
/// purge() returns at once, with the number of connections, or the error, of what was done since it
/// was asked last. The other calls wait for their answer.
class BackgroundFlowTable final : public FlowTable {
 public:
  /// `table` is used by this object alone from now on; its calls may come from two threads, not at
  /// the same time for purge().
  explicit BackgroundFlowTable(std::unique_ptr<FlowTable> table);
  /// Waits for the purge that is being done, and forgets the others.
  ~BackgroundFlowTable() override;
  BackgroundFlowTable(const BackgroundFlowTable&) = delete;
  BackgroundFlowTable& operator=(const BackgroundFlowTable&) = delete;

  [[nodiscard]] Result<std::size_t, std::string> purge(std::span<const FlowPurge> purges) override;
  [[nodiscard]] Result<std::size_t, std::string> purge_strays(std::span<const TimedDoor> doors,
                                                              bool spares_established_tcp) override;
  [[nodiscard]] Result<std::optional<Flow>, std::string> find(Protocol protocol,
                                                              const Endpoint& internal,
                                                              const Endpoint& remote) override;

 private:
  void work();

  std::unique_ptr<FlowTable> table_;

  std::mutex mutex_;
  std::condition_variable wake_;
  /// Under the mutex: what to do, what came of it, and whether to end.
  std::vector<FlowPurge> waiting_;
  std::size_t purged_ = 0;
  std::optional<std::string> error_;
  bool is_ending_ = false;

  std::thread thread_;
};

}  // namespace postern
