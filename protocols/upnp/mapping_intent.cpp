#include "protocols/upnp/mapping_intent.h"

#include <algorithm>

#include "protocols/upnp/inside.h"
#include "protocols/upnp/invocation.h"

namespace postern::upnp {
namespace {

/// The longest that IGD:2 has, which 0 stands for as well (WANIPConnection:2 §2.3.16).
constexpr std::uint32_t kLongestLease = 604800;

/// Whether the wish names this mapping: same client, same remote host. Then it overwrites it.
[[nodiscard]] bool is_same_entry(const Mapping& mapping, const MapRequest& wish) {
  return mapping.internal.address == wish.internal.address &&
         (!mapping.has_inbound_claim() ||
          mapping.filters == wish.filters.value_or(RemoteFilters()));
}

/// A mapping for the same remote host that the inside of the wish has already; null for none.
[[nodiscard]] const Mapping* find_same_inside(const MapRequest& wish, const MappingTable& table) {
  const auto fits = [&](const Mapping* mapping) {
    return mapping && mapping->protocol == wish.protocol && mapping->internal == wish.internal &&
           is_same_entry(*mapping, wish);
  };
  const Mapping* primary = table.find_by_internal(wish.protocol, wish.internal);
  if (fits(primary)) return primary;
  for (const MappingId id : table.listed_of(wish.internal.address)) {
    if (const Mapping* mapping = table.find(id); fits(mapping)) return mapping;
  }
  return nullptr;
}

/// Whether somebody filters with another protocol, so that UPnP would let in more than he wants.
[[nodiscard]] bool is_filtered_by_others(const Mapping& mapping) {
  return std::any_of(mapping.claims.begin(), mapping.claims.end(), [](const Claim& claim) {
    const auto frontend = claim.claimant.frontend;
    return claim.is_filtering && frontend != kFrontendName && frontend != kRecovered;
  });
}

/// What the policy or the holder of the port says against the wish; else which mapping it renews.
[[nodiscard]] Result<std::optional<MappingId>, Denial> find_replaced(const MapRequest& wish,
                                                                     const MappingTable& table) {
  const auto permission = table.policy().judge(wish);
  if (!permission) return fail(permission.error());
  const std::uint16_t port = wish.suggested_external_port;
  if (!permission->external_ports.contains(port)) {
    return fail(Denial(MapError::external_port_denied, table.policy().decider(wish, port)));
  }
  const Mapping* holder = table.find_by_external_port(wish.protocol, port);
  if (!holder) return std::optional<MappingId>();
  if (!is_same_entry(*holder, wish)) return fail(MapError::external_port_taken);
  return std::optional(holder->id);
}

}  // namespace

MapRequest port_mapping_wish(const Claimant& claimant, Protocol protocol, const Endpoint& internal,
                             std::uint16_t external_port, std::uint32_t lease,
                             std::uint8_t version) {
  MapRequest wish;
  wish.claimant = claimant;
  wish.protocol = protocol;
  wish.internal = internal;
  wish.suggested_external_port = external_port;
  wish.placement = Placement::suggested_port;
  wish.lifetime_limit = LifetimeLimit::max_lease;
  const bool knows_permanent = version < 2;
  wish.is_permanent = lease == 0 && knows_permanent;
  wish.lifetime = Seconds(lease == 0 ? kLongestLease : lease);
  if (!knows_permanent) wish.lifetime = std::min(wish.lifetime, Seconds(kLongestLease));
  return wish;
}

Intent intent_exactly(MapRequest wish, const MappingTable& table) {
  Intent intent(std::move(wish));
  const auto replaced = find_replaced(intent.wish, table);
  if (replaced) {
    intent.wish.replaces = *replaced;
  } else {
    intent.decided = fail(replaced.error());
  }
  return intent;
}

Intent intent_any(MapRequest wish, const MappingTable& table) {
  wish.placement = Placement::another_port;
  wish.suggested_external_port = 0;
  if (const Mapping* same = find_same_inside(wish, table)) wish.replaces = same->id;
  return wish;
}

MapRequest pinhole_wish(const Claimant& claimant, Protocol protocol, const Endpoint& internal,
                        std::uint32_t lease) {
  MapRequest wish;
  wish.claimant = claimant;
  wish.protocol = protocol;
  wish.internal = internal;
  wish.lifetime = Seconds(lease);
  wish.lifetime_limit = LifetimeLimit::max_lease;
  return wish;
}

Intent pinhole_intent(MapRequest wish, const MappingTable& table) {
  Intent intent(std::move(wish));
  const Mapping* mapping = table.find_by_internal(intent.wish.protocol, intent.wish.internal);
  if (!mapping) return intent;
  // Those of an earlier run do not bound what is for everybody.
  const bool is_for_all = !intent.wish.claimant.remote;
  if (!mapping->filters.empty() && is_for_all) intent.wish.filters = RemoteFilters();
  if (is_filtered_by_others(*mapping)) intent.decided = fail(Denial(MapError::not_authorized));
  return intent;
}

Intent intent_of(const Question& question, const Settings& settings, const Kernel& kernel,
                 const GatewayState& state) {
  const Endpoint& internal = question.internal;
  const auto* lan = state.network.lan_of(question.client);
  const Caller caller{lan ? lan->index : 0, {question.client, 0}};
  const auto claimant = claimant_for(internal.address, caller, settings, kernel);
  const auto decide = [&, &table = state.table]() -> Intent {
    if (!internal.address.is_v4()) {
      return pinhole_intent(pinhole_wish(claimant, question.protocol, internal, question.lease),
                            table);
    }
    const bool names_port = question.external_port != 0;
    const auto wish = port_mapping_wish(claimant, question.protocol, internal,
                                        question.external_port, question.lease,
                                        /*version=*/names_port ? 1 : 2);
    return names_port ? intent_exactly(wish, table) : intent_any(wish, table);
  };
  auto intent = decide();
  if (is_host(internal.address, state)) return intent;
  intent.decided = fail(Denial(MapError::not_authorized));
  intent.own_word = "no_lan_host";
  return intent;
}

}  // namespace postern::upnp
