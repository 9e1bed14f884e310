#pragma once

#include "core/table_event.h"

namespace postern {

/// Whether who has a mapping knows why it changed: he asked for it, or let his lease end.
[[nodiscard]] constexpr bool goes_without_saying(TableEvent::Cause cause) {
  return cause == TableEvent::Cause::asked || cause == TableEvent::Cause::lease_ended;
}

}  // namespace postern
