#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace postern {

/// `first` … `last`, both included, 1 … 65535, first ≤ last.
struct PortRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;

  friend bool operator==(const PortRange&, const PortRange&) = default;
};

/// A set of ports as a few sorted ranges that neither overlap nor touch.
class PortSet {
 public:
  PortSet() = default;
  /// Ranges in any order; they may overlap.
  explicit PortSet(std::vector<PortRange> ranges);
  /// 1 … 65535.
  [[nodiscard]] static PortSet all();
  /// Reads "9, 1024-65535"; nothing for anything else.
  [[nodiscard]] static std::optional<PortSet> parse(std::string_view text);

  [[nodiscard]] bool contains(std::uint16_t port) const;
  [[nodiscard]] bool empty() const { return ranges_.empty(); }
  /// How many ports.
  [[nodiscard]] std::uint32_t size() const;
  /// The port number `index` in ascending order; `index` below size().
  [[nodiscard]] std::uint16_t at(std::uint32_t index) const;
  [[nodiscard]] std::span<const PortRange> ranges() const { return ranges_; }

  [[nodiscard]] PortSet united_with(const PortSet& other) const;
  [[nodiscard]] PortSet without(const PortSet& other) const;
  [[nodiscard]] PortSet intersected_with(const PortSet& other) const;
  /// Whether every port of this set is in `other`.
  [[nodiscard]] bool is_within(const PortSet& other) const { return without(other).empty(); }

  [[nodiscard]] std::string to_string() const;
  friend bool operator==(const PortSet&, const PortSet&) = default;

 private:
  std::vector<PortRange> ranges_;
};

[[nodiscard]] PortSet united(std::span<const PortSet> sets);

/// Ports of this machine that are in use by others than its mappings: local sockets that the WAN
/// reaches, and forwards of the administrator or of containers.
struct OccupiedPorts {
  PortSet tcp;
  PortSet udp;

  friend bool operator==(const OccupiedPorts&, const OccupiedPorts&) = default;
};

}  // namespace postern
