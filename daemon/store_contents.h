#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/mapping.h"
#include "core/store.h"
#include "daemon/store_clock.h"
#include "daemon/store_database.h"

namespace postern {

/// How far one may trust what is in the database. Its numbers are in the file.
enum class StoreMark : std::uint8_t {
  /// It may lack what was done in the last moments of its run.
  running = 0,
  /// It lacks nothing at any time, for clients are told only what is there.
  exact = 1,
  /// The run ended in order, and everything was written.
  clean = 2,
};

/// What is true of the database as a whole.
struct StoreMeta {
  /// Whose moments these are.
  std::string boot_id;
  /// When it was written last.
  ClockReading written;
  StoreMark mark = StoreMark::running;
  std::optional<EpochStarts> epochs;
};

/// What is there, its moments as they were written.
struct StoreContents {
  StoreMeta meta;
  /// In the order of their ids.
  std::vector<Mapping> mappings;
  /// Rows that cannot be ours, for the file may have been damaged at any octet; each one that is
  /// here can.
  std::size_t left_out = 0;
};

/// Reads it. `frontends` are the names that claims may have: constants; a claim of another one
/// becomes kRecovered. Errors are the database's.
[[nodiscard]] StoreContents read_contents(StoreDatabase& database,
                                          std::span<const std::string_view> frontends);

/// Tells all moments by another clock, `added` later.
void shift_moments(StoreContents& contents, Milliseconds added);

}  // namespace postern
