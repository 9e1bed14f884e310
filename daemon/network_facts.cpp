#include "daemon/network_facts.h"

#include <algorithm>

namespace postern {
namespace {

[[nodiscard]] const Link* find_link(const NetworkFacts& facts, const std::string& name) {
  const auto found = std::find_if(facts.links.begin(), facts.links.end(),
                                  [&](const Link& link) { return link.interface.name == name; });
  return found == facts.links.end() ? nullptr : &*found;
}

/// The interface of this name; without index and addresses while it does not exist.
[[nodiscard]] Interface interface_of(const NetworkFacts& facts, const std::string& name) {
  const Link* link = find_link(facts, name);
  if (!link) return {name, 0, {}, false};
  if (!link->is_up) return {name, link->interface.index, {}, false};
  return link->interface;
}

[[nodiscard]] std::optional<std::string> wan_name(const NetworkFacts& facts,
                                                  const std::optional<std::string>& configured) {
  if (configured) return configured;
  for (const auto& link : facts.links) {
    if (link.interface.index == facts.default_route_index) return link.interface.name;
  }
  return std::nullopt;
}

/// Less is used before.
[[nodiscard]] int rank_of(const FoundAddress& found,
                          const std::optional<Address>& preferred_source) {
  static const Prefix link_local(Address::v4({169, 254, 0, 0}), 16);
  if (found.own.address == preferred_source) return 0;
  if (!found.is_global || link_local.contains(found.own.address)) return 3;
  return found.is_preferred ? 1 : 2;
}

}  // namespace

std::vector<InterfaceAddress> in_order_of_use(std::vector<FoundAddress> found,
                                              const std::optional<Address>& preferred_source) {
  std::stable_sort(found.begin(), found.end(),
                   [&](const FoundAddress& left, const FoundAddress& right) {
                     return rank_of(left, preferred_source) < rank_of(right, preferred_source);
                   });
  std::vector<InterfaceAddress> ordered;
  for (const auto& address : found) ordered.push_back(address.own);
  return ordered;
}

Result<std::vector<std::string>, std::string> choose_lan(
    const NetworkFacts& facts, const std::optional<std::string>& configured_wan,
    const std::vector<std::string>& configured_lan) {
  if (!configured_lan.empty()) return configured_lan;
  const auto wan = wan_name(facts, configured_wan);
  if (!wan) return fail(std::string("lan is not set and there is no default route to tell it by"));
  std::vector<std::string> candidates;
  std::string names;
  for (const auto& link : facts.links) {
    const auto& interface = link.interface;
    if (link.is_loopback || interface.name == wan || !interface.first_v4()) continue;
    candidates.push_back(interface.name);
    names += (names.empty() ? "" : ", ") + interface.name;
  }
  if (candidates.size() == 1) return candidates;
  return fail(candidates.empty() ? "lan is not set and no interface but " + *wan + " has an address"
                                 : "lan is not set and may be any of " + names);
}

Network choose_network(const NetworkFacts& facts, const std::optional<std::string>& configured_wan,
                       const std::vector<std::string>& lan) {
  Network network;
  for (const auto& name : lan) network.lan.push_back(interface_of(facts, name));
  const auto wan = wan_name(facts, configured_wan);
  const bool is_lan = wan && std::find(lan.begin(), lan.end(), *wan) != lan.end();
  if (wan && (configured_wan || !is_lan)) network.wan = interface_of(facts, *wan);
  return network;
}

}  // namespace postern
