#pragma once

#include <vector>

#include "core/door.h"
#include "core/mapping.h"
#include "core/store.h"
#include "core/time.h"

namespace postern {

/// What an earlier run left in the store, and what in the firewall, brought together.
struct Restoration {
  /// To be put back, in the order of their ids.
  std::vector<Mapping> mappings;
  /// Stored with leases that have not ended, but closed since then.
  std::vector<Mapping> gone;
  /// Doors that none of the stored mappings has. Outbound doors are always among them, for they
  /// tell which of several forwards is primary.
  std::vector<TimedDoor> unexplained;
  /// A door ends later than its lease, which sleep explains but a renewal would, too, that was not
  /// kept any more.
  bool may_lack_renewals = false;
};

/// What was found in the firewall at start.
struct FoundDoors {
  /// See FirewallBackend::is_set_up().
  bool is_set_up = false;
  std::vector<TimedDoor> doors;
};

/// Decides who is right about each mapping. As long as the machine runs and our table is in the
/// firewall, the firewall is newer than the store: what has no door there was closed, and a door
/// that ends at another time was renewed, unless the machine's sleep explains it, and one that lets
/// in others was asked for anew. Where the firewall ends no leases by itself (see Capabilities) it
/// tells of later ends only, for it may have left out what ended early. After a reboot, or without
/// our table, the store is all there is.
[[nodiscard]] Restoration reconcile(const StoredState& state, const FoundDoors& found,
                                    bool ends_leases, Moment now);

}  // namespace postern
