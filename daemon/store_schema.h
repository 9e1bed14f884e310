#pragma once

#include "daemon/store_database.h"

namespace postern {

/// What is in a file that SQLite can read.
enum class StoreContent : std::uint8_t {
  /// Nothing at all yet.
  none,
  /// Our tables, as this version makes them.
  ours,
  /// Somebody else's.
  foreign,
  /// Those of a later version of this program.
  newer,
  /// They say that they are ours, and are otherwise than we make them.
  damaged,
};

/// Reads all of the file for that. Errors are the database's.
[[nodiscard]] StoreContent look_into(StoreDatabase& database);

/// Makes our tables, all at once. Only where there is nothing.
void create_tables(StoreDatabase& database);

}  // namespace postern
