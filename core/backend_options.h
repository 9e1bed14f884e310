#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/own_port.h"

namespace postern {

/// What every firewall backend is told when it is made.
struct BackendOptions {
  /// One bit of the packet mark, set on packets that the host's own firewall shall let through.
  std::uint32_t forward_mark = 0x10000000;
  /// False: renew by replacing, also where the firewall can renew in place.
  bool allow_renewal_in_place = true;
  /// Where the firewall can (nftables from Linux 6.9): nobody else may change our rules while this
  /// process lives.
  bool owns_table = false;
  /// For iptables: the iptables-restore to use, a path or a name; the other programs are found
  /// beside it. Empty: the host's own choice, else the variant that is there (iptables-nft-…,
  /// iptables-legacy-…).
  std::string iptables_restore = {};
  std::vector<OwnPort> own_ports = {};
  /// How many packets each LAN host may send to the own ports, of TCP those that begin connections,
  /// with a burst of two seconds' worth; 0: as many as it likes.
  std::uint32_t requests_per_second = 0;
};

}  // namespace postern
