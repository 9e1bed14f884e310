#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postern {

/// The link-layer address of a host on an Ethernet-like link (EUI-48).
class MacAddress {
 public:
  constexpr MacAddress() = default;
  explicit constexpr MacAddress(const std::array<std::uint8_t, 6>& octets) : octets_(octets) {}
  /// Nothing unless they are six.
  [[nodiscard]] static std::optional<MacAddress> of_octets(std::string_view octets);
  /// Reads "02:00:5e:10:00:0a", also in capitals or with hyphens; nothing for anything else.
  [[nodiscard]] static std::optional<MacAddress> parse(std::string_view text);

  [[nodiscard]] const std::array<std::uint8_t, 6>& octets() const { return octets_; }
  /// "02:00:5e:10:00:0a".
  [[nodiscard]] std::string to_string() const;
  friend auto operator<=>(const MacAddress&, const MacAddress&) = default;

 private:
  std::array<std::uint8_t, 6> octets_{};
};

}  // namespace postern
