#pragma once

#include <cstdint>
#include <optional>

#include "core/door.h"

namespace postern {

/// What the firewall has counted.
class DoorCounters {
 public:
  virtual ~DoorCounters() = default;

  /// How many packets this open door has let in. Nothing when the firewall does not count, or has
  /// no such door. Takes as long as a commit.
  [[nodiscard]] virtual std::optional<std::uint64_t> packets_through(const Door& door) = 0;
};

}  // namespace postern
