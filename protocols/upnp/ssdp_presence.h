#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/endpoint.h"
#include "core/network.h"

/// Where the device shows itself on the LAN.
namespace postern::upnp {

/// What control points ask and listen to: 239.255.255.250, ff02::c and ff05::c, port 1900.
[[nodiscard]] const std::array<Endpoint, 3>& ssdp_groups();

/// One group on one interface, and the address that speaks to it there.
struct Presence {
  /// The kernel's number of the interface.
  std::uint32_t interface_index = 0;
  Endpoint group;
  Address address;

  friend bool operator==(const Presence&, const Presence&) = default;
};

/// At most one a group and LAN interface. To ff02::c speaks a link-local address, to ff05::c a
/// global one, or else a unique local one: a host picks a source of the same kind, and is to open
/// its global address (SSDP-18, Q-06).
[[nodiscard]] std::vector<Presence> find_presences(const Network& network);

/// The address on `lan` that the host `asker` reaches without a router; nothing when it is not on
/// that link.
[[nodiscard]] std::optional<Address> find_own_address(const Interface& lan, const Address& asker);

}  // namespace postern::upnp
