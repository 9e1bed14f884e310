#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "bench/datagrams.h"
#include "bench/load_options.h"
#include "bench/net.h"
#include "protocols/natpmp/wire.h"

namespace postern::bench {

/// What a run came to.
struct RunOutcome {
  /// Requests that were answered as they should be.
  std::size_t answered = 0;
  /// Refusals, and answers that make no sense.
  std::size_t errors = 0;
  std::size_t resends = 0;
  /// Requests given up after all resends.
  std::size_t lost = 0;
  std::chrono::nanoseconds elapsed{0};
  /// Of each answered request, from its first sending.
  std::vector<std::chrono::nanoseconds> latencies;
};

/// Keeps a window of requests in flight to one server. Bounded: a run ends after its count or its
/// time, and then at most resends + 1 timeouts later.
class Exchange {
 public:
  explicit Exchange(const LoadOptions& options);

  /// `next_port` yields the internal port of each next request; no port may be in flight twice.
  [[nodiscard]] RunOutcome run(const RunOrder& order, std::chrono::milliseconds limit,
                               const std::function<std::uint16_t()>& next_port);

 private:
  using Clock = std::chrono::steady_clock;

  /// One request in flight, or a free place.
  struct Slot {
    bool is_busy = false;
    std::uint16_t port = 0;
    unsigned resends = 0;
    Clock::time_point first_sent;
    Clock::time_point last_sent;
  };

  void fill(const RunOrder& order, const std::function<std::uint16_t()>& next_port);
  void push(const Slot& slot);
  void flush();
  void wait(Clock::time_point now);
  void take_replies();
  void take_reply(Bytes datagram, Clock::time_point now);
  void finish(Slot& slot);
  void send_overdue_again(Clock::time_point now);
  [[nodiscard]] Slot* slot_of(const natpmp::Response& response);

  const LoadOptions& options_;
  Fd socket_;
  DatagramBatch requests_;
  DatagramBatch replies_;
  std::vector<Slot> slots_;
  std::vector<std::size_t> free_;
  /// The slot of each internal port in flight, else kNone.
  std::vector<std::size_t> slot_by_port_;
  Operation operation_ = Operation::map;
  std::size_t sent_ = 0;
  Clock::time_point last_reply_;
  RunOutcome outcome_;
};

}  // namespace postern::bench
