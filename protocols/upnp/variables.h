#pragma once

#include "protocols/upnp/service_table.h"
#include "protocols/upnp/soap_values.h"
#include "protocols/upnp/surroundings.h"

namespace postern::upnp {

/// Whether there is a WAN interface with an IPv4 address. Clients map nothing without (IGD-111).
[[nodiscard]] bool is_connected(const Facts& around);

/// The value that a state variable has now, for queries, events and the actions that read it.
[[nodiscard]] Value value_of(VariableId variable, View view, const Facts& around);

}  // namespace postern::upnp
