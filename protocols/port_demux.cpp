#include "protocols/port_demux.h"

#include <iterator>

namespace postern {

Handled PortDemux::on_datagram(const IncomingDatagram& datagram, GatewayState& state, Moment now) {
  for (const auto& [port, frontend] : served_) {
    if (port == datagram.destination.port) return frontend->on_datagram(datagram, state, now);
  }
  return {std::nullopt, "port_demux", "other_port", "silence"};
}

void PortDemux::on_event(GatewayEvent event, const GatewayState& state, Moment now) {
  for (const auto& one : served_) one.frontend->on_event(event, state, now);
}

void PortDemux::on_table_events(std::span<const TableEvent> events, const GatewayState& state,
                                Moment now) {
  for (const auto& one : served_) one.frontend->on_table_events(events, state, now);
}

std::vector<OutgoingDatagram> PortDemux::on_timeout(const GatewayState& state, Moment now) {
  std::vector<OutgoingDatagram> due;
  for (const auto& one : served_) {
    auto more = one.frontend->on_timeout(state, now);
    due.insert(due.end(), std::make_move_iterator(more.begin()),
               std::make_move_iterator(more.end()));
  }
  return due;
}

std::optional<Moment> PortDemux::next_timeout() const {
  std::optional<Moment> next;
  for (const auto& one : served_) {
    const auto due = one.frontend->next_timeout();
    if (due && (!next || *due < *next)) next = due;
  }
  return next;
}

}  // namespace postern
