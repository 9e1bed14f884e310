#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "core/store.h"
#include "daemon/config.h"

namespace postern {

/// Everything up to this append is on the disk, or nobody need wait for it. Called on any thread.
using StoreWritten = std::function<void(std::uint64_t number)>;

/// The store that the configuration names; null for none.
[[nodiscard]] std::unique_ptr<Store> open_store(const Config& config, StoreWritten written);

}  // namespace postern
