#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/network.h"
#include "core/result.h"

namespace postern {

/// One interface as the kernel has it, its addresses in the order of use.
struct Link {
  Interface interface;
  bool is_up = false;
  bool is_loopback = false;

  friend bool operator==(const Link&, const Link&) = default;
};

/// One address of an interface, with what the kernel says about its use.
struct FoundAddress {
  InterfaceAddress own;
  /// Its scope reaches beyond the link.
  bool is_global = true;
  /// Neither tentative nor deprecated.
  bool is_preferred = true;
};

/// The addresses in the order in which they are to be used: first `preferred_source`, which is what
/// the default route names, then global ones before those of the link (169.254.0.0/16 is of the
/// link whatever scope it was given), and preferred ones before others. Among equals the kernel's
/// order stays.
[[nodiscard]] std::vector<InterfaceAddress> in_order_of_use(
    std::vector<FoundAddress> found, const std::optional<Address>& preferred_source);

/// All interfaces and the way out, at a moment.
struct NetworkFacts {
  std::vector<Link> links;
  /// The interface of the IPv4 default route with the lowest metric.
  std::optional<std::uint32_t> default_route_index;

  friend bool operator==(const NetworkFacts&, const NetworkFacts&) = default;
};

/// The LAN interfaces to serve: those that are configured, else the only interface that is neither
/// loopback nor the WAN and has an IPv4 address. The error names the candidates.
[[nodiscard]] Result<std::vector<std::string>, std::string> choose_lan(
    const NetworkFacts& facts, const std::optional<std::string>& configured_wan,
    const std::vector<std::string>& configured_lan);

/// The network as the gateway sees it: WAN as configured, else that of the default route if it is
/// not one of the LAN interfaces. An interface that is down has no addresses.
[[nodiscard]] Network choose_network(const NetworkFacts& facts,
                                     const std::optional<std::string>& configured_wan,
                                     const std::vector<std::string>& lan);

}  // namespace postern
