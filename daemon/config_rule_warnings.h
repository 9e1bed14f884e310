#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>

#include "core/port_set.h"
#include "core/rule.h"

namespace postern {

/// Why the rule with this index can never decide about anything, as the end of a sentence: "can
/// never decide, for …"; nothing where that cannot be proved. What "lan" means, and who has which
/// MAC address, is not known here. O(n) in the number of rules.
[[nodiscard]] std::optional<std::string> why_never_decides(std::span<const Rule> rules,
                                                           std::size_t index,
                                                           const PortSet& never_internal_ports);

}  // namespace postern
