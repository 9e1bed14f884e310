#include "protocols/upnp/mapping_actions_create.h"

#include "protocols/upnp/inside.h"
#include "protocols/upnp/map_faults.h"
#include "protocols/upnp/mapping_intent.h"
#include "protocols/upnp/port_mapping.h"

namespace postern::upnp {
namespace {

/// NewInternalClient, whoever that is. Some games leave it empty and mean themselves.
[[nodiscard]] Result<Address, Fault> read_internal_client(const Invocation& invocation) {
  const auto& text = invocation.call.text("NewInternalClient");
  const Address& caller = invocation.caller.client.address;
  if (text.empty() && invocation.around.settings.fills_empty_client && caller.is_v4()) {
    return caller;
  }
  if (text.empty() || text == "*") return fail(faults::kWildCardNotPermittedInSrcIP);
  const auto address = Address::parse(text);
  if (!address || !address->is_v4()) return fail(faults::kInvalidArgs);
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

  auto wish =
      port_mapping_wish(claimant_for(*host, invocation), read_protocol(call.text("NewProtocol")),
                        {*host, internal_port}, call.port("NewExternalPort"),
                        call.number("NewLeaseDuration"), invocation.version());
  if (!is_host(*host, invocation.around.state)) {
    (void)invocation.table().deny(wish, MapError::not_authorized);
    return fail(invocation.by_version(faults::kInvalidArgs, faults::kActionNotAuthorized));
  }
  if (*remote) wish.filters = RemoteFilters{{Prefix::of(**remote)}};
  wish.description = call.text("NewPortMappingDescription");
  wish.is_enabled = call.flag("NewEnabled");
  return wish;
}

}  // namespace

Outcome add_port_mapping(const Invocation& invocation) {
  const std::uint16_t port = invocation.call.port("NewExternalPort");
  if (port == 0) return fail(faults::kWildCardNotPermittedInExtPort);
  const auto wish = read_wish(invocation);
  if (!wish) return fail(wish.error());
  const auto granted = carry_out(intent_exactly(*wish, invocation.table()), invocation);
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
  const auto& table = invocation.table();
  auto granted =
      carry_out(names_port ? intent_exactly(*wish, table) : intent_any(*wish, table), invocation);
  const bool may_take_another = names_port && !granted &&
                                (granted.error() == MapError::external_port_taken ||
                                 granted.error() == MapError::external_port_denied);
  if (may_take_another) {
    invocation.table().forget_last_refusal();
    granted = carry_out(intent_any(*wish, table), invocation);
  }
  if (!granted) return fail(port_mapping_fault(granted.error(), invocation));
  return std::vector<Value>{std::uint32_t{granted->external_port}};
}

}  // namespace postern::upnp
