#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/result.h"
#include "protocols/upnp/identity.h"

namespace postern {

/// What must stay the same for UPnP clients when the daemon starts again.
struct RememberedIdentity {
  /// See upnp::derive_udns().
  upnp::Uuid base{};
  /// See upnp::Identity::token.
  std::string token;
  /// Of the last start.
  std::uint32_t boot_id = 0;

  friend bool operator==(const RememberedIdentity&, const RememberedIdentity&) = default;
};

/// Random where nobody can guess it.
[[nodiscard]] RememberedIdentity new_identity();

/// Its JSON, and back; nothing for anything else.
[[nodiscard]] std::string to_json(const RememberedIdentity& identity);
[[nodiscard]] std::optional<RememberedIdentity> parse_identity(const std::string& json);

/// The boot id of a start at this moment of the clock (Unix seconds), which may be wrong: larger
/// than that of the start before, until 2^31 - 1 is reached (SSDP-11).
[[nodiscard]] std::uint32_t next_boot_id(std::uint32_t last, std::int64_t unix_seconds);

/// An identity for this start, and why it will not be known at the next one.
struct StartIdentity {
  RememberedIdentity identity;
  /// Empty when all is well.
  std::string trouble;
};
/// The identity in `directory`/upnp-identity.json, made and kept there when there is none. A file
/// that cannot be understood is replaced.
[[nodiscard]] StartIdentity remember_identity(const std::string& directory,
                                              std::int64_t unix_seconds);

}  // namespace postern
