#pragma once

#include <cstdint>

#include "core/address.h"

namespace postern {

/// What the kernel knows of the hosts on a link (ARP and IPv6 neighbour discovery).
class NeighbourTable {
 public:
  virtual ~NeighbourTable() = default;

  /// Whether both addresses are of one host: reachable on that interface at one MAC address. False
  /// when either is not known. Never waits for the network.
  [[nodiscard]] virtual bool are_one_host(std::uint32_t interface_index, const Address& left,
                                          const Address& right) = 0;
};

}  // namespace postern
