#include "protocols/pcp/intent.h"

#include <algorithm>
#include <limits>

#include "protocols/pcp/decision.h"

namespace postern::pcp {
namespace {

/// Nothing for "any" (RFC 6887 §5), also that of the other family, which some clients send.
[[nodiscard]] std::optional<Address> unless_any(const Address& address) {
  return address.is_unspecified() ? std::nullopt : std::optional(address);
}

/// The mapping's filters after these options, in their order (RFC 6887 §13.3); nothing when there
/// is none among them. What an earlier run left in the firewall is not what was asked for, so
/// filters begin anew then.
[[nodiscard]] std::optional<RemoteFilters> filters_after(const Options& options,
                                                         const Mapping* mapping) {
  if (mapping && mapping->claim_of({kRecovered, mapping->internal.address})) mapping = nullptr;
  std::optional<RemoteFilters> filters;
  for (const auto& option : options) {
    const auto* filter = std::get_if<Filter>(&option);
    if (!filter) continue;
    if (!filters) filters = mapping ? mapping->filters : RemoteFilters();
    if (filter->removes_all()) {
      filters->clear();
    } else {
      filters->push_back(filter->peers());
    }
  }
  return filters;
}

[[nodiscard]] bool is_host_of_lan(const Address& address, const GatewayState& state) {
  const auto& network = state.network;
  const bool is_ours =
      network.is_lan_address(address) || (network.wan && network.wan->has(address));
  const bool is_broadcast =
      std::any_of(network.lan.begin(), network.lan.end(), [&](const Interface& lan) {
        return std::any_of(lan.addresses.begin(), lan.addresses.end(), [&](const auto& own) {
          return own.prefix().directed_broadcast() == address;
        });
      });
  return !is_ours && !is_broadcast && state.table.policy().is_on_link(address);
}

/// The administrator's mapping is there whatever the client asks, and nothing of him is kept, the
/// nonce neither (RFC 6887 §11.3).
[[nodiscard]] Result<Grant, Denial> administered(const Mapping& mapping,
                                                 const postern::MapRequest& wish) {
  if (!mapping.has_doors()) return fail(MapError::no_external_address);
  const bool wants_others =
      wish.filters && normalized(*wish.filters) != normalized(mapping.filters);
  if (wants_others) return fail(MapError::not_authorized);
  const auto& [address, port] = mapping.external;
  const bool suits = wish.suggested_external_address.value_or(address) == address &&
                     (wish.suggested_external_port == 0 || wish.suggested_external_port == port);
  if (!suits && wish.placement == Placement::only_suggested) {
    return fail(MapError::external_port_taken);
  }
  return Grant{mapping.id, port, Seconds(std::numeric_limits<std::uint32_t>::max())};
}

}  // namespace

std::optional<Protocol> protocol_of(std::uint8_t number) {
  for (const auto protocol : {Protocol::tcp, Protocol::udp}) {
    if (number == static_cast<std::uint8_t>(protocol)) return protocol;
  }
  return std::nullopt;
}

std::optional<Refusal> check_host(const Request& request, const Settings& settings,
                                  const GatewayState& state) {
  static const Prefix link_local(Address::v6({0xfe, 0x80}), 10);
  const Address& host = request.internal_address();
  if (find_option<ThirdParty>(request.options)) {
    const auto& controllers = settings.third_party;
    const bool may_ask =
        std::any_of(controllers.begin(), controllers.end(),
                    [&](const Prefix& controller) { return controller.contains(request.client); });
    if (!may_ask) return own_refusal(ResultCode::unsupp_option, "no_third_party");
    if (host == request.client) return refusal(ResultCode::malformed_request);
    if (!is_host_of_lan(host, state)) return own_refusal(ResultCode::not_authorized, "no_lan_host");
  }
  // Nobody outside could send to it.
  if (link_local.contains(host)) return own_refusal(ResultCode::not_authorized, "link_local_host");
  return std::nullopt;
}

bool accepts_any_nonce(const Request& request, const Settings& settings) {
  return settings.accepts_any_nonce && request.internal_address() == request.client;
}

postern::MapRequest wish_of(const Request& request, Protocol protocol, const MapFields& fields,
                            const Settings& settings) {
  const Address& host = request.internal_address();
  postern::MapRequest wish;
  wish.claimant = {kFrontendName, host};
  wish.protocol = protocol;
  wish.internal = {host, fields.internal_port};
  wish.lifetime = Seconds(request.lifetime);
  wish.may_be_longer = true;
  wish.nonce = fields.nonce;
  wish.accepts_any_nonce = accepts_any_nonce(request, settings);
  if (const auto* description = find_option<Description>(request.options)) {
    wish.description = description->text;
  }
  return wish;
}

void suggest(postern::MapRequest& wish, const MapFields& fields, const GatewayState& state) {
  wish.suggested_external_port = fields.external_port;
  if (const auto suggested = unless_any(fields.external_address)) {
    wish.suggested_external_address = state.external_address.local_of(*suggested);
  }
}

Result<Intent, Refusal> intent_of(const Request& request, const MapRequest& map,
                                  const Settings& settings, const GatewayState& state) {
  const auto protocol = protocol_of(map.protocol);
  // All ports, or all protocols, of a host are not for a client to open.
  if (!protocol || map.internal_port == 0) return fail(own_refusal(ResultCode::unsupp_protocol));
  Intent intent(wish_of(request, *protocol, map, settings));
  auto& wish = intent.wish;
  suggest(wish, map, state);
  if (find_option<PreferFailure>(request.options)) wish.placement = Placement::only_suggested;
  const Mapping* existing = state.table.find_by_internal(*protocol, wish.internal);
  wish.filters = filters_after(request.options, existing);
  if (existing && existing->is_administered()) intent.decided = administered(*existing, wish);
  return intent;
}

}  // namespace postern::pcp
