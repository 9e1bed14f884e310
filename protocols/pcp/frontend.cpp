#include "protocols/pcp/frontend.h"

#include <algorithm>
#include <iterator>

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

/// Whether it ended although its clients counted on it. (Of lost addresses the epoch tells.)
[[nodiscard]] bool was_taken_away(const TableEvent& event) {
  using enum TableEvent::Cause;
  return event.kind == TableEvent::Kind::closed &&
         (event.cause == administered || event.cause == policy);
}

void append(std::vector<OutgoingDatagram>& all, std::vector<OutgoingDatagram> more) {
  all.insert(all.end(), std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
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
    const bool is_taken_away = was_taken_away(event);
    const bool is_cut =
        event.kind == TableEvent::Kind::renewed && event.cause == TableEvent::Cause::policy;
    if (event.kind != TableEvent::Kind::moved && !is_cut && !is_taken_away) continue;
    if (!has_own_claim(event.mapping)) continue;
    updates_.start(event.mapping.id, now);
    if (is_taken_away) closed_.insert_or_assign(event.mapping.id, event.mapping);
  }
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
    const auto closed = closed_.find(id);
    if (closed == closed_.end()) continue;
    append(due, closing_updates(closed->second, state, now));
    if (!updates_.is_telling(id)) closed_.erase(closed);
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
