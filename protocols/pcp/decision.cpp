#include "protocols/pcp/decision.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/protocol.h"
#include "protocols/pcp/refusal.h"

namespace postern::pcp {
namespace {

/// Nothing for those that cannot be mapped.
[[nodiscard]] std::optional<Protocol> protocol_of(std::uint8_t number) {
  for (const auto protocol : {Protocol::tcp, Protocol::udp}) {
    if (number == static_cast<std::uint8_t>(protocol)) return protocol;
  }
  return std::nullopt;
}

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

/// A mapping as the answer tells of it.
struct External {
  Address address;
  std::uint16_t port = 0;
  std::uint32_t lifetime = 0;
};

/// What was asked for, with what came of it.
[[nodiscard]] MapFields assigned(MapFields fields, const External& external) {
  fields.external_port = external.port;
  fields.external_address = external.address;
  return fields;
}

class Decision {
 public:
  Decision(const Request& request, const IncomingDatagram& datagram,
           const Surroundings& surroundings)
      : request_(request), datagram_(datagram), around_(surroundings) {}

  [[nodiscard]] Handled operator()(const AnnounceRequest&) const {
    return reply("announce", "success", emit(AnnounceResponse{epoch()}));
  }

  [[nodiscard]] Handled operator()(const MapRequest& map) const {
    const bool is_delete = request_.lifetime == 0;
    const char* const name = is_delete ? "delete" : "map";
    if (const auto refused = check_host()) return refuse(name, *refused);
    const auto external = is_delete ? erase(map) : this->map(map);
    if (!external) return refuse(name, external.error());
    const MapResponse response{assigned(map, *external), external->lifetime, epoch(),
                               processed_options()};
    return reply(name, "success", emit(response));
  }

  [[nodiscard]] Handled operator()(const PeerRequest& peer) const {
    if (!around_.settings.serves_peer) return refuse("peer", refusal(ResultCode::unsupp_opcode));
    if (const auto refused = check_host()) return refuse("peer", *refused);
    const auto protocol = protocol_of(peer.protocol);
    if (!protocol) return refuse("peer", refusal(ResultCode::unsupp_protocol));
    const auto external = this->peer(peer, *protocol);
    if (!external) return refuse("peer", external.error());
    const PeerResponse response{assigned(peer, *external), peer.remote, external->lifetime, epoch(),
                                processed_options()};
    return reply("peer", "success", emit(response));
  }

 private:
  [[nodiscard]] const Address& host() const { return request_.internal_address(); }
  /// The host itself; of a controller the host's nonce is asked all the same (§13.1).
  [[nodiscard]] bool accepts_any_nonce() const {
    return around_.settings.accepts_any_nonce && host() == request_.client;
  }
  [[nodiscard]] MappingTable& table() const { return around_.state.table; }
  [[nodiscard]] std::uint32_t epoch() const {
    return epoch_for(request_.client, around_.state, around_.now);
  }

  [[nodiscard]] Handled reply(std::string_view name, std::string_view outcome,
                              std::vector<std::uint8_t> octets) const {
    return {reply_to(datagram_, std::move(octets)), kFrontendName, name, outcome};
  }
  [[nodiscard]] Handled refuse(std::string_view name, const Refusal& refused) const {
    return reply(name, refused.outcome,
                 emit_error(datagram_.payload, refused.result, refused.lifetime, epoch()));
  }

  /// Without a lifetime nothing is stored, so there is no description that could be repeated
  /// (RFC 7220 §3).
  [[nodiscard]] Options processed_options() const {
    Options options = request_.options;
    if (request_.lifetime == 0) {
      std::erase_if(options, [](const Option& option) {
        return std::holds_alternative<Description>(option);
      });
    }
    return options;
  }

