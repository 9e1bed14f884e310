#include "daemon/packet_info.h"

#include <algorithm>
#include <cstring>

namespace postern {
namespace {

/// The information that a control message carries, when it is of this kind.
template <class Info>
[[nodiscard]] std::optional<Info> info_in(const cmsghdr& header, int level, int type) {
  if (header.cmsg_level != level || header.cmsg_type != type) return std::nullopt;
  Info info{};
  std::memcpy(&info, CMSG_DATA(&header), sizeof info);
  return info;
}

template <class Info>
void put_info(const Info& info, int level, int type, msghdr& message, PacketControl& control) {
  control = {};
  message.msg_control = control.octets.data();
  message.msg_controllen = CMSG_SPACE(sizeof info);
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = level;
  header->cmsg_type = type;
  header->cmsg_len = CMSG_LEN(sizeof info);
  std::memcpy(CMSG_DATA(header), &info, sizeof info);
}

[[nodiscard]] Address address_of(const in6_addr& address) {
  std::array<std::uint8_t, 16> octets{};
  std::copy(std::begin(address.s6_addr), std::end(address.s6_addr), octets.begin());
  return Address::v6(octets);
}

[[nodiscard]] in6_addr in6_of(const Address& address) {
  in6_addr result{};
  std::copy(address.octets().begin(), address.octets().end(), std::begin(result.s6_addr));
  return result;
}

}  // namespace

socklen_t put_address(const Endpoint& endpoint, std::uint32_t interface_index,
                      sockaddr_storage& storage) {
  storage = {};
  if (endpoint.address.is_v4()) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(endpoint.address.v4_value());
    address.sin_port = htons(endpoint.port);
    std::memcpy(&storage, &address, sizeof address);
    return sizeof address;
  }
  sockaddr_in6 address{};
  address.sin6_family = AF_INET6;
  address.sin6_addr = in6_of(endpoint.address);
  address.sin6_port = htons(endpoint.port);
  // The kernel ignores it for addresses that reach beyond the link.
  address.sin6_scope_id = interface_index;
  std::memcpy(&storage, &address, sizeof address);
  return sizeof address;
}

Endpoint endpoint_of(const sockaddr_storage& storage) {
  if (storage.ss_family == AF_INET) {
    sockaddr_in address{};
    std::memcpy(&address, &storage, sizeof address);
    return {Address::v4(ntohl(address.sin_addr.s_addr)), ntohs(address.sin_port)};
  }
  sockaddr_in6 address{};
  std::memcpy(&address, &storage, sizeof address);
  return {address_of(address.sin6_addr), ntohs(address.sin6_port)};
}

std::optional<Arrival> arrival_of(msghdr& message) {
  for (cmsghdr* c = CMSG_FIRSTHDR(&message); c != nullptr; c = CMSG_NXTHDR(&message, c)) {
    if (const auto info = info_in<in_pktinfo>(*c, IPPROTO_IP, IP_PKTINFO)) {
      return Arrival{static_cast<std::uint32_t>(info->ipi_ifindex),
                     Address::v4(ntohl(info->ipi_addr.s_addr))};
    }
    if (const auto info = info_in<in6_pktinfo>(*c, IPPROTO_IPV6, IPV6_PKTINFO)) {
      return Arrival{info->ipi6_ifindex, address_of(info->ipi6_addr)};
    }
  }
  return std::nullopt;
}

void put_departure(const OutgoingDatagram& datagram, msghdr& message, PacketControl& control) {
  if (datagram.source.address.is_v4()) {
    in_pktinfo info{};
    info.ipi_ifindex = static_cast<int>(datagram.interface_index);
    info.ipi_spec_dst.s_addr = htonl(datagram.source.address.v4_value());
    put_info(info, IPPROTO_IP, IP_PKTINFO, message, control);
    return;
  }
  in6_pktinfo info{};
  info.ipi6_ifindex = datagram.interface_index;
  info.ipi6_addr = in6_of(datagram.source.address);
  put_info(info, IPPROTO_IPV6, IPV6_PKTINFO, message, control);
}

}  // namespace postern
