#include "protocols/upnp/inside.h"

#include <algorithm>

namespace postern::upnp {
namespace {

[[nodiscard]] bool is_broadcast_of_lan(const Address& address, const Network& network) {
  return std::any_of(network.lan.begin(), network.lan.end(), [&](const Interface& lan) {
    return std::any_of(lan.addresses.begin(), lan.addresses.end(), [&](const auto& own) {
      return own.prefix().directed_broadcast() == address;
    });
  });
}

}  // namespace

bool is_host(const Address& address, const GatewayState& state) {
  static const Prefix link_local(Address::v6({0xfe, 0x80}), 10);
  const auto& network = state.network;
  const bool is_ours =
      network.is_lan_address(address) || (network.wan && network.wan->has(address));
  const bool is_special = address.is_unspecified() || address.is_loopback() ||
                          address.is_multicast() || address.is_limited_broadcast() ||
                          link_local.contains(address) || is_broadcast_of_lan(address, network);
  const auto& policy = state.table.policy();
  return !is_ours && !is_special && (policy.is_on_link(address) || policy.lists(address));
}

bool is_of_caller(const Address& address, const Invocation& invocation) {
  const auto& around = invocation.around;
  return is_of_caller(address, invocation.caller, around.settings, around.kernel);
}

bool is_of_caller(const Address& address, const Caller& caller, const Settings& settings,
                  const Kernel& kernel) {
  if (address == caller.client.address) return true;
  return settings.links_neighbours &&
         kernel.neighbours.are_one_host(caller.interface_index, caller.client.address, address);
}

Claimant claimant_for(const Address& host, const Invocation& invocation) {
  const auto& around = invocation.around;
  return claimant_for(host, invocation.caller, around.settings, around.kernel);
}

Claimant claimant_for(const Address& host, const Caller& caller, const Settings& settings,
                      const Kernel& kernel) {
  const bool is_own = is_of_caller(host, caller, settings, kernel);
  return {kFrontendName, is_own ? host : caller.client.address};
}

const Claim* find_claim_of_caller(const Mapping& mapping, const Invocation& invocation) {
  const auto found =
      std::find_if(mapping.claims.begin(), mapping.claims.end(), [&](const Claim& claim) {
        const auto frontend = claim.claimant.frontend;
        return (frontend == kFrontendName || frontend == kRecovered) &&
               is_of_caller(claim.claimant.client, invocation);
      });
  return found == mapping.claims.end() ? nullptr : &*found;
}

}  // namespace postern::upnp
