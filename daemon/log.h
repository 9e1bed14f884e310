#pragma once

#include <cstdint>
#include <string>

#include <spdlog/spdlog.h>

#include "core/time.h"

namespace postern {

/// Sends the log to stderr: with the levels of systemd's journal ("<6>") where that reads it, else
/// with the time of day.
void start_log();

/// Lets at most a number of lines through in a while, so that clients cannot fill the disk: a burst
/// of 100 and then 10 a second. What is left out is counted and told with the next line let
/// through.
class LogLimit {
 public:
  /// Whether a line may be logged now.
  [[nodiscard]] bool allows(Moment now);
  /// How many lines were left out since this was last asked.
  [[nodiscard]] std::uint64_t take_left_out();

 private:
  static constexpr std::int64_t kBurst = 100;
  static constexpr std::int64_t kPerSecond = 10;

  std::int64_t tokens_ = kBurst;
  Moment filled_until_{};
  std::uint64_t left_out_ = 0;
};

}  // namespace postern
