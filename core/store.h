#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/address.h"
#include "core/mapping.h"
#include "core/refusal.h"
#include "core/result.h"
#include "core/table_event.h"
#include "core/time.h"

namespace postern {

/// Since when each epoch counts, and for which external addresses: what clients compare with.
struct EpochStarts {
  Moment epoch{};
  Moment pinhole_epoch{};
  /// The last ones there were, the one that packets leave with first.
  std::vector<Address> external_addresses;

  friend bool operator==(const EpochStarts&, const EpochStarts&) = default;
};

/// What an earlier run left, its moments as this boot's clock counts them.
struct StoredState {
  /// In the order of their ids, also those whose leases have ended meanwhile.
  std::vector<Mapping> mappings;
  /// Nothing: no run kept anything.
  std::optional<EpochStarts> epochs;
  /// The machine has not been started since: what the firewall holds is newer than what is here.
  bool is_same_boot = false;
  /// Nothing that clients were told can be missing here.
  bool is_complete = false;
  /// How long the machine was off is not known, for its wall clock cannot be right; no time was
  /// counted as passed.
  bool is_elapsed_unknown = false;
  /// How long this machine has slept since it was started. The timers of its firewall stood still
  /// then, so that a door may be open for so much longer than its lease.
  Milliseconds asleep{0};
};

/// What one turn changes about what is kept.
struct StoreChanges {
  Moment now{};
  /// In the order in which they happened.
  std::vector<TableEvent> events;
  std::vector<Refusal> refusals;
  /// Nothing: as they were.
  std::optional<EpochStarts> epochs;
  /// Of each event, the name of the rule that allows the mapping's newest claim; empty when none
  /// does. May be shorter than `events`. Valid until append() returns.
  std::vector<std::string_view> rules = {};
};

/// Where leases outlive the process. Never makes the caller wait, but for load().
class Store {
 public:
  virtual ~Store() = default;

  /// What the last run left. Called once, before append(). The error says why nothing can be kept;
  /// the store is of no use then.
  [[nodiscard]] virtual Result<StoredState, std::string> load(Moment now) = 0;
  /// Keeps this, after what was given before. Returns the number of this call, by which the store
  /// tells that everything up to it is on the disk.
  virtual std::uint64_t append(StoreChanges changes) = 0;
};

}  // namespace postern
