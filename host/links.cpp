#include "host/links.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <limits>
#include <memory>
#include <sstream>
#include <system_error>

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>

namespace postern::host {
namespace {

struct Free {
  void operator()(ifaddrs* list) const { ::freeifaddrs(list); }
};

/// Fields of /proc/net/route that are numbers in hexadecimal.
constexpr unsigned kRouteIsUp = 0x1;
constexpr unsigned kRouteRejects = 0x200;

template <class Struct>
[[nodiscard]] Struct read(const sockaddr* address) {
  Struct copy{};
  std::memcpy(&copy, address, sizeof copy);
  return copy;
}

template <class Octets>
[[nodiscard]] unsigned ones_in(const Octets& octets) {
  unsigned ones = 0;
  for (const auto octet : octets) ones += static_cast<unsigned>(std::popcount(octet));
  return ones;
}

[[nodiscard]] std::array<std::uint8_t, 4> octets_of(const in_addr& address) {
  std::array<std::uint8_t, 4> octets{};
  std::memcpy(octets.data(), &address, octets.size());
  return octets;
}

[[nodiscard]] std::array<std::uint8_t, 16> octets_of(const in6_addr& address) {
  std::array<std::uint8_t, 16> octets{};
  std::memcpy(octets.data(), &address, octets.size());
  return octets;
}

[[nodiscard]] std::optional<InterfaceAddress> address_of(const ifaddrs& entry) {
  if (entry.ifa_addr == nullptr || entry.ifa_netmask == nullptr) return std::nullopt;
  if (entry.ifa_addr->sa_family == AF_INET) {
    const auto mask = octets_of(read<sockaddr_in>(entry.ifa_netmask).sin_addr);
    const auto address = octets_of(read<sockaddr_in>(entry.ifa_addr).sin_addr);
    return InterfaceAddress{Address::v4(address), ones_in(mask)};
  }
  if (entry.ifa_addr->sa_family == AF_INET6) {
    const auto mask = octets_of(read<sockaddr_in6>(entry.ifa_netmask).sin6_addr);
    const auto address = octets_of(read<sockaddr_in6>(entry.ifa_addr).sin6_addr);
    return InterfaceAddress{Address::v6(address), ones_in(mask)};
  }
  return std::nullopt;
}

/// An address may carry a label of its own behind a colon ("eth0:1").
[[nodiscard]] std::string name_of(const ifaddrs& entry) {
  const std::string name(entry.ifa_name);
  return name.substr(0, name.find(':'));
}

}  // namespace

Result<std::vector<HostLink>, std::string> read_links() {
  ifaddrs* raw = nullptr;
  if (::getifaddrs(&raw) != 0) {
    return fail("the interfaces could not be listed: " + std::generic_category().message(errno));
  }
  const std::unique_ptr<ifaddrs, Free> list(raw);
  std::vector<HostLink> links;
  for (const auto* entry = list.get(); entry != nullptr; entry = entry->ifa_next) {
    const auto name = name_of(*entry);
    auto link = std::find_if(links.begin(), links.end(),
                             [&](const HostLink& known) { return known.interface.name == name; });
    if (link == links.end()) {
      HostLink added;
      added.interface.name = name;
      added.interface.index = ::if_nametoindex(name.c_str());
      added.is_up = (entry->ifa_flags & IFF_UP) != 0;
      added.is_loopback = (entry->ifa_flags & IFF_LOOPBACK) != 0;
      link = links.insert(links.end(), std::move(added));
    }
    if (const auto address = address_of(*entry)) link->interface.addresses.push_back(*address);
  }
  return links;
}

std::optional<std::string> read_default_route(const std::string& proc_net) {
  std::ifstream file(proc_net + "/route");
  std::string line;
  std::getline(file, line);  // The names of the columns.
  std::optional<std::string> best;
  unsigned long best_metric = std::numeric_limits<unsigned long>::max();
  while (std::getline(file, line)) {
    std::istringstream fields(line);
    std::string interface;
    std::string gateway;
    unsigned long destination = 0;
    unsigned long flags = 0;
    unsigned long metric = 0;
    unsigned long mask = 0;
    std::string ignored;
    fields >> interface >> std::hex >> destination >> gateway >> flags >> ignored >> ignored >>
        std::dec >> metric >> std::hex >> mask;
    const bool is_default = fields && destination == 0 && mask == 0;
    const bool leads_out = (flags & kRouteIsUp) != 0 && (flags & kRouteRejects) == 0;
    if (!is_default || !leads_out || metric >= best_metric) continue;
    best = interface;
    best_metric = metric;
  }
  return best;
}

}  // namespace postern::host
