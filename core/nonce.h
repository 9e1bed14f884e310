#pragma once

#include <array>
#include <cstdint>

namespace postern {

/// The secret by which a client proves that a mapping is its own (RFC 6887 §11.2, mapping nonce).
/// Any value is valid, all zeros too. Never shown: neither in the log nor in the status.
struct Nonce {
  std::array<std::uint8_t, 12> octets{};

  friend bool operator==(const Nonce&, const Nonce&) = default;
};

}  // namespace postern
