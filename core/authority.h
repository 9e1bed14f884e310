#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/address.h"

namespace postern {

/// Where an HTTP request goes (RFC 3986 §3.2), of those that name nobody: an address, not a host
/// name.
struct Authority {
  Address address;
  /// 1 … 65535; nothing: the usual one.
  std::optional<std::uint16_t> port;
};

/// Reads "192.0.2.1", "192.0.2.1:80", "[2001:db8::1]" or "[fe80::1%eth0]:80"; the zone does not
/// count. Nothing for anything else.
[[nodiscard]] std::optional<Authority> parse_authority(std::string_view text);

}  // namespace postern
