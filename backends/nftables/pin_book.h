#pragma once

#include <cstddef>
#include <optional>
#include <unordered_map>
#include <vector>

#include "backends/nftables/elements.h"
#include "core/time.h"

namespace postern::nftables {

/// Which doors stand on each pin4 element. Two Forward4 doors to one internal endpoint share their
/// element, which must live as long as the longer of them. Works in transactions like the kernel's:
/// what is staged stands only after keep(). Pure.
class PinBook {
 public:
  /// The net effect of a transaction on one element: until when it was and will be needed.
  struct Change {
    Pin pin;
    std::optional<Moment> before;
    std::optional<Moment> after;
    /// The last change of the caller that touched this pin.
    std::size_t cause = 0;
  };

  /// Stages that a door until `ends` now stands on this pin.
  void add(const Pin& pin, Moment ends, std::size_t cause);
  /// Stages that such a door is gone. A door that was never added changes nothing.
  void remove(const Pin& pin, Moment ends, std::size_t cause);

  /// What the staged calls together change, in no order.
  [[nodiscard]] std::vector<Change> changes() const;
  void keep();
  void undo();

 private:
  /// When each door on the pin ends; nearly always one.
  using Ends = std::vector<Moment>;
  struct Staged {
    Ends ends;
    std::size_t cause = 0;
  };

  [[nodiscard]] Ends& stage(const Pin& pin, std::size_t cause);

  std::unordered_map<Pin, Ends> ends_;
  std::unordered_map<Pin, Staged> staged_;
};

}  // namespace postern::nftables
