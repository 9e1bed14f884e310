#pragma once

#include <cstdint>
#include <vector>

#include "core/endpoint.h"
#include "core/result.h"
#include "protocols/upnp/soap.h"
#include "protocols/upnp/surroundings.h"

namespace postern::upnp {

/// Who calls an action.
struct Caller {
  std::uint32_t interface_index = 0;
  Endpoint client;
};

/// Executes an action and returns its OUT arguments in the order of the table, or says why not;
/// then nothing has changed.
[[nodiscard]] Result<std::vector<Value>, Fault> execute(const ActionCall& call,
                                                        const Caller& caller,
                                                        const Surroundings& around);

}  // namespace postern::upnp
