#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "core/mapping.h"

namespace postern {

/// Finds listed mappings by their place among them, in the order of their creation, which is that
/// of their ids. Each id has a slot; a Fenwick tree over the slots counts the listed ones.
class CreationOrder {
 public:
  /// From now on `id` is listed, or is not. It is the newest that this was ever called with, which
  /// costs next to nothing, or was there since forget_others() before: O(log n).
  void set_listed(MappingId id, bool is_listed);

  /// How many are listed.
  [[nodiscard]] std::size_t count() const { return count_; }
  /// The listed one that has `place` others before it; nothing when there are fewer. O(log n).
  [[nodiscard]] std::optional<MappingId> at(std::size_t place) const;

  /// How many ids have a slot: all that came since forget_others(), and those it left.
  [[nodiscard]] std::size_t slots() const { return slots_.size(); }
  /// Leaves out the slots of ids that are not listed and not among those to keep. O(n).
  void forget_others(const std::function<bool(MappingId)>& keeps);

  /// Whether the tree counts what is listed. O(n).
  [[nodiscard]] bool is_consistent() const;

 private:
  struct Slot {
    MappingId id = 0;
    bool is_listed = false;
  };

  void append(const Slot& slot);
  /// How many of the first `slots` are listed.
  [[nodiscard]] std::size_t listed_before(std::size_t slots) const;

  /// By id.
  std::vector<Slot> slots_;
  /// At i - 1 how many are listed of the slots from i - lowest_bit(i) up to i - 1.
  std::vector<std::size_t> tree_;
  std::size_t count_ = 0;
};

}  // namespace postern
