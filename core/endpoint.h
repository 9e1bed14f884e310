#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>

#include "core/address.h"
#include "core/hash.h"

namespace postern {

/// An address and a port (host order).
struct Endpoint {
  Address address;
  std::uint16_t port = 0;

  friend constexpr auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

/// "192.0.2.1:80" or "[2001:db8::1]:80".
[[nodiscard]] inline std::string to_string(const Endpoint& endpoint) {
  const auto address = endpoint.address.to_string();
  const auto port = std::to_string(endpoint.port);
  return endpoint.address.is_v4() ? address + ":" + port : "[" + address + "]:" + port;
}

}  // namespace postern

template <>
struct std::hash<postern::Endpoint> {
  std::size_t operator()(const postern::Endpoint& endpoint) const noexcept {
    return postern::combine_hashes(std::hash<postern::Address>{}(endpoint.address), endpoint.port);
  }
};
