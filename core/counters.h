#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string_view>

namespace postern {

/// Why a client's request was dropped that had too many before.
inline constexpr std::string_view kTooFast = "too_fast";

/// What was counted since the start. All words are constants that live as long as the program.
struct Counters {
  /// By frontend, request and outcome.
  std::map<std::array<std::string_view, 3>, std::uint64_t> requests;
  /// Datagrams that got silence, and HTTP requests that were refused, before any protocol saw them,
  /// by reason.
  std::map<std::string_view, std::uint64_t> dropped;
  /// Transactions that the firewall took, and those that it refused.
  std::uint64_t commits = 0;
  std::uint64_t refused_commits = 0;
  /// How often everything was put back because somebody else had changed our rules, by reason.
  std::map<std::string_view, std::uint64_t> repairs;
  /// Connections that were ended with or for a door.
  std::uint64_t purged_flows = 0;
};

}  // namespace postern
