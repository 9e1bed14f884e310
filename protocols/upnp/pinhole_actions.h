#pragma once

#include "protocols/upnp/invocation.h"

/// WANIPv6FirewallControl. The pinholes of UPnP for one inside are claims on one mapping, told
/// apart by the remote host and port that they let in; the firewall lets in whom any of them does.
namespace postern::upnp {

/// AddPinhole: a new one, or the one that is there with a new lease.
[[nodiscard]] Outcome add_pinhole(const Invocation& invocation);
/// UpdatePinhole: a new lease.
[[nodiscard]] Outcome update_pinhole(const Invocation& invocation);
[[nodiscard]] Outcome delete_pinhole(const Invocation& invocation);
/// GetPinholePackets. The firewall counts for an inside, so its pinholes share the number.
[[nodiscard]] Outcome get_pinhole_packets(const Invocation& invocation);
/// CheckPinholeWorking: whether anything came in.
[[nodiscard]] Outcome check_pinhole_working(const Invocation& invocation);
/// GetOutboundPinholeTimeout: what Linux does unless the administrator changed it.
[[nodiscard]] Outcome get_outbound_pinhole_timeout(const Invocation& invocation);

}  // namespace postern::upnp
