#pragma once

#include <cstdint>

#include "core/door_counters.h"
#include "core/gateway_state.h"
#include "core/neighbour_table.h"
#include "core/time.h"
#include "core/wan_link.h"
#include "protocols/upnp/identity.h"
#include "protocols/upnp/pinhole_ids.h"
#include "protocols/upnp/settings.h"

namespace postern::upnp {

/// What the kernel knows that the mapping table does not. All outlive whoever keeps this.
struct Kernel {
  NeighbourTable& neighbours;
  WanLink& wan;
  DoorCounters& doors;
};

/// What a UPnP frontend remembers beside the mapping table.
struct ServiceState {
  /// Since when there have been an external address and a link; the beginning of time while not.
  Moment connected_since{};
  /// Grows by one with each change of the port mappings (IGD-132).
  std::uint32_t system_update_id = 0;
  /// Told of every event of the table.
  PinholeIds pinhole_ids = PinholeIds();
};

/// Everything that a state variable is read from.
struct Facts {
  const GatewayState& state;
  Kernel& kernel;
  const ServiceState& services;
  const Identity& identity;
  const Settings& settings;
  Moment now;
};

/// Everything that an action is decided with.
struct Surroundings {
  GatewayState& state;
  Kernel& kernel;
  const ServiceState& services;
  const Identity& identity;
  const Settings& settings;
  Moment now;

  /// Whoever may change something may also read.
  operator Facts() const { return {state, kernel, services, identity, settings, now}; }
};

}  // namespace postern::upnp
