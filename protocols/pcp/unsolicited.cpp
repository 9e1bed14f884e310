#include "protocols/pcp/unsolicited.h"

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

/// The options that the client must hear of again (§14.2): whose mapping it is when another host
/// asked for it, and who may use it. Optional ones are left out.
[[nodiscard]] Options repeated_options(const Mapping& mapping, const Claim& claim) {
  Options options;
  if (claim.details->contact->asker.address != claim.claimant.client) {
    options.emplace_back(ThirdParty{claim.claimant.client});
  }
  if (!claim.claimant.is_inbound()) return options;
  for (const auto& filter : mapping.filters) options.emplace_back(Filter::of(filter));
  return options;
}

/// The response that the claim's request would get now.
[[nodiscard]] std::vector<std::uint8_t> update(const Mapping& mapping, const Claim& claim,
                                               std::uint32_t lifetime, const GatewayState& state,
                                               Moment now) {
  const auto epoch = epoch_for(claim.details->contact->asker.address, state, now);
  const MapFields fields{claim.details->nonce.value_or(Nonce{}),
                         static_cast<std::uint8_t>(mapping.protocol), mapping.internal.port,
                         mapping.external.port,
                         state.external_address.reported(mapping.external.address)};
  auto options = repeated_options(mapping, claim);
  if (const auto& remote = claim.claimant.remote) {
    return emit(PeerResponse{fields, *remote, lifetime, epoch, std::move(options)});
  }
  return emit(MapResponse{fields, lifetime, epoch, std::move(options)});
}

/// The interface may have been made anew since, or the machine been started.
[[nodiscard]] std::uint32_t interface_to(const Contact& contact, const Network& network) {
  const auto* lan = network.lan_of(contact.asker.address);
  const bool is_there = network.lan_by_index(contact.interface_index) != nullptr;
  return is_there || lan == nullptr ? contact.interface_index : lan->index;
}

}  // namespace

std::vector<OutgoingDatagram> announcements_v4(const GatewayState& state, Moment now) {
  return announcements(state, true, Address::v4({224, 0, 0, 1}), state.epoch.seconds(now));
}

std::vector<OutgoingDatagram> announcements_v6(const GatewayState& state, Moment now) {
  const Address all_nodes = Address::v6({0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
  return announcements(state, false, all_nodes, state.pinhole_epoch.seconds(now));
}

std::vector<OutgoingDatagram> mapping_updates(const Mapping& mapping, Moment moved,
                                              const GatewayState& state, Moment now) {
  std::vector<OutgoingDatagram> all;
  for (const auto& claim : mapping.claims) {
    if (claim.claimant.frontend != kFrontendName || !claim.details->contact) continue;
    // The client knows already.
    const auto& contact = *claim.details->contact;
    if (contact.answered > moved) continue;
    all.push_back({interface_to(contact, state.network), contact.gateway, contact.asker,
                   update(mapping, claim, seconds_left(claim.lease.ends, now), state, now)});
  }
  return all;
}

std::vector<OutgoingDatagram> closing_updates(const Mapping& taken, const GatewayState& state,
                                              Moment now) {
  std::vector<OutgoingDatagram> all;
  for (const auto& claim : taken.claims) {
    const auto& contact = claim.details->contact;
    if (claim.claimant.frontend != kFrontendName || !contact) continue;
    if (state.table.find_claim(taken.protocol, taken.internal, claim.claimant)) continue;
    all.push_back({interface_to(*contact, state.network), contact->gateway, contact->asker,
                   emit_error(update(taken, claim, 0, state, now), ResultCode::not_authorized, 0,
                              epoch_for(contact->asker.address, state, now))});
  }
  return all;
}

}  // namespace postern::pcp
