#pragma once

#include <string>

#include "core/gateway.h"

namespace postern {

/// The state of the gateway as the JSON document of GET /api/v1/status. Its shape has a name and a
/// version, "schema"; keys may be added to a version, never changed.
[[nodiscard]] std::string status_json(const Gateway& gateway, Moment now);

}  // namespace postern
