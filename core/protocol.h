#pragma once

#include <cstdint>
#include <string_view>

namespace postern {

/// The upper-layer protocol of a mapping, by its IANA number.
enum class Protocol : std::uint8_t { tcp = 6, udp = 17 };

[[nodiscard]] constexpr std::string_view to_string(Protocol protocol) {
  switch (protocol) {
    case Protocol::tcp:
      return "tcp";
    case Protocol::udp:
      return "udp";
  }
  return "?";
}

/// The protocol whose equal-numbered port is kept for the same host (RFC 6886 §3.3).
[[nodiscard]] constexpr Protocol companion(Protocol protocol) {
  return protocol == Protocol::tcp ? Protocol::udp : Protocol::tcp;
}

}  // namespace postern
