#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "core/mapping.h"
#include "core/time.h"

namespace postern::pcp {

/// When to tell clients, unasked, that their mappings have changed: three times, 250 and 500 ms
/// apart (RFC 6887 §14.2), and never so many at once that the LAN chokes on them. A start and a
/// taking are O(log n) in the number of mappings that are to be told of.
class MappingUpdates {
 public:
  /// The most that are due at one moment.
  static constexpr std::size_t kMostAtOnce = 64;

  struct Due {
    MappingId id = 0;
    Moment moved{};

    friend bool operator==(const Due&, const Due&) = default;
  };

  /// This mapping moved just now: begins to tell of it, or begins anew.
  void start(MappingId id, Moment now);

  /// The mappings to be told of now, at most kMostAtOnce; each counts as told once more.
  [[nodiscard]] std::vector<Due> take_due(Moment now);
  [[nodiscard]] std::optional<Moment> next() const;
  /// Whether this mapping is still to be told of.
  [[nodiscard]] bool is_telling(MappingId id) const { return running_.contains(id); }

 private:
  struct Running {
    Moment moved;
    Moment due;
    int told = 0;
  };
  void stop(MappingId id);
  void put(MappingId id, Running running);

  std::map<MappingId, Running> running_;
  std::set<std::pair<Moment, MappingId>> queue_;
  /// When the last start is due, and how many starts are due then.
  Moment last_start_{};
  std::size_t starts_then_ = 0;
};

}  // namespace postern::pcp
