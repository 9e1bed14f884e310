#pragma once

#include <string>
#include <vector>

#include "daemon/config.h"

namespace postern {

/// The keys in which the two differ and that a daemon which runs cannot change. All others apply at
/// once: rules, limits, lifetimes, mappings, upnp.max_lease.
[[nodiscard]] std::vector<std::string> keys_for_restart(const Config& running,
                                                        const Config& wanted);

}  // namespace postern
