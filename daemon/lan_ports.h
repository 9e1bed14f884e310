#pragma once

#include <vector>

#include "core/network.h"
#include "daemon/config.h"
#include "daemon/udp_port.h"

namespace postern {

/// The UDP ports that the LAN is to be served on: those that the enabled protocols need, on each
/// interface that is there.
[[nodiscard]] std::vector<UdpListenAt> wanted_udp_ports(const Network& network,
                                                        const Config& config);

}  // namespace postern
