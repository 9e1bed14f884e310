#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "host/host_facts.h"

/// What keeps Postern from working on this gateway, and how to mend it. Pure.
namespace postern::host {

enum class Severity : std::uint8_t {
  /// Mappings do not work, all or those of one kind.
  error,
  /// Some may not, or something else on the gateway deserves a look.
  warning,
  info,
};

[[nodiscard]] std::string_view to_string(Severity severity);

struct Finding {
  Severity severity = Severity::error;
  /// A word that stays the same from version to version.
  std::string_view id;
  /// What is wrong.
  std::string what;
  /// Why it matters.
  std::string why;
  /// Shell commands that mend it, to be run by root; none where no command can.
  std::vector<std::string> mend;
  /// What else to do or to know: how to make it last, or what to do where no command helps.
  std::string advice;
};

/// What is wrong, the worst first. The list is complete only when the facts are: without
/// HostFacts::ruleset nothing is said about the firewall but that.
[[nodiscard]] std::vector<Finding> diagnose(const HostFacts& facts, const DoctorSettings& settings);

}  // namespace postern::host
