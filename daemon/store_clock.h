#pragma once

#include <cstdint>
#include <string>

#include "core/time.h"

namespace postern {

/// The two clocks, read together.
struct ClockReading {
  Moment moment{};
  /// What the wall clock says (Unix time), in milliseconds. It may be wrong, and be set.
  std::int64_t wall_ms = 0;

  friend bool operator==(const ClockReading&, const ClockReading&) = default;
};

/// By what moments of an earlier run are told in this run's clock.
struct ClockShift {
  /// To be added to a moment of then.
  Milliseconds added{0};
  /// The machine has not been started since, so nothing is added.
  bool is_same_boot = false;
  /// The wall clock cannot be right, then or now: no time is counted as passed between the runs.
  bool is_elapsed_unknown = false;
};

/// A boot id is the kernel's name for the time since the machine was started; an empty one is not
/// known, and equal to none. `then` is the newest reading that was kept.
///
/// In the same boot the wall clock does not matter. In another one it tells how long the machine
/// was off, if that can be: not before what was kept, not before this was written (clocks without a
/// battery begin in 1970), and at most as long as the longest lease after it.
[[nodiscard]] ClockShift clock_shift(const std::string& boot_id_then, const ClockReading& then,
                                     const std::string& boot_id_now, const ClockReading& now);

/// Both clocks of this machine.
[[nodiscard]] ClockReading read_clocks();
/// Empty when the kernel does not tell.
[[nodiscard]] std::string read_boot_id();

}  // namespace postern
