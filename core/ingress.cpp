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

}  // namespace

Ingress check_ingress(const IncomingDatagram& datagram, const Network& network,
                      const Policy& policy, std::span<const Endpoint> groups) {
  const Interface* lan = network.lan_by_index(datagram.interface_index);
  if (!lan) return Ingress::not_from_lan;
  const bool is_to_group =
      std::find(groups.begin(), groups.end(), datagram.destination) != groups.end();
  if (!is_to_group && !network.is_lan_address(datagram.destination.address)) {
    return Ingress::not_to_lan_address;
  }
  if (!is_possible_source(datagram.source, *lan, network)) return Ingress::impossible_source;
  const Address& client = datagram.source.address;
  if (!is_on_link(client, *lan) && !policy.lists(client)) return Ingress::not_on_link;
  return Ingress::accepted;
}

}  // namespace postern
