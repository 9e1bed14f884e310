#pragma once

#include "protocols/upnp/service_table.h"
#include "protocols/upnp/soap_values.h"
#include "protocols/upnp/surroundings.h"

namespace postern::upnp {

/// The value that a state variable has now, for queries, events and the actions that read it.
[[nodiscard]] Value value_of(VariableId variable, View view, const Surroundings& around);

}  // namespace postern::upnp
