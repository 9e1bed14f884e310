#pragma once

#include <string>

#include "core/gateway.h"
#include "daemon/status_json.h"
#include "daemon/turn_counters.h"

namespace postern {

/// The state of the gateway in Prometheus' text format, for GET /metrics. No series names a client,
/// a port or anything else that clients choose: there are never more of them than words of ours.
/// O(n) in the number of mappings.
[[nodiscard]] std::string metrics_text(const Gateway& gateway, const ShellStatus& shell,
                                       const TurnCounters& turns, Moment now);

}  // namespace postern
