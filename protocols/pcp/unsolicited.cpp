#include "protocols/pcp/unsolicited.h"

#include <algorithm>
#include <utility>

#include "protocols/pcp/decision.h"
#include "protocols/pcp/wire.h"

namespace postern::pcp {
namespace {

[[nodiscard]] std::vector<OutgoingDatagram> announcements(const GatewayState& state, bool is_v4,
                                                          const Address& to, std::uint32_t epoch) {
  std::vector<OutgoingDatagram> all;
  const auto octets = emit(AnnounceResponse{epoch});
  for (const auto& lan : state.network.lan) {
    for (const auto& own : lan.addresses) {
      if (lan.index == 0 || own.address.is_v4() != is_v4) continue;
      all.push_back({lan.index, {own.address, kServerPort}, {to, kClientPort}, octets});
    }
  }
  return all;
}

/// The response that the claim's request would get now.
[[nodiscard]] std::vector<std::uint8_t> update(const Mapping& mapping, const Claim& claim,
                                               const GatewayState& state, Moment now) {
  const bool is_v4 = !mapping.is_pinhole();
  const auto left = std::chrono::floor<Seconds>(claim.lease.ends - now).count();
  PeerResponse response;
  response.lifetime = static_cast<std::uint32_t>(std::max<std::int64_t>(0, left));
  response.epoch = (is_v4 ? state.epoch : state.pinhole_epoch).seconds(now);
  response.nonce = claim.nonce.value_or(Nonce{});
  response.protocol = static_cast<std::uint8_t>(mapping.protocol);
  response.internal_port = mapping.internal.port;
  response.external_port = mapping.external.port;
  response.external_address =
      is_v4 ? state.external_address.reported(mapping.external.address) : mapping.external.address;
  // Who asked for another host learns which one it is about (§14.2).
  if (claim.contact->asker.address != claim.claimant.client) {
    response.options.emplace_back(ThirdParty{claim.claimant.client});
  }
  if (const auto& remote = claim.claimant.remote) {
    response.remote_address = remote->address;
    response.remote_port = remote->port;
    return emit(response);
  }
  return emit(MapResponse{response.lifetime, response.epoch, response.nonce, response.protocol,
                          response.internal_port, response.external_port, response.external_address,
                          std::move(response.options)});
}

}  // namespace

std::vector<OutgoingDatagram> announcements_v4(const GatewayState& state, Moment now) {
  return announcements(state, true, Address::v4({224, 0, 0, 1}), state.epoch.seconds(now));
}

std::vector<OutgoingDatagram> announcements_v6(const GatewayState& state, Moment now) {
  const Address all_nodes = Address::v6({0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
  return announcements(state, false, all_nodes, state.pinhole_epoch.seconds(now));
}

std::vector<OutgoingDatagram> mapping_updates(const Mapping& mapping, const GatewayState& state,
                                              Moment now) {
  std::vector<OutgoingDatagram> all;
  for (const auto& claim : mapping.claims) {
    if (claim.claimant.frontend != kFrontendName || !claim.contact) continue;
    const auto& [interface_index, gateway, asker] = *claim.contact;
    all.push_back({interface_index, gateway, asker, update(mapping, claim, state, now)});
  }
  return all;
}

}  // namespace postern::pcp
