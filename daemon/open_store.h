#pragma once

#include <memory>

#include "core/store.h"
#include "daemon/config.h"
#include "daemon/sqlite_store.h"

namespace postern {

/// The store that the configuration names; null for none.
[[nodiscard]] std::unique_ptr<SqliteStore> open_store(const Config& config, StoreListener listener);

/// The database has not what a claim's lease is cut to (LifetimeLimit), for each protocol has but
/// one.
void complete(StoredState& stored);

}  // namespace postern
