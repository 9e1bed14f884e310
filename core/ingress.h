#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "core/datagram.h"
#include "core/endpoint.h"
#include "core/network.h"
#include "core/policy.h"

namespace postern {

/// Whether a datagram may be looked at, or why it gets silence.
enum class Ingress : std::uint8_t {
  accepted,
  /// It did not come in on a LAN interface.
  not_from_lan,
  /// It was sent to something else than a LAN address of this machine or a group it listens to.
  not_to_lan_address,
  /// No host can have this source, or it is this machine's own address.
  impossible_source,
  /// The source is not on the link it came from, and no rule lists it.
  not_on_link,
};

[[nodiscard]] constexpr std::string_view to_string(Ingress ingress) {
  switch (ingress) {
    case Ingress::accepted:
      return "accepted";
    case Ingress::not_from_lan:
      return "not_from_lan";
    case Ingress::not_to_lan_address:
      return "not_to_lan_address";
    case Ingress::impossible_source:
      return "impossible_source";
    case Ingress::not_on_link:
      return "not_on_link";
  }
  return "?";
}

/// The gate before every protocol: only hosts of the LAN that ask a LAN address of this machine, or
/// one of `groups` at its port, are heard (RFC 6886 §3.3, RFC 6887 §8.2).
[[nodiscard]] Ingress check_ingress(const IncomingDatagram& datagram, const Network& network,
                                    const Policy& policy, std::span<const Endpoint> groups);
/// The same for a connection, which has come in on that interface.
[[nodiscard]] Ingress check_ingress(std::uint32_t interface_index, const Endpoint& client,
                                    const Endpoint& server, const Network& network,
                                    const Policy& policy);

}  // namespace postern
