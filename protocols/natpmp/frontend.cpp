#include "protocols/natpmp/frontend.h"

#include <algorithm>

namespace postern::natpmp {
namespace {

[[nodiscard]] ResultCode result_of(MapError error) {
  switch (error) {
    case MapError::not_authorized:
      return ResultCode::not_authorized;
    case MapError::no_external_address:
      return ResultCode::network_failure;
    case MapError::no_port_available:
    case MapError::client_limit_reached:
    case MapError::station_limit_reached:
    case MapError::table_limit_reached:
    case MapError::external_port_taken:
    case MapError::external_port_denied:
    case MapError::wrong_nonce:
    case MapError::too_many_filters:
    case MapError::filter_limit_reached:
    case MapError::bad_filter:
    case MapError::unsupported:
    case MapError::backend_refused:
      return ResultCode::out_of_resources;
  }
  return ResultCode::out_of_resources;
}

[[nodiscard]] postern::MapRequest wish_of(const MapRequest& request, const Address& client) {
  postern::MapRequest wish;
  wish.claimant = {kFrontendName, client};
  wish.protocol = request.protocol;
  wish.internal = {client, request.internal_port};
  wish.suggested_external_port = request.suggested_external_port;
  wish.lifetime = Seconds(request.lifetime);
  wish.reserves_companion = true;
  return wish;
}

/// Decides about the requests of one datagram.
class Decision {
 public:
  Decision(const IncomingDatagram& datagram, GatewayState& state, Moment now)
      : datagram_(datagram), state_(state), now_(now) {}

  [[nodiscard]] Handled operator()(const AddressRequest&) const {
    AddressResponse response{ResultCode::success, epoch(), Address::v4(0)};
    std::string_view outcome = "success";
    if (!state_.table.policy().serves(claimant())) {
      response.result = ResultCode::not_authorized;
      outcome = to_string(MapError::not_authorized);
    } else if (const auto external = state_.table.external_address_of(client())) {
      response.external_address = state_.external_address.reported(*external);
    } else {
      response.result = ResultCode::network_failure;
      outcome = to_string(MapError::no_external_address);
    }
    return reply("external_address", outcome, emit(response));
  }

  [[nodiscard]] Handled operator()(const MapRequest& request) const {
    if (request.lifetime == 0)
      return request.internal_port == 0 ? erase_all(request) : erase(request);
    return map(request);
  }

  [[nodiscard]] Handled operator()(const UnknownRequest& request) const {
    return reply("unknown", "unsupported_opcode", emit(UnknownResponse{request.octets, epoch()}));
  }

 private:
  [[nodiscard]] const Address& client() const { return datagram_.source.address; }
  [[nodiscard]] Claimant claimant() const { return {kFrontendName, client()}; }
  [[nodiscard]] std::uint32_t epoch() const { return state_.epoch.seconds(now_); }

  [[nodiscard]] Handled reply(std::string_view request, std::string_view outcome,
                              std::vector<std::uint8_t> octets) const {
    return {reply_to(datagram_, std::move(octets)), kFrontendName, request, outcome};
  }

  /// An answer without a mapping: external port and lifetime are 0, also in success (§3.4, §3.5).
  [[nodiscard]] Handled answer(std::string_view name, const MapRequest& request,
                               Result<void, MapError> result) const {
    const MapResponse response{request.protocol,
                               result ? ResultCode::success : result_of(result.error()),
                               epoch(),
                               request.internal_port,
                               0,
                               0};
    return reply(name, result ? "success" : to_string(result.error()), emit(response));
  }

  /// The same for what is no wish to the table: an error is noted among its refusals.
  [[nodiscard]] Handled answer_alone(std::string_view name, const MapRequest& request,
                                     Result<void, MapError> result) const {
    if (!result) (void)state_.table.deny(wish_of(request, client()), result.error());
    return answer(name, request, result);
  }

  [[nodiscard]] Handled map(const MapRequest& request) const {
    // Port 0 names no port; only a delete may use it (§3.4).
    if (request.internal_port == 0) {
      return answer_alone("map", request, fail(MapError::not_authorized));
    }
    const auto granted = grant(request);
    if (!granted) return answer("map", request, fail(granted.error()));
    const MapResponse response{request.protocol,
                               ResultCode::success,
                               epoch(),
                               request.internal_port,
                               granted->external_port,
                               static_cast<std::uint32_t>(granted->lifetime.count())};
    return reply("map", "success", emit(response));
  }

  [[nodiscard]] Result<Grant, MapError> grant(const MapRequest& request) const {
    auto& table = state_.table;
    const auto intent = intent_of(request, client(), table);
    if (!intent.decided) return table.request(intent.wish, now_);
    const auto& decided = *intent.decided;
    if (!decided) return table.deny(intent.wish, decided.error());
    return *decided;
  }

  [[nodiscard]] Handled erase(const MapRequest& request) const {
    return answer_alone(
        "delete", request,
        state_.table.release(request.protocol, {client(), request.internal_port}, claimant()));
  }

  [[nodiscard]] Handled erase_all(const MapRequest& request) const {
    return answer_alone("delete_all", request,
                        state_.table.release_all(request.protocol, claimant()));
  }

  const IncomingDatagram& datagram_;
  GatewayState& state_;
  Moment now_;
};

}  // namespace

Intent intent_of(const MapRequest& request, const Address& client, const MappingTable& table) {
  Intent intent(wish_of(request, client));
  const Mapping* existing = table.find_by_internal(request.protocol, intent.wish.internal);
  if (!existing || !existing->is_administered()) return intent;
  // It is there whatever the client asks, and nothing of him is kept.
  if (existing->has_doors()) {
    const auto lifetime = std::min(intent.wish.lifetime, table.policy().limits().max_lifetime);
    intent.decided = Grant{existing->id, existing->external.port, lifetime};
  } else {
    intent.decided = fail(Denial(MapError::no_external_address));
  }
  return intent;
}

Handled Frontend::on_datagram(const IncomingDatagram& datagram, GatewayState& state, Moment now) {
  const auto request = parse_request(datagram.payload);
  if (!request) return {std::nullopt, kFrontendName, "malformed", "silence"};
  return std::visit(Decision(datagram, state, now), *request);
}

void Frontend::on_event(GatewayEvent event, const GatewayState& state, Moment now) {
  // Nothing that it announces has changed: there are no pinholes, and each LAN hears the same.
  if (event == GatewayEvent::pinholes_lost || event == GatewayEvent::lan_changed) return;
  if (state.external_address.reported()) {
    schedule_.start(now);
  } else {
    schedule_.stop();
  }
}

std::vector<OutgoingDatagram> Frontend::on_timeout(const GatewayState& state, Moment now) {
  const Address all_hosts = Address::v4({224, 0, 0, 1});
  std::vector<OutgoingDatagram> announcements;
  const auto external = state.external_address.reported();
  if (!external || !schedule_.take_due(now)) return announcements;
  const auto octets =
      emit(AddressResponse{ResultCode::success, state.epoch.seconds(now), *external});
  for (const auto& lan : state.network.lan) {
    for (const auto& own : lan.addresses) {
      if (lan.index == 0 || !own.address.is_v4()) continue;
      const Endpoint source{own.address, kServerPort};
      announcements.push_back({lan.index, source, {all_hosts, kClientPort}, octets});
      if (!options_.announces_to_server_port) continue;
      announcements.push_back({lan.index, source, {all_hosts, kServerPort}, octets});
    }
  }
  return announcements;
}

}  // namespace postern::natpmp
