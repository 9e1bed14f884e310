#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <tuple>
#include <variant>
#include <vector>

#include "core/endpoint.h"
#include "core/mapping.h"
#include "core/protocol.h"
#include "core/remote_filter.h"
#include "core/time.h"

namespace postern {

/// IPv4 packets from those remote peers to `external` go to `internal`.
struct Forward4 {
  Protocol protocol = Protocol::udp;
  Endpoint external;
  Endpoint internal;
  /// Normalized.
  RemoteFilters filters = {};

  friend bool operator==(const Forward4&, const Forward4&) = default;
};

/// IPv4 packets that were translated to `internal` are let through. All forwards of one internal
/// endpoint share it.
struct Pin4 {
  Protocol protocol = Protocol::udp;
  Endpoint internal;

  friend bool operator==(const Pin4&, const Pin4&) = default;
};

/// IPv6 packets from those remote peers to `internal` are let through.
struct Pinhole6 {
  Protocol protocol = Protocol::udp;
  Endpoint internal;
  /// Normalized.
  RemoteFilters filters = {};

  friend bool operator==(const Pinhole6&, const Pinhole6&) = default;
};

/// IPv4 packets from `internal` to the outside leave with `external` as their source (RFC 6886
/// §3.9).
struct Outbound4 {
  Protocol protocol = Protocol::udp;
  Endpoint internal;
  Endpoint external;

  friend bool operator==(const Outbound4&, const Outbound4&) = default;
};

/// What the firewall must hold for a mapping to work.
using Door = std::variant<Forward4, Pin4, Pinhole6, Outbound4>;

/// What makes a door unique in the firewall: of two doors with one key only one can be open.
struct DoorKey {
  enum class Kind : std::uint8_t { forward4, pin4, pinhole6, outbound4 };

  Kind kind = Kind::forward4;
  Protocol protocol = Protocol::udp;
  /// The external endpoint of a Forward4, the internal one of the others.
  Endpoint endpoint;

  friend auto operator<=>(const DoorKey&, const DoorKey&) = default;
};

[[nodiscard]] DoorKey key_of(const Door& door);

/// A door and the moment when it must be shut, whatever happened to us.
struct TimedDoor {
  Door door;
  Moment ends{};

  friend bool operator==(const TimedDoor&, const TimedDoor&) = default;
};

/// What one turn changes about one key: opened (no `before`), closed (no `after`), renewed (only
/// `ends` differs) or sent to another endpoint. At least one side is there, and they differ.
struct DoorChange {
  std::optional<TimedDoor> before;
  std::optional<TimedDoor> after;
  /// Connections outlive the end of `before`: it was there for their sake (RFC 6887 §12.3, PEER).
  bool spares_flows = false;

  [[nodiscard]] DoorKey key() const { return key_of(before ? before->door : after->door); }
  [[nodiscard]] bool is_renewal() const { return before && after && before->door == after->door; }
  /// The door stays, and whoever could come in through it still can.
  [[nodiscard]] bool only_widens() const;
  friend bool operator==(const DoorChange&, const DoorChange&) = default;
};

inline constexpr std::size_t kMostDoorsOfMapping = 3;

/// Calls `visit` with each door that a mapping needs, which ends with its last enabled claim. The
/// order is the same for all mappings.
template <class Visit>
void for_each_door(const Mapping& mapping, Visit visit) {
  if (!mapping.has_doors()) return;
  const Moment ends = mapping.doors_end();
  const auto& [protocol, internal, external] =
      std::tie(mapping.protocol, mapping.internal, mapping.external);
  if (mapping.is_pinhole()) {
    visit(TimedDoor{Pinhole6{protocol, internal, mapping.admitted()}, ends});
    return;
  }
  visit(TimedDoor{Forward4{protocol, external, internal, mapping.admitted()}, ends});
  if (!mapping.is_primary) return;
  visit(TimedDoor{Pin4{protocol, internal}, ends});
  visit(TimedDoor{Outbound4{protocol, internal, external}, ends});
}

[[nodiscard]] std::vector<TimedDoor> doors_of(const Mapping& mapping);

}  // namespace postern

template <>
struct std::hash<postern::DoorKey> {
  std::size_t operator()(const postern::DoorKey& key) const noexcept {
    return postern::combine_hashes(
        std::hash<postern::Endpoint>{}(key.endpoint),
        static_cast<std::size_t>(key.kind) * 256 + static_cast<std::size_t>(key.protocol));
  }
};
