#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/mapping.h"

namespace postern {

/// What became of one mapping in a turn, told only after the firewall has done it.
struct TableEvent {
  enum class Kind : std::uint8_t { opened, renewed, moved, closed };

  /// What lists of port mappings (UPnP IGD) show otherwise than before, from nothing to most.
  enum class ListChange : std::uint8_t {
    none,
    /// When a listed mapping ends. That a permanent one was prolonged is no change.
    lease,
    /// Anything else about it: where it leads, whom it lets in, its claims and what they say.
    entry,
    /// How many there are.
    count,
  };

  Kind kind = Kind::opened;
  /// As it is now; for closed, as it was last.
  Mapping mapping;
  ListChange list_change = ListChange::none;
};

/// Null: was not there before, or is no more.
[[nodiscard]] TableEvent::ListChange list_change(const Mapping* before, const Mapping* after);

[[nodiscard]] constexpr std::string_view to_string(TableEvent::Kind kind) {
  switch (kind) {
    case TableEvent::Kind::opened:
      return "opened";
    case TableEvent::Kind::renewed:
      return "renewed";
    case TableEvent::Kind::moved:
      return "moved";
    case TableEvent::Kind::closed:
      return "closed";
  }
  return "?";
}

}  // namespace postern
