#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "core/time.h"

namespace postern {

/// How a store is, for the status and the log.
struct StoreHealth {
  enum class State : std::uint8_t {
    ok,
    /// The disk takes nothing: what clients are told since is in memory alone. The store tries
    /// again.
    memory_only,
  };

  State state = State::ok;
  /// Since when it is in this state.
  Moment since{};
  /// Why the disk takes nothing, in words for the operator; empty while it is ok.
  std::string trouble;
  /// What was found otherwise than it should be and was mended, the last such thing; empty:
  /// nothing.
  std::string notice;
  /// How many mappings and rows of history wait to be written.
  std::size_t pending = 0;
  std::uint64_t history_rows = 0;
  /// Rows of history that there would be, had there not been too many at once.
  std::uint64_t history_left_out = 0;
  /// Rows of the last run that could not be ours, and what hung on them.
  std::size_t rows_left_out = 0;
};

[[nodiscard]] constexpr std::string_view to_string(StoreHealth::State state) {
  switch (state) {
    case StoreHealth::State::ok:
      return "ok";
    case StoreHealth::State::memory_only:
      return "memory_only";
  }
  return "?";
}

}  // namespace postern
