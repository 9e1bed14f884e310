#pragma once

#include <string>
#include <vector>

#include <spdlog/common.h>

#include "daemon/store_health.h"

namespace postern {

/// A line for the log.
struct StoreNews {
  spdlog::level::level_enum level = spdlog::level::info;
  std::string text;

  friend bool operator==(const StoreNews&, const StoreNews&) = default;
};

/// What is to be said of a store that told that it is so now, when `before` is what it told last
/// (or how each store begins).
[[nodiscard]] std::vector<StoreNews> news_of(const StoreHealth& before, const StoreHealth& now);

}  // namespace postern
