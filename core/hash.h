#pragma once

#include <cstddef>
#include <cstdint>

namespace postern {

/// Mixes two hash values into one. The multiplier is 2^64 divided by the golden ratio
/// (Knuth, The Art of Computer Programming, vol. 3, §6.4).
[[nodiscard]] constexpr std::size_t combine_hashes(std::size_t left, std::size_t right) {
  constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15;
  std::uint64_t mixed = (left ^ (right + kGolden + (left << 6) + (left >> 2))) * kGolden;
  return static_cast<std::size_t>(mixed ^ (mixed >> 32));
}

}  // namespace postern
