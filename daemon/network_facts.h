#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/network.h"
#include "core/result.h"

namespace postern {

/// One interface as the kernel has it.
struct Link {
  Interface interface;
  bool is_up = false;
  bool is_loopback = false;

  friend bool operator==(const Link&, const Link&) = default;
};

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
