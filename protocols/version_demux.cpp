#include "protocols/version_demux.h"

#include <iterator>

#include "protocols/natpmp/wire.h"

namespace postern {
namespace {

constexpr std::uint8_t kNatpmpVersion = 0;
constexpr std::string_view kName = "version_demux";

}  // namespace

Handled VersionDemux::on_datagram(const IncomingDatagram& datagram, GatewayState& state,
                                  Moment now) {
  // Before the version, so that two servers can never send each other errors for ever.
  if (natpmp::is_response_or_runt(datagram.payload)) {
    return {std::nullopt, kName, "response_or_runt", "silence"};
  }
  // NAT-PMP does not exist over IPv6, and its answers have no room for such addresses.
  const bool is_over_v4 = datagram.source.address.is_v4() && datagram.destination.address.is_v4();
  if (natpmp_ && is_over_v4 && datagram.payload[0] == kNatpmpVersion) {
    return natpmp_->on_datagram(datagram, state, now);
  }
  if (pcp_) return pcp_->on_datagram(datagram, state, now);
  if (!natpmp_) return {std::nullopt, kName, "disabled", "silence"};
  if (!is_over_v4) return {std::nullopt, kName, "over_ipv6", "silence"};
  auto octets = natpmp::emit(natpmp::VersionResponse{state.epoch.seconds(now)});
  return {reply_to(datagram, std::move(octets)), kName, "other_version", "unsupported_version"};
}

void VersionDemux::on_event(GatewayEvent event, const GatewayState& state, Moment now) {
  for (auto* frontend : {natpmp_, pcp_}) {
    if (frontend) frontend->on_event(event, state, now);
  }
}

void VersionDemux::on_table_events(std::span<const TableEvent> events, const GatewayState& state,
                                   Moment now) {
  for (auto* frontend : {natpmp_, pcp_}) {
    if (frontend) frontend->on_table_events(events, state, now);
  }
}

std::vector<OutgoingDatagram> VersionDemux::on_timeout(const GatewayState& state, Moment now) {
  std::vector<OutgoingDatagram> due;
  for (auto* frontend : {natpmp_, pcp_}) {
    if (!frontend) continue;
    auto more = frontend->on_timeout(state, now);
    due.insert(due.end(), std::make_move_iterator(more.begin()),
               std::make_move_iterator(more.end()));
  }
  return due;
}

std::optional<Moment> VersionDemux::next_timeout() const {
  std::optional<Moment> next;
  for (const auto* frontend : {natpmp_, pcp_}) {
    const auto due = frontend ? frontend->next_timeout() : std::nullopt;
    if (due && (!next || *due < *next)) next = due;
  }
  return next;
}

}  // namespace postern
