#pragma once

#include "protocols/upnp/invocation.h"

namespace postern::upnp {

/// AddPortMapping: the port that was asked for, or an error.
[[nodiscard]] Outcome add_port_mapping(const Invocation& invocation);

/// AddAnyPortMapping (IGD:2): that port, or the one that the inside has, or another.
[[nodiscard]] Outcome add_any_port_mapping(const Invocation& invocation);

}  // namespace postern::upnp
