#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "core/address.h"
#include "core/door.h"
#include "core/mapping.h"

/// The mappings whose cost to packets is measured: what fill_doors opens and flow_load sends to.
/// bench/place.py routes these addresses.
namespace postern::bench {

enum class Family : std::uint8_t { v4, v6 };

/// Reads "4" or "6".
[[nodiscard]] inline std::optional<Family> parse_family(std::string_view text) {
  if (text == "4") return Family::v4;
  if (text == "6") return Family::v6;
  return std::nullopt;
}

/// So many IPv4 mappings of one protocol fit on one external address.
inline constexpr std::size_t kMostDoors = 64'000;
/// The external ports of IPv4 mappings count up from here.
inline constexpr std::uint16_t kFirstPort = 1024;
/// The internal port of all mappings: one socket hears them all.
inline constexpr std::uint16_t kServicePort = 9000;
inline constexpr Address kWanAddress = Address::v4({11, 0, 113, 1});

/// The internal address of a mapping: each one leads to another host, 10.1.0.0 or 2001:db8:2:: and
/// following.
[[nodiscard]] constexpr Address internal_address(Family family, std::size_t index) {
  const auto high = static_cast<std::uint8_t>(index >> 8);
  const auto low = static_cast<std::uint8_t>(index);
  if (family == Family::v4) return Address::v4({10, 1, high, low});
  return Address::v6({0x20, 0x01, 0x0d, 0xb8, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, high, low});
}

/// Where packets from outside are sent to reach it.
[[nodiscard]] constexpr Endpoint outside(Family family, std::size_t index) {
  if (family == Family::v6) return {internal_address(family, index), kServicePort};
  return {kWanAddress, static_cast<std::uint16_t>(kFirstPort + index)};
}

/// The doors of the mappings 0 to `count` - 1, which end at `ends`, as the table of mappings
/// derives them.
[[nodiscard]] inline std::vector<TimedDoor> measured_doors(Family family, std::size_t count,
                                                           Moment ends) {
  std::vector<TimedDoor> doors;
  for (std::size_t i = 0; i < count; ++i) {
    Mapping mapping;
    mapping.protocol = Protocol::udp;
    mapping.internal = {internal_address(family, i), kServicePort};
    mapping.external = outside(family, i);
    mapping.claims = {{{"bench", mapping.internal.address}, {Seconds(3600), ends}}};
    mapping.is_primary = family == Family::v4;
    for (auto& door : doors_of(mapping)) doors.push_back(std::move(door));
  }
  return doors;
}

}  // namespace postern::bench
