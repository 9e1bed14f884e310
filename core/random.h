#pragma once

#include <cstdint>
#include <random>

namespace postern {

/// Random numbers from a seed that the daemon takes from the system and a test chooses.
class Random {
 public:
  explicit Random(std::uint64_t seed) : engine_(seed) {}

  /// Evenly distributed in 0 … bound - 1; `bound` is at least 1.
  [[nodiscard]] std::uint32_t below(std::uint32_t bound) {
    return std::uniform_int_distribution<std::uint32_t>(0, bound - 1)(engine_);
  }

 private:
  std::mt19937_64 engine_;
};

}  // namespace postern
