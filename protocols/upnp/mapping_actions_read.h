#pragma once

#include "protocols/upnp/invocation.h"

/// All port mappings, of whatever protocol; only the caller's own where Settings::lists_all is not
/// set (IGD-043).
namespace postern::upnp {

/// GetGenericPortMappingEntry: by the place in the order of creation. O(log n), or for the caller's
/// own ones O(m log n) for its m mappings.
[[nodiscard]] Outcome get_generic_port_mapping_entry(const Invocation& invocation);
/// GetSpecificPortMappingEntry: by the key.
[[nodiscard]] Outcome get_specific_port_mapping_entry(const Invocation& invocation);
/// GetListOfPortMappings (IGD:2): a range of ports, in their order. Looks at each port once.
[[nodiscard]] Outcome get_list_of_port_mappings(const Invocation& invocation);

}  // namespace postern::upnp
