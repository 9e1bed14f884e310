#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/address.h"
#include "core/protocol.h"
#include "core/result.h"

namespace postern::host {

/// A socket of some program on this gateway that takes packets from anybody: a listening TCP one,
/// or a UDP one that is bound and not connected.
struct LocalSocket {
  Protocol protocol = Protocol::tcp;
  /// What it is bound to. The unspecified IPv6 address takes IPv4 as well unless is_ipv6_only.
  Address address;
  std::uint16_t port = 0;
  bool is_ipv6_only = false;
  /// The index of the interface it is bound to (SO_BINDTODEVICE); 0 for all.
  std::uint32_t interface_index = 0;

  friend bool operator==(const LocalSocket&, const LocalSocket&) = default;
};

/// Those in the network namespace of the calling thread, of all users. The error is a sentence for
/// the log.
[[nodiscard]] Result<std::vector<LocalSocket>, std::string> read_local_sockets();

}  // namespace postern::host
