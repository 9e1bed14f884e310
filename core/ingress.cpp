#include "core/ingress.h"

#include <algorithm>

namespace postern {
namespace {

[[nodiscard]] bool is_on_link(const Address& address, const Interface& lan) {
  return std::any_of(lan.addresses.begin(), lan.addresses.end(),
                     [&](const InterfaceAddress& own) { return own.prefix().contains(address); });
}

[[nodiscard]] bool is_possible_source(const Endpoint& source, const Interface& lan,
                                      const Network& network) {
  const Address& address = source.address;
  if (source.port == 0 || address.is_unspecified() || address.is_multicast() ||
      address.is_limited_broadcast()) {
    return false;
  }
  // The loopback interface has them all, and no other interface has any.
  if (address.is_loopback()) return is_on_link(address, lan);
  const bool is_broadcast = std::any_of(
      lan.addresses.begin(), lan.addresses.end(),
      [&](const InterfaceAddress& own) { return own.prefix().directed_broadcast() == address; });
  const bool is_ours =
      network.is_lan_address(address) || (network.wan && network.wan->has(address));
  return !is_broadcast && !is_ours;
}

/// No `destination`: one of our groups.
[[nodiscard]] Ingress check(std::uint32_t interface_index, const Endpoint& source,
                            const Address* destination, const Network& network,
                            const Policy& policy) {
  const Interface* lan = network.lan_by_index(interface_index);
  if (!lan) return Ingress::not_from_lan;
  if (destination && !network.is_lan_address(*destination)) return Ingress::not_to_lan_address;
  if (!is_possible_source(source, *lan, network)) return Ingress::impossible_source;
  if (!is_on_link(source.address, *lan) && !policy.lists(source.address)) {
    return Ingress::not_on_link;
  }
  return Ingress::accepted;
}

}  // namespace

Ingress check_ingress(const IncomingDatagram& datagram, const Network& network,
                      const Policy& policy, std::span<const Endpoint> groups) {
  const bool is_to_group =
      std::find(groups.begin(), groups.end(), datagram.destination) != groups.end();
  return check(datagram.interface_index, datagram.source,
               is_to_group ? nullptr : &datagram.destination.address, network, policy);
}

Ingress check_ingress(std::uint32_t interface_index, const Endpoint& client, const Endpoint& server,
                      const Network& network, const Policy& policy) {
  return check(interface_index, client, &server.address, network, policy);
}

}  // namespace postern
