#pragma once

#include <cstdint>

#include "core/time.h"

namespace postern {

/// Seconds since the mapping state was last empty or lost (RFC 6886 §3.6, RFC 6887 §8.5). Clients
/// compare it with their own clocks and ask anew when it lags.
class Epoch {
 public:
  explicit Epoch(Moment now) : start_(now) {}

  /// Mapping state was lost, or the external address changed.
  void restart(Moment now) { start_ = now; }

  /// Since when it counts.
  [[nodiscard]] Moment start() const { return start_; }
  /// Counts up by one a second and wraps after 136 years.
  [[nodiscard]] std::uint32_t seconds(Moment now) const {
    return static_cast<std::uint32_t>(std::chrono::duration_cast<Seconds>(now - start_).count());
  }

 private:
  Moment start_;
};

}  // namespace postern
