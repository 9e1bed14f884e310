#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/intent.h"
#include "core/mapping_table.h"

namespace postern {

/// What one rule makes of a request.
struct RuleFinding {
  std::string name;
  bool allows = false;
  RuleMatch match = RuleMatch::matches;
  /// Of a rule that matches, the external ports about which it decides, for no rule before does.
  PortSet decides;
};

/// What would come of a request, and why.
struct Explanation {
  /// The grant, or why there is none.
  Result<Preview, MapError> outcome;
  /// The rule that decided, an index into `rules`; kNoRule: none did.
  RuleIndex decider = kNoRule;
  /// Every rule, in order.
  std::vector<RuleFinding> rules;
  /// See Intent.
  std::string_view own_word = {};
};

/// Tells what would be answered now, and changes nothing. A port that is chosen at random is the
/// one that the next request gets.
[[nodiscard]] Explanation explain(const MappingTable& table, const Intent& intent, Moment now);

}  // namespace postern
