#pragma once

#include "protocols/upnp/invocation.h"

namespace postern::upnp {

/// DeletePortMapping: takes back what the caller asked for over UPnP; what other protocols asked
/// for stays.
[[nodiscard]] Outcome delete_port_mapping(const Invocation& invocation);

/// DeletePortMappingRange (IGD:2): the same for the ports of a range, as far as the claims are of
/// the very address that calls. NewManage does not matter, for nobody may manage others. O(m log n)
/// for the m mappings of the caller.
[[nodiscard]] Outcome delete_port_mapping_range(const Invocation& invocation);

}  // namespace postern::upnp
