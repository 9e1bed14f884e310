#include "protocols/pcp/frontend.h"

#include <algorithm>

#include "core/append.h"
#include "protocols/pcp/refusal.h"
#include "protocols/pcp/unsolicited.h"

namespace postern::pcp {
namespace {

/// Of a request that asks for what is not served; what merely is no request is not worth telling.
[[nodiscard]] std::optional<postern::Refusal> refusal_of(const Failure& failure,
                                                         const IncomingDatagram& datagram) {
  const bool is_wish =
      failure.result == ResultCode::unsupp_option || failure.result == ResultCode::malformed_option;
  const auto fields = is_wish ? peek_fields(datagram.payload) : std::nullopt;
  if (!fields) return std::nullopt;
  const auto& client = datagram.source.address;
  return refusal_of(client, client, *fields, to_string(failure.result));
}

[[nodiscard]] bool has_own_claim(const Mapping& mapping) {
  return std::any_of(mapping.claims.begin(), mapping.claims.end(),
                     [](const Claim& claim) { return claim.claimant.frontend == kFrontendName; });
}

/// Whether the claims themselves are other than clients were told.
[[nodiscard]] bool is_changed(const TableEvent& event) {
  const bool is_cut =
      event.kind == TableEvent::Kind::renewed && event.cause == TableEvent::Cause::policy;
  return event.kind == TableEvent::Kind::moved || is_cut;
}

/// Whether something ended although its clients counted on it. (Of lost addresses the epoch tells.)
[[nodiscard]] bool takes_away(const TableEvent& event) {
  using enum TableEvent::Cause;
  const bool ends_some = event.kind == TableEvent::Kind::closed || !event.dropped.empty();
  return ends_some &&
         (event.cause == administered || event.cause == policy || event.cause == host_gone);
}

/// What ended, with those claims whose askers are to hear of it: of a host that has gone, only when
/// another one asked for it.
[[nodiscard]] Mapping taken_by(const TableEvent& event) {
  Mapping taken = event.mapping;
  if (event.kind != TableEvent::Kind::closed) taken.claims = event.dropped;
  const bool is_gone = event.cause == TableEvent::Cause::host_gone;
  std::erase_if(taken.claims, [&](const Claim& claim) {
    const auto& contact = claim.details->contact;
    const bool is_told = claim.claimant.frontend == kFrontendName && contact;
    return !is_told || (is_gone && contact->asker.address == claim.claimant.client);
  });
  return taken;
}

}  // namespace

Handled Frontend::on_datagram(const IncomingDatagram& datagram, GatewayState& state, Moment now) {
  const auto parsed = parse_request(datagram.payload, datagram.source.address);
  if (std::holds_alternative<Silence>(parsed)) {
    return {std::nullopt, kFrontendName, "malformed", "silence"};
  }
  if (const auto* failure = std::get_if<Failure>(&parsed)) {
    const auto refused = refusal(failure->result);
    auto octets = emit_error(datagram.payload, refused.result, refused.lifetime,
                             epoch_for(datagram.source.address, state, now));
    return {reply_to(datagram, std::move(octets)),
            kFrontendName,
            "malformed",
            refused.outcome,
            /*is_final=*/false,
            refusal_of(*failure, datagram)};
  }
  return decide(std::get<Request>(parsed), datagram, {settings_, state, flows_, now});
}

void Frontend::on_event(GatewayEvent event, const GatewayState& state, Moment now) {
  switch (event) {
    case GatewayEvent::started:
      v4_announcements_.start(now);
      v6_announcements_.start(now);
      return;
    case GatewayEvent::external_address_changed:
    case GatewayEvent::mappings_lost:
      // While there is none, clients would only be refused.
      if (state.external_address.local()) v4_announcements_.start(now);
      return;
    case GatewayEvent::pinholes_lost:
      v6_announcements_.start(now);
      return;
    case GatewayEvent::lan_changed:
    case GatewayEvent::wan_link_changed:
      return;
  }
}

void Frontend::on_table_events(std::span<const TableEvent> events, const GatewayState&,
                               Moment now) {
  for (const auto& event : events) {
    const bool is_news = is_changed(event) && has_own_claim(event.mapping);
    auto taken = takes_away(event) ? taken_by(event) : Mapping();
    const bool is_taken = !taken.claims.empty();
    if (is_news || is_taken) updates_.start(event.mapping.id, now);
    if (is_taken) note_taken(std::move(taken));
  }
}

void Frontend::note_taken(Mapping taken) {
  const auto [place, is_new] = taken_.try_emplace(taken.id, taken);
  if (is_new) return;
  auto& before = place->second;
  std::erase_if(before.claims,
                [&](const Claim& claim) { return taken.claim_of(claim.claimant) != nullptr; });
  taken.claims.insert(taken.claims.end(), before.claims.begin(), before.claims.end());
  before = std::move(taken);
}

std::vector<OutgoingDatagram> Frontend::on_timeout(const GatewayState& state, Moment now) {
  std::vector<OutgoingDatagram> due;
  if (v4_announcements_.take_due(now)) append(due, announcements_v4(state, now));
  if (v6_announcements_.take_due(now)) append(due, announcements_v6(state, now));
  for (const auto& [id, moved] : updates_.take_due(now)) {
    // It may have ended meanwhile.
    if (const Mapping* mapping = state.table.find(id)) {
      append(due, mapping_updates(*mapping, moved, state, now));
    }
    const auto taken = taken_.find(id);
    if (taken == taken_.end()) continue;
    append(due, closing_updates(taken->second, state, now));
    if (!updates_.is_telling(id)) taken_.erase(taken);
  }
  return due;
}

std::optional<Moment> Frontend::next_timeout() const {
  std::optional<Moment> next;
  for (const auto& due : {v4_announcements_.next(), v6_announcements_.next(), updates_.next()}) {
    if (due && (!next || *due < *next)) next = due;
  }
  return next;
}

}  // namespace postern::pcp
