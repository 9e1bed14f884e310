#include "protocols/upnp/mapping_actions_delete.h"

#include "protocols/upnp/inside.h"
#include "protocols/upnp/port_mapping.h"

namespace postern::upnp {

Outcome delete_port_mapping(const Invocation& invocation) {
  const auto& call = invocation.call;
  const auto remote = read_remote_host(call.text("NewRemoteHost"));
  if (!remote) return fail(remote.error());
  auto& table = invocation.table();
  const Mapping* mapping = table.find_by_external_port(read_protocol(call.text("NewProtocol")),
                                                       call.port("NewExternalPort"));
  if (!mapping || !mapping->is_listed() || remote_host_of(*mapping) != *remote) {
    return fail(faults::kNoSuchEntryInArray);
  }
  const Claim* own = find_claim_of_caller(*mapping, invocation);
  if (!own) {
    MapRequest wish;
    wish.claimant = {kFrontendName, invocation.caller.client.address};
    wish.protocol = mapping->protocol;
    wish.internal = mapping->internal;
    wish.suggested_external_port = mapping->external.port;
    (void)table.deny(wish, MapError::not_authorized);
    return fail(invocation.by_version(faults::kNoSuchEntryInArray, faults::kActionNotAuthorized));
  }
  const auto released = table.release(mapping->id, {kFrontendName, own->claimant.client});
  if (!released) return fail(faults::kActionFailed);
  return std::vector<Value>();
}

Outcome delete_port_mapping_range(const Invocation& invocation) {
  const auto& call = invocation.call;
  const std::uint16_t first = call.port("NewStartPort");
  const std::uint16_t last = call.port("NewEndPort");
  if (first > last) return fail(faults::kInconsistentParameters);
  auto& table = invocation.table();
  const auto protocol = read_protocol(call.text("NewProtocol"));
  const Claimant own{kFrontendName, invocation.caller.client.address};
  std::vector<MappingId> found;
  for (const MappingId id : table.listed_of(own.client)) {
    const Mapping& mapping = *table.find(id);
    const std::uint16_t port = mapping.external.port;
    const bool is_own = mapping.claim_of(own) || mapping.claim_of({kRecovered, own.client});
    if (mapping.protocol == protocol && port >= first && port <= last && is_own) {
      found.push_back(id);
    }
  }
  if (found.empty()) return fail(faults::kPortMappingNotFound);
  if (!table.release(found, std::span(&own, 1))) return fail(faults::kActionFailed);
  return std::vector<Value>();
}

}  // namespace postern::upnp
