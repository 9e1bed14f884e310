#include "host/occupied_ports.h"

#include <algorithm>
#include <utility>

#include <net/if.h>

#include "host/foreign_forwards.h"
#include "host/foreign_rules.h"

namespace postern::host {
namespace {

[[nodiscard]] bool takes_from(const LocalSocket& socket, const Wan& wan,
                              std::uint32_t wan_interface_index) {
  if (socket.interface_index != 0 && wan_interface_index != 0 &&
      socket.interface_index != wan_interface_index) {
    return false;
  }
  if (socket.address.is_unspecified()) return !socket.is_ipv6_only;
  return std::find(wan.addresses.begin(), wan.addresses.end(), socket.address) !=
         wan.addresses.end();
}

}  // namespace

OccupiedPorts socket_ports(std::span<const LocalSocket> sockets, const Wan& wan) {
  // Zero, as for no name, when there is no such interface.
  const auto wan_interface_index = ::if_nametoindex(wan.interface.c_str());
  std::vector<PortRange> tcp;
  std::vector<PortRange> udp;
  for (const auto& socket : sockets) {
    if (!takes_from(socket, wan, wan_interface_index)) continue;
    (socket.protocol == Protocol::tcp ? tcp : udp).push_back({socket.port, socket.port});
  }
  return {PortSet(std::move(tcp)), PortSet(std::move(udp))};
}

OccupiedPorts united(const OccupiedPorts& left, const OccupiedPorts& right) {
  return {left.tcp.united_with(right.tcp), left.udp.united_with(right.udp)};
}

Result<OccupiedPorts, std::string> read_occupied_ports(const Wan& wan) {
  const auto sockets = read_local_sockets();
  if (!sockets) return fail(sockets.error());
  const auto ruleset = read_foreign_ruleset();
  if (!ruleset) return fail(ruleset.error());
  return united(socket_ports(*sockets, wan), foreign_forwards(*ruleset, wan.interface).ports);
}

}  // namespace postern::host
