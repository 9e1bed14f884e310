#pragma once

#include <functional>
#include <memory>
#include <utility>

#include "core/time.h"
#include "daemon/asio.h"

namespace postern {

/// Ends a wait for what another thread or the disk may never tell: what is returned passes what it
/// gets on to `tell`, and when nothing came within `time`, `tell` gets `late`. `tell` is called
/// once, from the io_context or from whoever calls; not any more from the timer once `alive` is
/// gone.
template <class Outcome>
[[nodiscard]] std::function<void(Outcome)> told_in_time(asio::io_context& io, Milliseconds time,
                                                        std::weak_ptr<void> alive, Outcome late,
                                                        std::function<void(Outcome)> tell) {
  struct Wait {
    asio::steady_timer timer;
    std::function<void(Outcome)> tell;
  };
  const auto wait = std::make_shared<Wait>(Wait{asio::steady_timer(io, time), std::move(tell)});
  const auto once = [wait](Outcome outcome) {
    if (!wait->tell) return;
    wait->timer.cancel();
    std::exchange(wait->tell, nullptr)(std::move(outcome));
  };
  wait->timer.async_wait(
      [once, alive = std::move(alive), late = std::move(late)](const auto& error) {
        if (!error && !alive.expired()) once(late);
      });
  return once;
}

}  // namespace postern
