#include "protocols/upnp/mapping_actions_read.h"

#include "protocols/upnp/inside.h"
#include "protocols/upnp/port_listing.h"
#include "protocols/upnp/port_mapping.h"

namespace postern::upnp {
namespace {

[[nodiscard]] bool is_own(const Mapping& mapping, const Address& client) {
  return std::any_of(mapping.claims.begin(), mapping.claims.end(),
                     [&](const Claim& claim) { return claim.claimant.client == client; });
}

[[nodiscard]] bool may_see(const Mapping& mapping, const Invocation& invocation) {
  return invocation.around.settings.lists_all ||
         is_own(mapping, invocation.caller.client.address) ||
         is_of_caller(mapping.internal.address, invocation);
}

[[nodiscard]] const Mapping* at(std::size_t index, const Invocation& invocation) {
  const auto& table = invocation.table();
  if (invocation.around.settings.lists_all) return table.listed(index);
  const auto own = table.listed_of(invocation.caller.client.address);
  return index < own.size() ? table.find(own[index]) : nullptr;
}

/// The OUT arguments that both actions have.
void append_entry(std::vector<Value>& values, const PortMapping& entry) {
  values.insert(values.end(), {Value(std::uint32_t{entry.internal_port}), entry.internal_client,
                               entry.is_enabled, entry.description, entry.lease});
}

}  // namespace

Outcome get_generic_port_mapping_entry(const Invocation& invocation) {
  const Mapping* mapping = at(invocation.call.number("NewPortMappingIndex"), invocation);
  if (!mapping) return fail(faults::kSpecifiedArrayIndexInvalid);
  const auto entry = port_mapping(*mapping, invocation.around.now);
  std::vector<Value> values{entry.remote_host, std::uint32_t{entry.external_port},
                            std::string(entry.protocol)};
  append_entry(values, entry);
  return values;
}

Outcome get_specific_port_mapping_entry(const Invocation& invocation) {
  const auto& call = invocation.call;
  const auto remote = read_remote_host(call.text("NewRemoteHost"));
  if (!remote) return fail(remote.error());
  const Mapping* mapping = invocation.table().find_by_external_port(
      read_protocol(call.text("NewProtocol")), call.port("NewExternalPort"));
  if (!mapping || !mapping->is_listed() || remote_host_of(*mapping) != *remote) {
    return fail(faults::kNoSuchEntryInArray);
  }
  if (!may_see(*mapping, invocation)) {
    return fail(invocation.by_version(faults::kNoSuchEntryInArray, faults::kActionNotAuthorized));
  }
  std::vector<Value> values;
  append_entry(values, port_mapping(*mapping, invocation.around.now));
  return values;
}

Outcome get_list_of_port_mappings(const Invocation& invocation) {
  const auto& call = invocation.call;
  const std::uint32_t first = call.number("NewStartPort");
  const std::uint32_t last = call.number("NewEndPort");
  if (first > last) return fail(faults::kInconsistentParameters);
  const auto& table = invocation.table();
  const auto protocol = read_protocol(call.text("NewProtocol"));
  const Address& client = invocation.caller.client.address;
  const std::uint32_t wanted = call.number("NewNumberOfPorts");
  PortListing listing;
  std::uint32_t count = 0;
  for (std::uint32_t port = first; port <= last && !listing.is_full(); ++port) {
    const Mapping* mapping =
        table.find_by_external_port(protocol, static_cast<std::uint16_t>(port));
    if (!mapping || !mapping->is_listed()) continue;
    if (!invocation.around.settings.lists_all && !is_own(*mapping, client)) continue;
    listing.append(port_mapping(*mapping, invocation.around.now));
    if (++count == wanted) break;
  }
  if (count == 0) return fail(faults::kPortMappingNotFound);
  return std::vector<Value>{std::move(listing).finished()};
}

}  // namespace postern::upnp
