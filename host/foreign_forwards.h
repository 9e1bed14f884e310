#pragma once

#include <string>
#include <string_view>

#include "core/port_set.h"
#include "host/foreign_rules.h"

namespace postern::host {

/// What the administrator, containers and other programs forward themselves.
struct ForeignForwards {
  OccupiedPorts ports;
  /// The first chain with a rule that forwards everything, or everything but some ports (a "DMZ
  /// host"), as nft names it: "inet fw4 dstnat_wan". Empty when there is none. Such a rule occupies
  /// no ports here, or nothing could be mapped at all.
  std::string catch_all;

  friend bool operator==(const ForeignForwards&, const ForeignForwards&) = default;
};

/// The destination ports of IPv4 packets from `wan_interface` that rules translate before routing.
/// Conditions that are not told (addresses, limits) and rules that come before are taken as if they
/// let the packet through, so that rather a port too many is occupied. An empty name stands for any
/// interface.
[[nodiscard]] ForeignForwards foreign_forwards(const ForeignRuleset& ruleset,
                                               std::string_view wan_interface);

}  // namespace postern::host
