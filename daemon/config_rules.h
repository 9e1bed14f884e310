#pragma once

#include <string>
#include <vector>

#include "core/policy.h"
#include "daemon/config_rule_warnings.h"
#include "daemon/toml_table.h"

namespace postern {

/// Reads the tables [[rule]], in their order; the default rule when there is none. `lan`: the
/// interfaces that the configuration names, none if it leaves that to the machine.
[[nodiscard]] std::vector<Rule> read_rules(TomlTable& top, const Limits& limits,
                                           const std::vector<std::string>& lan, RuleReview review);

}  // namespace postern
