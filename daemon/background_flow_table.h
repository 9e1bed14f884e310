#pragma once

#include <condition_variable>
#include <functional>
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
/// purge() returns 0 at once; what came of it is told later. The other calls wait for their answer.
class BackgroundFlowTable final : public FlowTable {
 public:
  using Purged = std::function<void(Result<std::size_t, std::string>)>;

  /// `table` is used by this object alone from now on, its purge() on the other thread only.
  /// `purged` is called on the other thread after each purge.
  BackgroundFlowTable(std::unique_ptr<FlowTable> table, Purged purged);
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
  /// Whether doors were closed whose connections are still there.
  [[nodiscard]] static bool closes_something(std::span<const FlowPurge> purges);

  std::unique_ptr<FlowTable> table_;
  Purged purged_;

  std::mutex mutex_;
  std::condition_variable wake_;
  /// Under the mutex: what to do, and whether to end.
  std::vector<FlowPurge> waiting_;
  bool is_ending_ = false;
  /// Under the mutex: the thread waits for something to do, and for nothing else.
  bool is_idle_ = false;

  std::thread thread_;
};

}  // namespace postern
