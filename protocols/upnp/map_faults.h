#pragma once

#include "core/intent.h"
#include "core/map_request.h"
#include "protocols/upnp/invocation.h"

/// The table's reasons in the services' error codes.
namespace postern::upnp {

/// Asks the table for what an action wants, or notes why it does not.
[[nodiscard]] Result<Grant, MapError> carry_out(const Intent& intent, const Invocation& invocation);

/// Of WANIPConnection, for AddPortMapping and AddAnyPortMapping. A taken port is a conflict with
/// whatever is no port mapping; see conflict_with().
[[nodiscard]] Fault port_mapping_fault(MapError error, const Invocation& invocation);

/// The port is this mapping's: another client's, or the same client's for another remote host.
[[nodiscard]] Fault conflict_with(const Mapping& holder, const Invocation& invocation);

/// Of WANIPv6FirewallControl.
[[nodiscard]] Fault pinhole_fault(MapError error);

}  // namespace postern::upnp
