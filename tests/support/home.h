#pragma once

#include <optional>

#include "core/address.h"
#include "core/endpoint.h"
#include "core/network.h"
#include "core/time.h"

/// The home network that most tests play in.
namespace postern::test {

/// When a test begins. Not the zero of the clock, so that a forgotten moment is seen.
inline constexpr Moment kStart{Seconds{1000}};

inline constexpr Address kGateway = Address::v4({192, 168, 1, 1});
inline constexpr Address kHostA = Address::v4({192, 168, 1, 10});
inline constexpr Address kHostB = Address::v4({192, 168, 1, 11});
inline constexpr Address kHostC = Address::v4({192, 168, 1, 12});
inline constexpr Address kWan = Address::v4({198, 51, 100, 7});
inline constexpr Address kOtherWan = Address::v4({203, 0, 113, 9});

inline constexpr std::uint32_t kWanIndex = 2;
inline constexpr std::uint32_t kLanIndex = 3;

/// A WAN interface with this address, or without any.
[[nodiscard]] inline Interface wan_interface(std::optional<Address> address) {
  Interface wan{"wan0", kWanIndex, {}};
  if (address) wan.addresses.push_back({*address, 24});
  return wan;
}

[[nodiscard]] inline Network home_network(std::optional<Address> wan = kWan) {
  return {wan_interface(wan), {{"br-lan", kLanIndex, {{kGateway, 24}}}}};
}

}  // namespace postern::test
