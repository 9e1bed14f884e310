#include "core/network.h"

#include <algorithm>

namespace postern {

bool Interface::has(const Address& address) const {
  return std::any_of(addresses.begin(), addresses.end(),
                     [&](const InterfaceAddress& own) { return own.address == address; });
}

std::optional<Address> Interface::first_v4() const {
  for (const auto& own : addresses) {
    if (own.address.is_v4()) return own.address;
  }
  return std::nullopt;
}

std::vector<Address> Interface::all_v4() const {
  std::vector<Address> found;
  for (const auto& own : addresses) {
    if (own.address.is_v4()) found.push_back(own.address);
  }
  return found;
}

bool Interface::has_routable_v6() const {
  return std::any_of(addresses.begin(), addresses.end(), [](const InterfaceAddress& own) {
    return !own.address.is_v4() && !own.address.is_link_local();
  });
}

bool Interface::has_v6() const {
  return std::any_of(addresses.begin(), addresses.end(),
                     [](const InterfaceAddress& own) { return !own.address.is_v4(); });
}

bool Network::all_lans_have_v4() const {
  return std::all_of(lan.begin(), lan.end(),
                     [](const Interface& interface) { return interface.first_v4().has_value(); });
}

bool Network::all_lans_have_v6() const {
  return std::all_of(lan.begin(), lan.end(),
                     [](const Interface& interface) { return interface.has_routable_v6(); });
}

const Interface* Network::lan_by_index(std::uint32_t index) const {
  const auto found = std::find_if(lan.begin(), lan.end(), [&](const Interface& interface) {
    return interface.index == index && index != 0;
  });
  return found == lan.end() ? nullptr : &*found;
}

const Interface* Network::lan_of(const Address& address) const {
  const auto holds = [&](const InterfaceAddress& own) { return own.prefix().contains(address); };
  const auto found = std::find_if(lan.begin(), lan.end(), [&](const Interface& interface) {
    return std::any_of(interface.addresses.begin(), interface.addresses.end(), holds);
  });
  return found == lan.end() ? nullptr : &*found;
}

bool Network::is_lan_address(const Address& address) const {
  return std::any_of(lan.begin(), lan.end(),
                     [&](const Interface& interface) { return interface.has(address); });
}

}  // namespace postern
