#pragma once

#include <algorithm>
#include <ctime>

#include "core/time.h"

namespace postern {

/// CLOCK_BOOTTIME, which counts on in suspend and does not follow changes of the wall clock. Read
/// once a turn, and nowhere else.
[[nodiscard]] inline Moment now() {
  timespec time{};
  clock_gettime(CLOCK_BOOTTIME, &time);
  return Moment(Seconds(time.tv_sec) + Milliseconds(time.tv_nsec / 1'000'000));
}

/// How long the machine has slept since it was started: CLOCK_MONOTONIC stands still then, as the
/// kernel's timers do.
[[nodiscard]] inline Milliseconds time_asleep() {
  timespec awake{};
  clock_gettime(CLOCK_MONOTONIC, &awake);
  const auto all = now().time_since_epoch();
  return std::max(all - Seconds(awake.tv_sec) - Milliseconds(awake.tv_nsec / 1'000'000),
                  Milliseconds(0));
}

}  // namespace postern
