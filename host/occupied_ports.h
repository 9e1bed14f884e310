#pragma once

#include <span>
#include <string>
#include <vector>

#include "core/address.h"
#include "core/port_set.h"
#include "core/result.h"
#include "host/local_sockets.h"

namespace postern::host {

/// The outer side of this gateway.
struct Wan {
  /// Empty when it is not known: then any may be it.
  std::string interface;
  /// Its IPv4 addresses.
  std::vector<Address> addresses;
};

/// The ports of those sockets that IPv4 packets from the WAN reach. Sockets of the loopback and the
/// LAN addresses do not count.
[[nodiscard]] OccupiedPorts socket_ports(std::span<const LocalSocket> sockets, const Wan& wan);

/// The ports of either.
[[nodiscard]] OccupiedPorts united(const OccupiedPorts& left, const OccupiedPorts& right);

/// The external ports that others on this gateway use: its local sockets, and what foreign_forwards
/// tells. Takes as long as reading the whole ruleset. The error is a sentence for the log.
[[nodiscard]] Result<OccupiedPorts, std::string> read_occupied_ports(const Wan& wan);

}  // namespace postern::host
