#pragma once

#include <cstdint>
#include <string>

#include "core/gateway.h"

namespace postern {

/// The state of the gateway as the JSON document of GET /api/v1/status. Its shape has a name and a
/// version, "schema"; keys may be added to a version, never changed. Of many mappings only the
/// oldest 1,000 are listed, so that writing the document does not keep clients waiting.
/// `unsent` counts the datagrams that the kernel did not take.
[[nodiscard]] std::string status_json(const Gateway& gateway, std::uint64_t unsent, Moment now);

}  // namespace postern
