#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "core/address.h"

namespace postern {

/// Who of those that wait has his turn: one of each source in rotation, and of one source in the
/// order of arrival. So whoever sends much waits behind himself alone. What waits lives elsewhere,
/// and is known here by the number of its place.
///
/// At most `most` wait. All calls are O(log n) in the sources, and push() is O(n) when it has to
/// throw something away.
class FairQueue {
 public:
  using Slot = std::uint16_t;

  explicit FairQueue(std::size_t most) : most_(most) {}

  /// Returns what must be thrown away when too many wait now: the newest of the source that has
  /// most of them. That may be the one just brought.
  [[nodiscard]] std::optional<Slot> push(const Address& source, Slot slot);
  /// At most `count` of those that wait.
  [[nodiscard]] std::vector<Slot> take(std::size_t count);

  [[nodiscard]] bool empty() const { return size_ == 0; }

 private:
  [[nodiscard]] Slot throw_away();

  std::size_t most_;
  std::size_t size_ = 0;
  std::map<Address, std::deque<Slot>> waiting_;
  /// Whose turn was last.
  Address last_;
};

}  // namespace postern
