#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/port_set.h"
#include "core/rule.h"

namespace postern {

/// How many rules are compared with each other.
enum class RuleReview : std::uint8_t {
  /// As long as that takes no time to speak of: for a daemon that serves meanwhile.
  of_few,
  of_all,
};

/// With more rules than this, RuleReview::of_few leaves the comparison out.
inline constexpr std::size_t kFewRules = 200;

/// Finds rules that can never decide about anything. What "lan" means, and who has which MAC
/// address, is not known here.
class UselessRules {
 public:
  /// `rules` must outlive this object.
  UselessRules(std::span<const Rule> rules, const PortSet& never_internal_ports);

  /// Why the rule with this index can never decide, as the end of a sentence: "can never decide,
  /// for …"; nothing where that cannot be proved. O(n·k) for n rules above it that have up to k
  /// clients, interfaces or ranges of ports each; so O(n²·k) for all rules.
  [[nodiscard]] std::optional<std::string> why(std::size_t index) const;

 private:
  [[nodiscard]] bool covers(std::size_t first, std::size_t index) const;

  std::span<const Rule> rules_;
  /// Of each rule, the internal ports about which it says something.
  std::vector<PortSet> internal_ports_;
};

}  // namespace postern
