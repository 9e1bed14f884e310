#pragma once

#include "protocols/upnp/invocation.h"

/// Whom a caller may open.
namespace postern::upnp {

/// Whether a mapping can lead there at all: a host of the LAN, or one that a rule lists, and none
/// of the gateway's own addresses, no broadcast, multicast, loopback or link-local IPv6 address.
[[nodiscard]] bool is_host(const Address& address, const GatewayState& state);

/// Whether the address is of the host that calls: it calls from there, or the neighbour table ties
/// both addresses to one MAC address (IGD-047, IGD-159).
[[nodiscard]] bool is_of_caller(const Address& address, const Invocation& invocation);

/// The same for whoever would call.
[[nodiscard]] bool is_of_caller(const Address& address, const Caller& caller,
                                const Settings& settings, const Kernel& kernel);

/// Who asks for a mapping that leads to this host. For a host that is not the caller's, that is the
/// caller, and the policy says whether it may.
[[nodiscard]] Claimant claimant_for(const Address& host, const Invocation& invocation);

[[nodiscard]] Claimant claimant_for(const Address& host, const Caller& caller,
                                    const Settings& settings, const Kernel& kernel);

/// A claim that the caller may end, made over UPnP or left by an earlier run; null when the mapping
/// has none.
[[nodiscard]] const Claim* find_claim_of_caller(const Mapping& mapping,
                                                const Invocation& invocation);

}  // namespace postern::upnp
