#pragma once

#include <memory>

#include "daemon/config.h"
#include "daemon/sqlite_store.h"

namespace postern {

/// The store that the configuration names; null for none.
[[nodiscard]] std::unique_ptr<SqliteStore> open_store(const Config& config, StoreListener listener);

}  // namespace postern
