#pragma once

#include <vector>

#include "core/datagram.h"
#include "core/gateway_state.h"
#include "core/mapping.h"
#include "core/time.h"

/// What a PCP server says without being asked (RFC 6887 §14).
namespace postern::pcp {

/// ANNOUNCE to 224.0.0.1, from each IPv4 address of each LAN interface.
[[nodiscard]] std::vector<OutgoingDatagram> announcements_v4(const GatewayState& state, Moment now);
/// ANNOUNCE to ff02::1, from each IPv6 address of each LAN interface.
[[nodiscard]] std::vector<OutgoingDatagram> announcements_v6(const GatewayState& state, Moment now);

/// A mapping update (RFC 6887 §14.2) for each PCP claim on the mapping that was not renewed since
/// it moved, to where the last answer about that claim went.
[[nodiscard]] std::vector<OutgoingDatagram> mapping_updates(const Mapping& mapping, Moment moved,
                                                            const GatewayState& state, Moment now);

/// That these PCP claims on the mapping are no more: NOT_AUTHORIZED with lifetime 0 for each,
/// unless the client has got another one for that inside meanwhile.
[[nodiscard]] std::vector<OutgoingDatagram> closing_updates(const Mapping& taken,
                                                            const GatewayState& state, Moment now);

}  // namespace postern::pcp
