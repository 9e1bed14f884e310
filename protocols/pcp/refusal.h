#pragma once

#include <cstdint>
#include <string_view>

#include "core/map_request.h"
#include "core/refusal.h"
#include "core/result.h"
#include "protocols/pcp/codes.h"
#include "protocols/pcp/wire.h"

namespace postern::pcp {

/// Why a request gets an error.
struct Refusal {
  ResultCode result = ResultCode::success;
  /// How long the client should expect the same, in seconds (RFC 6887 §7.4).
  std::uint32_t lifetime = 0;
  /// For the counters.
  std::string_view outcome;
  /// For the history, of what this frontend decides alone; empty: the table tells of it, or it is
  /// of no interest.
  std::string_view own_word = {};
};

[[nodiscard]] inline Refusal refusal(ResultCode result) {
  return {result, error_lifetime(result), to_string(result)};
}

/// The same, of something that an administrator may want to know: by its own word, or as the
/// protocol calls it.
[[nodiscard]] inline Refusal own_refusal(ResultCode result, std::string_view own_word = {}) {
  const auto name = to_string(result);
  return {result, error_lifetime(result), name, own_word.empty() ? name : own_word};
}

/// For the history: what `client` wanted for `host`, and was refused.
[[nodiscard]] postern::Refusal refusal_of(const Address& client, const Address& host,
                                          const MapFields& fields, std::string_view own_word);

/// The refusal of a MAP or PEER that the table would not grant.
[[nodiscard]] Refusal refusal(MapError error, Opcode opcode);

}  // namespace postern::pcp
