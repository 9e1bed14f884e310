#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <queue>
#include <utility>
#include <vector>

#include "core/mapping.h"
#include "core/time.h"

namespace postern {

/// Tells which mapping to look at next, when nearly every mapping's moment moves later before it
/// comes: renewals are what gateways do all day, and here they cost nothing. The queue keeps the
/// moment it was told first; when that has come, whoever takes it out looks at the true one.
class ExpiryQueue {
 public:
  /// The mapping is not due before `moment`.
  void add(Moment moment, MappingId id) { entries_.emplace(moment, id); }

  /// No mapping is due before this.
  [[nodiscard]] std::optional<Moment> first() const {
    if (entries_.empty()) return std::nullopt;
    return entries_.top().first;
  }

  /// Takes out an entry that has come, in the order of their moments.
  [[nodiscard]] std::optional<std::pair<Moment, MappingId>> take(Moment now) {
    if (entries_.empty() || entries_.top().first > now) return std::nullopt;
    const auto entry = entries_.top();
    entries_.pop();
    return entry;
  }

  /// How many entries there are, among them those of mappings that are gone.
  [[nodiscard]] std::size_t size() const { return entries_.size(); }
  void clear() { entries_ = {}; }

 private:
  using Entry = std::pair<Moment, MappingId>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> entries_;
};

}  // namespace postern