  /// Whether the client may ask for this host at all.
  [[nodiscard]] std::optional<Refusal> check_host() const {
    static const Prefix link_local(Address::v6({0xfe, 0x80}), 10);
    if (find_option<ThirdParty>(request_.options)) {
      const auto& controllers = around_.settings.third_party;
      const bool may_ask = std::any_of(
          controllers.begin(), controllers.end(),
          [&](const Prefix& controller) { return controller.contains(request_.client); });
      if (!may_ask) return refusal(ResultCode::unsupp_option);
      if (host() == request_.client) return refusal(ResultCode::malformed_request);
      if (!is_host_of_lan(host())) return refusal(ResultCode::not_authorized);
    }
    // Nobody outside could send to it.
    if (link_local.contains(host())) return refusal(ResultCode::not_authorized);
    return std::nullopt;
  }

  [[nodiscard]] bool is_host_of_lan(const Address& address) const {
    const auto& network = around_.state.network;
    const bool is_ours =
        network.is_lan_address(address) || (network.wan && network.wan->has(address));
    const bool is_broadcast =
        std::any_of(network.lan.begin(), network.lan.end(), [&](const Interface& lan) {
          return std::any_of(lan.addresses.begin(), lan.addresses.end(), [&](const auto& own) {
            return own.prefix().directed_broadcast() == address;
          });
        });
    return !is_ours && !is_broadcast && table().policy().is_on_link(address);
  }

  [[nodiscard]] Claimant claimant(std::optional<Endpoint> remote = std::nullopt) const {
    return {kFrontendName, host(), remote};
  }

  /// What MAP and PEER have in common.
  [[nodiscard]] postern::MapRequest wish(Protocol protocol, const MapFields& fields) const {
    postern::MapRequest wish;
    wish.claimant = claimant();
    wish.protocol = protocol;
    wish.internal = {host(), fields.internal_port};
    wish.lifetime = Seconds(request_.lifetime);
    wish.may_be_longer = true;
    wish.nonce = fields.nonce;
    wish.accepts_any_nonce = accepts_any_nonce();
    wish.contact = {datagram_.interface_index, datagram_.destination, datagram_.source,
                    around_.now};
    if (const auto* description = find_option<Description>(request_.options)) {
      wish.description = description->text;
    }
    return wish;
  }

  void suggest(postern::MapRequest& wish, const MapFields& fields) const {
    wish.suggested_external_port = fields.external_port;
    if (const auto suggested = unless_any(fields.external_address)) {
      wish.suggested_external_address = around_.state.external_address.local_of(*suggested);
    }
  }

  [[nodiscard]] Result<External, Refusal> request(const postern::MapRequest& wish,
                                                  Opcode opcode) const {
    const auto granted = table().request(wish, around_.now);
    if (!granted) {
      const Claim* claim = table().find_claim(wish.protocol, wish.internal, wish.claimant);
      return fail(refusal_by(claim, granted.error(), opcode));
    }
    return external_of(*table().find(granted->id),
                       static_cast<std::uint32_t>(granted->lifetime.count()));
  }

  [[nodiscard]] External external_of(const Mapping& mapping, std::uint32_t lifetime) const {
    return {reported(mapping.external.address), mapping.external.port, lifetime};
  }

  [[nodiscard]] Address reported(const Address& local) const {
    return around_.state.external_address.reported(local);
  }

  /// `claim` is the one that stands, if any: a wrong nonce is told how long it does (RFC 6887
  /// §11.3).
  [[nodiscard]] Refusal refusal_by(const Claim* claim, MapError error, Opcode opcode) const {
    auto refused = refusal(error, opcode);
    if (error == MapError::wrong_nonce) {
      refused.lifetime = claim ? seconds_left(claim->lease.ends, around_.now) : 0;
    }
    return refused;
  }

  [[nodiscard]] Result<External, Refusal> map(const MapRequest& map) const {
    const auto protocol = protocol_of(map.protocol);
    // All ports, or all protocols, of a host are not for a client to open.
    if (!protocol || map.internal_port == 0) return fail(refusal(ResultCode::unsupp_protocol));
    auto wish = this->wish(*protocol, map);
    suggest(wish, map);
    if (find_option<PreferFailure>(request_.options)) wish.placement = Placement::only_suggested;
    const Mapping* existing = table().find_by_internal(*protocol, wish.internal);
    wish.filters = filters_after(request_.options, existing);
    if (existing && existing->is_administered()) return administered(*existing, wish);
    return request(wish, Opcode::map);
  }

