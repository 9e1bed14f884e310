#pragma once

#include <cstdint>
#include <optional>

namespace postern {

/// What went over an interface since the kernel made it.
struct LinkCounters {
  std::uint64_t bytes_sent = 0;
  std::uint64_t bytes_received = 0;
  std::uint64_t packets_sent = 0;
  std::uint64_t packets_received = 0;
};

/// What the kernel knows of the link of an interface. Reads without waiting for the network.
class WanLink {
 public:
  virtual ~WanLink() = default;

  /// Nothing when there is no such interface.
  [[nodiscard]] virtual std::optional<LinkCounters> counters(std::uint32_t interface_index) = 0;
  /// In bit/s; nothing when the driver does not tell, as of virtual interfaces.
  [[nodiscard]] virtual std::optional<std::uint64_t> speed(std::uint32_t interface_index) = 0;
};

}  // namespace postern
