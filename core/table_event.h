#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "core/mapping.h"

namespace postern {

/// What became of one mapping in a turn, told only after the firewall has done it.
struct TableEvent {
  enum class Kind : std::uint8_t { opened, renewed, moved, closed };

  Kind kind = Kind::opened;
  /// As it is now; for closed, as it was last.
  Mapping mapping;
};

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
