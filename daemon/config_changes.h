#pragma once

#include <string>
#include <vector>

#include "daemon/config.h"

namespace postern {

/// The keys in which the two differ and that a daemon which runs cannot change. All others apply at
/// once, see put_in_force().
[[nodiscard]] std::vector<std::string> keys_for_restart(const Config& running,
                                                        const Config& wanted);

/// Copies what applies at once: rules, limits, lifetimes, mappings, upnp.max_lease, and the
/// warnings about them. The rest of `running` stays.
void put_in_force(Config& running, Config wanted);

}  // namespace postern
