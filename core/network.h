#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/address.h"

namespace postern {

struct InterfaceAddress {
  Address address;
  unsigned prefix_length = 0;
  /// The kernel still asks whether another host has it (RFC 4862 §5.4): nothing can be sent from
  /// it.
  bool is_tentative = false;

  [[nodiscard]] Prefix prefix() const { return Prefix(address, prefix_length); }
  friend bool operator==(const InterfaceAddress&, const InterfaceAddress&) = default;
};

struct Interface {
  std::string name;
  /// The kernel's number; 0 while the interface does not exist. A re-created interface has another.
  std::uint32_t index = 0;
  /// The one that the interface's packets leave with comes first.
  std::vector<InterfaceAddress> addresses;
  /// It is up and has a carrier.
  bool is_running = true;

  [[nodiscard]] bool has(const Address& address) const;
  /// The first IPv4 address.
  [[nodiscard]] std::optional<Address> first_v4() const;
  [[nodiscard]] std::vector<Address> all_v4() const;
  /// Whether it has an IPv6 address, of the link at least.
  [[nodiscard]] bool has_v6() const;
  /// Whether one of them reaches beyond the link (not fe80::/10).
  [[nodiscard]] bool has_routable_v6() const;
  friend bool operator==(const Interface&, const Interface&) = default;
};

/// What the daemon knows of the machine's interfaces at a moment.
struct Network {
  /// Named by the configuration, or the interface of the default route; absent while there is none.
  std::optional<Interface> wan;
  /// The configured interfaces, in the configuration's order, also those that do not exist now.
  std::vector<Interface> lan;

  /// Whether every LAN interface has an address of the family that reaches beyond the link, so that
  /// it is known who is on the LAN.
  [[nodiscard]] bool all_lans_have_v4() const;
  [[nodiscard]] bool all_lans_have_v6() const;
  [[nodiscard]] const Interface* lan_by_index(std::uint32_t index) const;
  /// The interface on whose link the address is; null when it is on none.
  [[nodiscard]] const Interface* lan_of(const Address& address) const;
  /// The WAN's IPv4 addresses; the one that packets leave with comes first (RFC 6886 §4.3.2).
  [[nodiscard]] std::vector<Address> external_addresses() const {
    return wan ? wan->all_v4() : std::vector<Address>();
  }
  [[nodiscard]] bool is_lan_address(const Address& address) const;
  friend bool operator==(const Network&, const Network&) = default;
};

}  // namespace postern
