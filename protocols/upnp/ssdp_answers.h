#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "core/datagram.h"
#include "core/random.h"
#include "core/time.h"

namespace postern::upnp {

/// Answers that wait for their moment, so that not all devices of a LAN answer a search at once,
/// and that never leave faster than 100 kB a second (SEC-03). Bounded in memory: kMostWaiting
/// datagrams. Adding and taking one are O(log n).
class SsdpAnswers {
 public:
  static constexpr std::size_t kMostWaiting = 256;
  /// Larger sets have half of the places: whoever asks for everything, be it under many names, does
  /// not keep from others the few answers that clients search for.
  static constexpr std::size_t kSmallSet = 4;

  /// `random` outlives this object.
  explicit SsdpAnswers(Random& random);

  /// Takes the answers to one search, to be sent in this order at random moments of the next
  /// `spread`; false, and none is taken, when there is no room for all of them.
  [[nodiscard]] bool add(std::vector<OutgoingDatagram> answers, Milliseconds spread, Moment now);
  /// What is to be sent now. What would leave a second late or more is dropped: nobody waits for
  /// it any more.
  [[nodiscard]] std::vector<OutgoingDatagram> take_due(Moment now);
  [[nodiscard]] std::optional<Moment> next() const;
  /// Drops all: what they say is no longer right.
  void clear() { waiting_.clear(); }

 private:
  Random& random_;
  /// By the moment they are due; equal ones stay in order.
  std::multimap<Moment, OutgoingDatagram> waiting_;
  /// The token bucket: octets that might have left at `counted_`.
  std::int64_t allowance_;
  Moment counted_{};
};

}  // namespace postern::upnp
