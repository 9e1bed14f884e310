#pragma once

#include "core/result.h"
#include "netlink/socket.h"

namespace postern::nftables {

/// Whether this kernel sets an element's time anew when it is added again (about since 6.12; older
/// ones say yes and keep the old time). Tried in a table of its own, `inet postern-probe`, which is
/// gone afterwards. An error means that the packet filter cannot be used at all.
[[nodiscard]] Result<bool, netlink::Error> renews_in_place(netlink::Socket& socket);

}  // namespace postern::nftables
