#pragma once

namespace postern::upnp {

/// What an administrator may decide about UPnP.
struct Settings {
  /// Whether a client sees the port mappings of other hosts (IGD-043).
  bool lists_all = true;
  /// Whether a host may open an address of its own that it does not ask from, when the neighbour
  /// table ties both to one MAC address (IGD-047).
  bool links_neighbours = true;
  /// Whether an empty NewInternalClient stands for the host that asks.
  bool fills_empty_client = true;
};

}  // namespace postern::upnp
