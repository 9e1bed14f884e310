#pragma once

#include <cstdint>

#include "core/protocol.h"

namespace postern {

/// A port of this machine that the daemon serves: open to the LAN interfaces.
struct OwnPort {
  Protocol protocol = Protocol::udp;
  std::uint16_t port = 0;
  /// Closed to all other interfaces; otherwise another program may serve them there.
  bool is_ours_alone = false;

  friend bool operator==(const OwnPort&, const OwnPort&) = default;
};

}  // namespace postern
