#pragma once

#include <optional>

#include "protocols/pcp/wire.h"

namespace postern::pcp {

/// The error of a request that makes no sense by itself, without regard to configuration and
/// mappings. Of several the one about an option, for it is more specific.
[[nodiscard]] std::optional<ResultCode> find_broken_rule(const Request& request);

}  // namespace postern::pcp
