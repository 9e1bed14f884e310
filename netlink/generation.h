#pragma once

#include <cstdint>

namespace postern::netlink {

/// What Socket::generation() answers when it was `generation` and so many transactions were made
/// since, by anybody. The kernel counts on from the largest number to 1.
[[nodiscard]] constexpr std::uint32_t generation_after(std::uint32_t generation,
                                                       std::uint32_t transactions) {
  const std::uint32_t sum = generation + transactions;
  return sum < generation ? sum + 1 : sum;
}

}  // namespace postern::netlink
