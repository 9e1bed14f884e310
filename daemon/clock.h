#pragma once

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

}  // namespace postern
