#pragma once

#include <cstdint>
#include <string_view>

#include "core/map_request.h"
#include "core/result.h"
#include "protocols/pcp/codes.h"

namespace postern::pcp {

/// Why a request gets an error.
struct Refusal {
  ResultCode result = ResultCode::success;
  /// How long the client should expect the same, in seconds (RFC 6887 §7.4).
  std::uint32_t lifetime = 0;
  /// For the counters.
  std::string_view outcome;
};

[[nodiscard]] inline Refusal refusal(ResultCode result) {
  return {result, error_lifetime(result), to_string(result)};
}

/// The refusal of a MAP or PEER that the table would not grant.
[[nodiscard]] Refusal refusal(MapError error, Opcode opcode);

}  // namespace postern::pcp
