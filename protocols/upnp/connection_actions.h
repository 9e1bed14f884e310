#pragma once

#include "protocols/upnp/invocation.h"

/// WANIPConnection, WANCommonInterfaceConfig and Layer3Forwarding, as far as they are not about
/// port mappings. Clients may look at the connection and not change it (IGD-114 to 116).
namespace postern::upnp {

/// The values of the state variables that the OUT arguments of the action are related to.
[[nodiscard]] Outcome get_variables(const Invocation& invocation);

[[nodiscard]] Outcome set_connection_type(const Invocation& invocation);
[[nodiscard]] Outcome request_connection(const Invocation& invocation);
[[nodiscard]] Outcome force_termination(const Invocation& invocation);
/// The one that is there may be chosen.
[[nodiscard]] Outcome set_default_connection_service(const Invocation& invocation);

}  // namespace postern::upnp
