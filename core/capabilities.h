#pragma once

namespace postern {

/// What a firewall backend can do on this machine, found out when it was made.
struct Capabilities {
  /// The firewall itself ends a door at its time, also when this process is dead.
  bool ends_leases = false;
  /// A door's time is extended without taking it out first.
  bool renews_in_place = false;
  /// It takes Pinhole6 doors.
  bool pinholes = false;
};

}  // namespace postern
