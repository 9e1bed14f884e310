#pragma once

#include <cstdint>
#include <map>
#include <string_view>
#include <utility>

#include "core/gateway.h"
#include "daemon/latency.h"

namespace postern {

/// What turns brought, since the start. All words are constants of ours, so that no client can make
/// more of them.
struct TurnCounters {
  using Words = std::pair<std::string_view, std::string_view>;

  /// By what happened to a mapping, and why.
  std::map<Words, std::uint64_t> events;
  /// By frontend and what Refusal::why() says.
  std::map<Words, std::uint64_t> refusals;
  /// From reading the requests of a turn until the last answer was sent, or began to wait for the
  /// disk. Only of turns that answered.
  Latency answering;

  void note(const Turn& turn);
};

}  // namespace postern
