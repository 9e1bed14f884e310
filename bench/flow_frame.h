#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "bench/measured_doors.h"

namespace postern::bench {

using Mac = std::array<std::uint8_t, 6>;

/// An Ethernet frame with the first packet of a flow: UDP, with the flow's number as its payload.
class FlowFrame {
 public:
  /// Of frames to this machine, which come from another one of no importance.
  FlowFrame(Family family, const Mac& target);

  /// Makes it the first packet of flow `number`, to `target`. The source address and port belong to
  /// this number alone, up to kMostFlows.
  void set(std::uint32_t number, const Endpoint& target);

  [[nodiscard]] std::span<const std::uint8_t> octets() const { return {octets_.data(), size_}; }

  static constexpr std::uint32_t kMostFlows = 1U << 28;
  static constexpr std::size_t kPayload = 4;

 private:
  Family family_;
  std::size_t size_;
  std::array<std::uint8_t, 14 + 40 + 8 + kPayload> octets_{};
};

}  // namespace postern::bench
