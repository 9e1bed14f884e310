#include "protocols/version_demux.h"

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
  if (!natpmp_) return {std::nullopt, kName, "disabled", "silence"};
  // NAT-PMP does not exist over IPv6, and its answers have no room for such addresses.
  if (!datagram.source.address.is_v4() || !datagram.destination.address.is_v4()) {
    return {std::nullopt, kName, "over_ipv6", "silence"};
  }
  if (datagram.payload[0] == kNatpmpVersion) return natpmp_->on_datagram(datagram, state, now);
  auto octets = natpmp::emit(natpmp::VersionResponse{state.epoch.seconds(now)});
  return {reply_to(datagram, std::move(octets)), kName, "other_version", "unsupported_version"};
}

void VersionDemux::on_event(GatewayEvent event, const GatewayState& state, Moment now) {
  if (natpmp_) natpmp_->on_event(event, state, now);
}

void VersionDemux::on_table_events(std::span<const TableEvent> events, const GatewayState& state,
                                   Moment now) {
  if (natpmp_) natpmp_->on_table_events(events, state, now);
}

std::vector<OutgoingDatagram> VersionDemux::on_timeout(const GatewayState& state, Moment now) {
  return natpmp_ ? natpmp_->on_timeout(state, now) : std::vector<OutgoingDatagram>();
}

std::optional<Moment> VersionDemux::next_timeout() const {
  return natpmp_ ? natpmp_->next_timeout() : std::nullopt;
}

}  // namespace postern
