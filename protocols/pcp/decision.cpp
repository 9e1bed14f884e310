#include "protocols/pcp/decision.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "core/protocol.h"
#include "protocols/pcp/intent.h"
#include "protocols/pcp/refusal.h"

namespace postern::pcp {
namespace {

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
    if (const auto refused = check()) return refuse(name, map, *refused);
    const auto external = is_delete ? erase(map) : this->map(map);
    if (!external) return refuse(name, map, external.error());
    const MapResponse response{assigned(map, *external), external->lifetime, epoch(),
                               processed_options()};
    return reply(name, "success", emit(response));
  }

  [[nodiscard]] Handled operator()(const PeerRequest& peer) const {
    if (!around_.settings.serves_peer) {
      return refuse("peer", peer, own_refusal(ResultCode::unsupp_opcode));
    }
    if (const auto refused = check()) return refuse("peer", peer, *refused);
    const auto protocol = protocol_of(peer.protocol);
    if (!protocol) return refuse("peer", peer, own_refusal(ResultCode::unsupp_protocol));
    const auto external = this->peer(peer, *protocol);
    if (!external) return refuse("peer", peer, external.error());
    const PeerResponse response{assigned(peer, *external), peer.remote, external->lifetime, epoch(),
                                processed_options()};
    return reply("peer", "success", emit(response));
  }

 private:
  [[nodiscard]] const Address& host() const { return request_.internal_address(); }
  [[nodiscard]] MappingTable& table() const { return around_.state.table; }
  [[nodiscard]] std::uint32_t epoch() const {
    return epoch_for(request_.client, around_.state, around_.now);
  }

  [[nodiscard]] Handled reply(std::string_view name, std::string_view outcome,
                              std::vector<std::uint8_t> octets) const {
    return {reply_to(datagram_, std::move(octets)), kFrontendName, name, outcome};
  }
  [[nodiscard]] Handled refuse(std::string_view name, const MapFields& fields,
                               const Refusal& refused) const {
    auto handled = reply(name, refused.outcome,
                         emit_error(datagram_.payload, refused.result, refused.lifetime, epoch()));
    if (!refused.own_word.empty()) {
      handled.refusal = refusal_of(request_.client, host(), fields, refused.own_word);
    }
    return handled;
  }
  [[nodiscard]] std::optional<Refusal> check() const {
    return check_host(request_, around_.settings, around_.state);
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

  [[nodiscard]] Contact contact() const {
    return {datagram_.interface_index, datagram_.destination, datagram_.source, around_.now};
  }
  [[nodiscard]] Claimant claimant(std::optional<Endpoint> remote = std::nullopt) const {
    return {kFrontendName, host(), remote};
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
    auto intent = intent_of(request_, map, around_.settings, around_.state);
    if (!intent) return fail(intent.error());
    if (!intent->decided) {
      intent->wish.contact = contact();
      return request(intent->wish, Opcode::map);
    }
    const auto& decided = *intent->decided;
    if (!decided) {
      (void)table().deny(intent->wish, decided.error());
      return fail(refusal(decided.error().error, Opcode::map));
    }
    return external_of(*table().find(decided->id),
                       static_cast<std::uint32_t>(decided->lifetime.count()));
  }

  [[nodiscard]] Result<External, Refusal> erase(const MapRequest& map) const {
    const External echo{map.external_address, map.external_port, 0};
    const auto protocol = protocol_of(map.protocol);
    // What is never granted is never there (§15.1).
    if (!protocol || map.internal_port == 0) return echo;
    const Endpoint internal{host(), map.internal_port};
    const Mapping* mapping = table().find_by_internal(*protocol, internal);
    // There is but what a PEER asked for, which ends by itself.
    if (mapping && !mapping->has_inbound_claim()) {
      return fail(own_refusal(ResultCode::not_authorized));
    }
    const bool takes_any = accepts_any_nonce(request_, around_.settings);
    const auto nonce = takes_any ? std::nullopt : std::optional(map.nonce);
    if (const auto gone = table().release(*protocol, internal, claimant(), nonce); !gone) {
      (void)table().deny(wish_of(request_, *protocol, map, around_.settings), gone.error());
      const Claim* claim = table().find_claim(*protocol, internal, claimant());
      return fail(refusal_by(claim, gone.error(), Opcode::map));
    }
    return echo;
  }

  [[nodiscard]] Result<External, Refusal> peer(const PeerRequest& peer, Protocol protocol) const {
    auto wish = wish_of(request_, protocol, peer, around_.settings);
    wish.claimant = claimant(peer.remote);
    wish.contact = contact();
    if (const Claim* claim = table().find_claim(protocol, wish.internal, wish.claimant)) {
      return renew_peer(wish, *claim);
    }
    const auto flow = around_.flows.find(protocol, wish.internal, peer.remote);
    // Without knowing whether the flow runs, its external port cannot be told.
    if (!flow) return fail(own_refusal(ResultCode::no_resources));
    if (*flow) {
      const auto& [address, port] = (*flow)->external;
      if (request_.lifetime == 0) return External{reported(address), port, 0};
      wish.suggested_external_address = address;
      wish.suggested_external_port = port;
    } else if (request_.lifetime == 0) {
      return fail(own_refusal(ResultCode::cannot_provide_external));
    } else {
      suggest(wish, peer, around_.state);
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
      (void)table().deny(wish, MapError::wrong_nonce);
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
