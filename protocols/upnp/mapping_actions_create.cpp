#include "protocols/upnp/mapping_actions_create.h"

#include <algorithm>

#include "protocols/upnp/inside.h"
#include "protocols/upnp/map_faults.h"
#include "protocols/upnp/port_mapping.h"

namespace postern::upnp {
namespace {

/// The longest that IGD:2 has, which 0 stands for as well (WANIPConnection:2 §2.3.16).
constexpr std::uint32_t kLongestLease = 604800;

/// NewInternalClient. Some games leave it empty and mean themselves.
[[nodiscard]] Result<Address, Fault> read_internal_client(const Invocation& invocation) {
  const auto& text = invocation.call.text("NewInternalClient");
  const Address& caller = invocation.caller.client.address;
  if (text.empty() && invocation.around.settings.fills_empty_client && caller.is_v4()) {
    return caller;
  }
  if (text.empty() || text == "*") return fail(faults::kWildCardNotPermittedInSrcIP);
  const auto address = Address::parse(text);
  if (!address || !address->is_v4()) return fail(faults::kInvalidArgs);
  if (!is_host(*address, invocation.around.state)) {
    return fail(invocation.by_version(faults::kInvalidArgs, faults::kActionNotAuthorized));
  }
  return *address;
}

/// What the arguments ask for, on exactly the external port that they name.
[[nodiscard]] Result<MapRequest, Fault> read_wish(const Invocation& invocation) {
  const auto& call = invocation.call;
  const auto remote = read_remote_host(call.text("NewRemoteHost"));
  if (!remote) return fail(remote.error());
  const std::uint16_t internal_port = call.port("NewInternalPort");
  if (internal_port == 0) {
    return fail(
        invocation.by_version(faults::kInvalidArgs, faults::kWildCardNotPermittedInIntPort));
  }
  const auto host = read_internal_client(invocation);
  if (!host) return fail(host.error());

  MapRequest wish;
  wish.claimant = claimant_for(*host, invocation);
  wish.protocol = read_protocol(call.text("NewProtocol"));
  wish.internal = {*host, internal_port};
  wish.suggested_external_port = call.port("NewExternalPort");
  wish.placement = Placement::suggested_port;
  if (*remote) wish.filters = RemoteFilters{{Prefix::of(**remote)}};
  wish.description = call.text("NewPortMappingDescription");
  wish.is_enabled = call.flag("NewEnabled");

  const std::uint32_t lease = call.number("NewLeaseDuration");
  wish.lifetime_limit = LifetimeLimit::max_lease;
  const bool knows_permanent = invocation.version() < 2;
  wish.is_permanent = lease == 0 && knows_permanent;
  wish.lifetime = Seconds(lease == 0 ? kLongestLease : lease);
  if (!knows_permanent) wish.lifetime = std::min(wish.lifetime, Seconds(kLongestLease));
  return wish;
}

/// Whether the wish names this mapping: same client, same remote host. Then it overwrites it.
[[nodiscard]] bool is_same_entry(const Mapping& mapping, const MapRequest& wish) {
  return mapping.internal.address == wish.internal.address &&
         (!mapping.has_inbound_claim() ||
          mapping.filters == wish.filters.value_or(RemoteFilters()));
}

/// The port that the wish names or none. Policy comes before conflicts (IGD-027).
[[nodiscard]] Result<Grant, MapError> request_exactly(MapRequest wish,
                                                      const Invocation& invocation) {
  auto& table = invocation.table();
  const auto permission = table.policy().judge(wish);
  if (!permission) return table.deny(wish, permission.error());
  const std::uint16_t port = wish.suggested_external_port;
  if (!permission->external_ports.contains(port)) {
    return table.deny(wish, {MapError::external_port_denied, table.policy().decider(wish, port)});
  }
  if (const Mapping* holder = table.find_by_external_port(wish.protocol, port)) {
    if (!is_same_entry(*holder, wish)) return table.deny(wish, MapError::external_port_taken);
    wish.replaces = holder->id;
  }
  return table.request(wish, invocation.around.now);
}

/// A mapping for the same remote host that the inside of the wish has already; null for none. O(m
/// log n) for the m mappings of the client.
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

/// Whatever port there is, but not another one for an inside that has one (IGD-083).
[[nodiscard]] Result<Grant, MapError> request_any(MapRequest wish, const Invocation& invocation) {
  auto& table = invocation.table();
  wish.placement = Placement::another_port;
  wish.suggested_external_port = 0;
  if (const Mapping* same = find_same_inside(wish, table)) wish.replaces = same->id;
  return table.request(wish, invocation.around.now);
}

}  // namespace

Outcome add_port_mapping(const Invocation& invocation) {
  const std::uint16_t port = invocation.call.port("NewExternalPort");
  if (port == 0) return fail(faults::kWildCardNotPermittedInExtPort);
  const auto wish = read_wish(invocation);
  if (!wish) return fail(wish.error());
  const auto granted = request_exactly(*wish, invocation);
  if (granted) return std::vector<Value>();
  const Mapping* holder = invocation.table().find_by_external_port(wish->protocol, port);
  const bool is_conflict = granted.error() == MapError::external_port_taken && holder;
  return fail(is_conflict ? conflict_with(*holder, invocation)
                          : port_mapping_fault(granted.error(), invocation));
}

Outcome add_any_port_mapping(const Invocation& invocation) {
  const auto wish = read_wish(invocation);
  if (!wish) return fail(wish.error());
  const bool names_port = wish->suggested_external_port != 0;
  auto granted = names_port ? request_exactly(*wish, invocation) : request_any(*wish, invocation);
  const bool may_take_another = names_port && !granted &&
                                (granted.error() == MapError::external_port_taken ||
                                 granted.error() == MapError::external_port_denied);
  if (may_take_another) {
    invocation.table().forget_last_refusal();
    granted = request_any(*wish, invocation);
  }
  if (!granted) return fail(port_mapping_fault(granted.error(), invocation));
  return std::vector<Value>{std::uint32_t{granted->external_port}};
}

}  // namespace postern::upnp
