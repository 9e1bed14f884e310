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

/// 2001:db8:77::host, in the home's IPv6 network.
[[nodiscard]] constexpr Address home_v6(std::uint8_t host) {
  return Address::v6({0x20, 0x01, 0x0d, 0xb8, 0, 0x77, 0, 0, 0, 0, 0, 0, 0, 0, 0, host});
}
/// fe80::host, which is on every link.
[[nodiscard]] constexpr Address link_local(std::uint8_t host) {
  return Address::v6({0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, host});
}
inline constexpr Address kGateway6 = home_v6(1);
inline constexpr Address kHostA6 = home_v6(10);
inline constexpr Address kHostB6 = home_v6(11);
inline constexpr Address kGatewayLinkLocal = link_local(1);
inline constexpr Address kHostALinkLocal = link_local(10);

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

/// The same with IPv6 on the LAN.
[[nodiscard]] inline Network dual_network(std::optional<Address> wan = kWan,
                                          const Address& gateway6 = kGateway6) {
  auto network = home_network(wan);
  auto& own = network.lan.front().addresses;
  own.push_back({gateway6, 64});
  own.push_back({kGatewayLinkLocal, 64});
  return network;
}

/// The LAN's address that this client asks.
[[nodiscard]] inline Address gateway_of(const Address& client) {
  if (client.is_v4()) return kGateway;
  return Prefix(kGatewayLinkLocal, 64).contains(client) ? kGatewayLinkLocal : kGateway6;
}

}  // namespace postern::test
