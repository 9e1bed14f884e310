#include "protocols/upnp/ssdp_presence.h"

#include <algorithm>

#include "protocols/upnp/ssdp_message.h"

namespace postern::upnp {
namespace {

constexpr Address kGroupV4 = Address::v4({239, 255, 255, 250});
constexpr Address kGroupLink =
    Address::v6({0xff, 0x02, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0c});
constexpr Address kGroupSite =
    Address::v6({0xff, 0x05, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0c});

/// fe80::/10
[[nodiscard]] bool is_v6_link_local(const Address& address) {
  return !address.is_v4() && address.is_link_local();
}

/// fc00::/7
[[nodiscard]] bool is_unique_local(const Address& address) {
  return !address.is_v4() && (address.octets()[0] & 0xfe) == 0xfc;
}

[[nodiscard]] bool is_global(const Address& address) {
  return !address.is_v4() && !address.is_loopback() && !address.is_link_local() &&
         !is_unique_local(address);
}

/// The interface's first address of a kind that can speak.
template <class Kind>
[[nodiscard]] std::optional<Address> find_first(const Interface& lan, Kind is_wanted) {
  const auto found = std::find_if(
      lan.addresses.begin(), lan.addresses.end(),
      [&](const InterfaceAddress& own) { return !own.is_tentative && is_wanted(own.address); });
  return found == lan.addresses.end() ? std::nullopt : std::optional(found->address);
}

[[nodiscard]] std::optional<Address> find_speaker(const Interface& lan, const Address& group) {
  if (group == kGroupV4) return lan.first_v4();
  if (group == kGroupLink) return find_first(lan, is_v6_link_local);
  const auto global = find_first(lan, is_global);
  return global ? global : find_first(lan, is_unique_local);
}

}  // namespace

const std::array<Endpoint, 3>& ssdp_groups() {
  static constexpr std::array kGroups{Endpoint{kGroupV4, kSsdpPort},
                                      Endpoint{kGroupLink, kSsdpPort},
                                      Endpoint{kGroupSite, kSsdpPort}};
  return kGroups;
}

std::vector<Presence> find_presences(const Network& network) {
  std::vector<Presence> presences;
  for (const auto& lan : network.lan) {
    if (lan.index == 0) continue;
    for (const auto& group : ssdp_groups()) {
      const auto speaker = find_speaker(lan, group.address);
      if (speaker) presences.push_back({lan.index, group, *speaker});
    }
  }
  return presences;
}

std::optional<Address> find_own_address(const Interface& lan, const Address& asker) {
  const auto found =
      std::find_if(lan.addresses.begin(), lan.addresses.end(),
                   [&](const InterfaceAddress& own) { return own.prefix().contains(asker); });
  return found == lan.addresses.end() ? std::nullopt : std::optional(found->address);
}

}  // namespace postern::upnp
