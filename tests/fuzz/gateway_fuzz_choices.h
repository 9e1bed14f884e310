#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "core/bytes.h"
#include "tests/support/octets.h"

namespace postern::test {

/// What the octets of an input decide, one after the other. After the last one all are 0.
class Choices {
 public:
  explicit Choices(Bytes octets) : rest_(octets) {}

  [[nodiscard]] bool empty() const { return rest_.empty(); }

  [[nodiscard]] std::uint8_t octet() {
    if (rest_.empty()) return 0;
    const auto first = rest_.front();
    rest_ = rest_.subspan(1);
    return first;
  }

  template <std::size_t size, class T>
  [[nodiscard]] const T& of(const std::array<T, size>& all) {
    return all[octet() % size];
  }

  /// Its length comes first; 255 stands for a long one, to which nothing in the input corresponds.
  [[nodiscard]] Octets payload() {
    const std::size_t length = octet();
    const auto taken = rest_.first(std::min(length, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    Octets octets(taken.begin(), taken.end());
    if (length == 255) octets.resize(1400);
    return octets;
  }

 private:
  Bytes rest_;
};

}  // namespace postern::test