  /// The administrator's mapping is there whatever the client asks, and nothing of him is kept, the
  /// nonce neither (RFC 6887 §11.3).
  [[nodiscard]] Result<External, Refusal> administered(const Mapping& mapping,
                                                       const postern::MapRequest& wish) const {
    if (!mapping.has_doors()) return fail(refusal(ResultCode::network_failure));
    const bool wants_others =
        wish.filters && normalized(*wish.filters) != normalized(mapping.filters);
    if (wants_others) return fail(refusal(ResultCode::not_authorized));
    const auto& [address, port] = mapping.external;
    const bool suits = wish.suggested_external_address.value_or(address) == address &&
                       (wish.suggested_external_port == 0 || wish.suggested_external_port == port);
    if (!suits && wish.placement == Placement::only_suggested) {
      return fail(refusal(ResultCode::cannot_provide_external));
    }
    return external_of(mapping, std::numeric_limits<std::uint32_t>::max());
  }

  [[nodiscard]] Result<External, Refusal> erase(const MapRequest& map) const {
    const External echo{map.external_address, map.external_port, 0};
    const auto protocol = protocol_of(map.protocol);
    // What is never granted is never there (§15.1).
    if (!protocol || map.internal_port == 0) return echo;
    const Endpoint internal{host(), map.internal_port};
    const Mapping* mapping = table().find_by_internal(*protocol, internal);
    // There is but what a PEER asked for, which ends by itself.
    if (mapping && !mapping->has_inbound_claim()) return fail(refusal(ResultCode::not_authorized));
    const auto nonce = accepts_any_nonce() ? std::nullopt : std::optional(map.nonce);
    if (const auto gone = table().release(*protocol, internal, claimant(), nonce); !gone) {
      const Claim* claim = table().find_claim(*protocol, internal, claimant());
      return fail(refusal_by(claim, gone.error(), Opcode::map));
    }
    return echo;
  }

  [[nodiscard]] Result<External, Refusal> peer(const PeerRequest& peer, Protocol protocol) const {
    auto wish = this->wish(protocol, peer);
    wish.claimant = claimant(peer.remote);
    if (const Claim* claim = table().find_claim(protocol, wish.internal, wish.claimant)) {
      return renew_peer(wish, *claim);
    }
    const auto flow = around_.flows.find(protocol, wish.internal, peer.remote);
    // Without knowing whether the flow runs, its external port cannot be told.
    if (!flow) return fail(refusal(ResultCode::no_resources));
    if (*flow) {
      const auto& [address, port] = (*flow)->external;
      if (request_.lifetime == 0) return External{reported(address), port, 0};
      wish.suggested_external_address = address;
      wish.suggested_external_port = port;
    } else if (request_.lifetime == 0) {
      return fail(refusal(ResultCode::cannot_provide_external));
    } else {
      suggest(wish, peer);
    }
    if (wish.suggested_external_port != 0 || wish.suggested_external_address) {
      wish.placement = Placement::only_suggested;
    }
    return request(wish, Opcode::peer);
  }

  /// The claim is there: what was suggested does not matter, and a lifetime of 0 only asks (§12.1).
  [[nodiscard]] Result<External, Refusal> renew_peer(const postern::MapRequest& wish,
                                                     const Claim& claim) const {
    if (request_.lifetime != 0) return request(wish, Opcode::peer);
    if (claim.details->nonce != wish.nonce && !wish.accepts_any_nonce) {
      return fail(refusal_by(&claim, MapError::wrong_nonce, Opcode::peer));
    }
    return external_of(*table().find_by_internal(wish.protocol, wish.internal),
                       seconds_left(claim.lease.ends, around_.now));
  }

  const Request& request_;
  const IncomingDatagram& datagram_;
  const Surroundings& around_;
};

}  // namespace

Handled decide(const Request& request, const IncomingDatagram& datagram,
               const Surroundings& surroundings) {
  return std::visit(Decision(request, datagram, surroundings), request.body);
}

}  // namespace postern::pcp
