#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "core/mapping.h"
#include "core/result.h"
#include "daemon/store_contents.h"
#include "daemon/store_database.h"
#include "daemon/store_history.h"

namespace postern {

/// What one transaction writes.
struct StoreBatch {
  /// `mappings` are all there are; what else is in the database goes.
  bool is_everything = false;
  /// As each is now; nothing: it is gone.
  std::vector<std::pair<MappingId, std::optional<Mapping>>> mappings;
  /// Without ids.
  std::vector<HistoryEntry> history;
  StoreMeta meta;
};

/// Writes it as a whole or not at all, and keeps the youngest `history_rows` of the history. When
/// this returns well, it is on the disk. Errors are the database's.
void write_batch(StoreDatabase& database, const StoreBatch& batch, std::uint32_t history_rows);

/// The youngest first. Looks at each row there is until it has found enough.
[[nodiscard]] std::vector<HistoryEntry> read_history(StoreDatabase& database,
                                                     const HistoryQuery& query);
/// How many there are, if none is missing in between.
[[nodiscard]] std::uint64_t count_history(StoreDatabase& database);

}  // namespace postern
