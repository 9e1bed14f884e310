#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include <netinet/in.h>
#include <sys/socket.h>

#include "core/datagram.h"

/// Addresses as the kernel's calls take and give them, for both families.
namespace postern {

/// Room for the one control message that tells where a datagram arrived or leaves (IP_PKTINFO,
/// IPV6_PKTINFO), aligned as the kernel wants it.
struct alignas(cmsghdr) PacketControl {
  std::array<char, CMSG_SPACE(sizeof(in6_pktinfo))> octets;
};

/// Where a datagram arrived.
struct Arrival {
  std::uint32_t interface_index = 0;
  /// The address it was sent to.
  Address destination;
};

/// Fills `storage` and returns the size of what is in it. IPv6 addresses of the link need the
/// interface.
[[nodiscard]] socklen_t put_address(const Endpoint& endpoint, std::uint32_t interface_index,
                                    sockaddr_storage& storage);
[[nodiscard]] Endpoint endpoint_of(const sockaddr_storage& storage);

/// Nothing when the kernel did not tell.
[[nodiscard]] std::optional<Arrival> arrival_of(msghdr& message);
/// Makes the datagram leave from its source address, through its interface. `control` must outlive
/// the sending.
void put_departure(const OutgoingDatagram& datagram, msghdr& message, PacketControl& control);

}  // namespace postern
