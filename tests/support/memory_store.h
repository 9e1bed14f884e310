#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/store.h"

namespace postern::test {

/// A store that keeps what it is given where the test sees it.
class MemoryStore final : public Store {
 public:
  /// What load() returns, or why it fails.
  StoredState state;
  std::optional<std::string> trouble;
  /// In order; the first has number 1.
  std::vector<StoreChanges> appended;

  [[nodiscard]] Result<StoredState, std::string> load(Moment /*now*/) override {
    if (trouble) return fail(*trouble);
    return state;
  }
  std::uint64_t append(StoreChanges changes) override {
    appended.push_back(std::move(changes));
    return appended.size();
  }
};

}  // namespace postern::test
