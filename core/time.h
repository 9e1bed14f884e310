#pragma once

#include <chrono>
#include <cstdint>

namespace postern {

using Seconds = std::chrono::seconds;
using Milliseconds = std::chrono::milliseconds;

/// Time since the machine booted, suspended time included (CLOCK_BOOTTIME), in milliseconds.
/// It has no now(): only the daemon reads the clock, once a turn, and hands the moment in, so that
/// every rule about time can be tested with hours that pass in microseconds.
struct BootClock {
  using rep = std::int64_t;
  using period = std::milli;
  using duration = std::chrono::duration<rep, period>;
  using time_point = std::chrono::time_point<BootClock>;
  static constexpr bool is_steady = true;
};

using Moment = BootClock::time_point;

}  // namespace postern
