#include "daemon/lan_ports.h"

#include "protocols/natpmp/wire.h"
#include "protocols/upnp/ssdp_message.h"
#include "protocols/upnp/ssdp_presence.h"

namespace postern {
namespace {

/// The groups of one family that SSDP listens to.
[[nodiscard]] std::vector<Address> ssdp_groups_of(Family family) {
  std::vector<Address> groups;
  for (const auto& group : upnp::ssdp_groups()) {
    if (group.address.is_v4() == (family == Family::v4)) groups.push_back(group.address);
  }
  return groups;
}

}  // namespace

std::vector<UdpListenAt> wanted_udp_ports(const Network& network, const Config& config) {
  std::vector<UdpListenAt> wanted;
  for (const auto& interface : network.lan) {
    if (interface.index == 0) continue;
    for (const auto family : {Family::v4, Family::v6}) {
      // Where IPv6 is switched off there is no socket to be had.
      if (family == Family::v6 && !interface.has_v6()) continue;
      // NAT-PMP does not exist over IPv6.
      if (config.pcp_enabled || (config.natpmp_enabled && family == Family::v4)) {
        wanted.push_back({interface.name, interface.index, family, natpmp::kServerPort});
      }
      if (config.upnp.enabled) {
        wanted.push_back(
            {interface.name, interface.index, family, upnp::kSsdpPort, ssdp_groups_of(family)});
      }
    }
  }
  return wanted;
}

}  // namespace postern
