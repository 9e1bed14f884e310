#pragma once

#include <functional>
#include <optional>

#include "core/time.h"
#include "daemon/asio.h"

namespace postern {

/// A timer on CLOCK_BOOTTIME, which also runs while the machine sleeps. (Asio's own timers do not.)
class Deadline {
 public:
  /// `on_due` is called from `io` when a set moment has come. A deadline belongs to one io_context
  /// and must not outlive it. Throws std::system_error when there is no descriptor for it.
  Deadline(asio::io_context& io, std::function<void()> on_due);

  /// Replaces the moment that was set before; nothing sets none. A past moment is due at once.
  void set(std::optional<Moment> moment);
  /// The same, unless an earlier moment is set: what keeps happening must not postpone it.
  void set_no_later(Moment moment) {
    if (!moment_ || moment < *moment_) set(moment);
  }

 private:
  void wait();

  asio::posix::stream_descriptor timer_;
  std::function<void()> on_due_;
  std::optional<Moment> moment_;
};

}  // namespace postern
