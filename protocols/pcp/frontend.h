#pragma once

#include <map>
#include <utility>
#include <vector>

#include "core/announcement_schedule.h"
#include "core/flow_table.h"
#include "core/frontend.h"
#include "protocols/pcp/decision.h"
#include "protocols/pcp/mapping_updates.h"
#include "protocols/pcp/settings.h"

namespace postern::pcp {

/// The PCP server (RFC 6887) without its sockets.
class Frontend final : public DatagramFrontend {
 public:
  /// `flows` outlives this object.
  Frontend(Settings settings, FlowTable& flows) : settings_(std::move(settings)), flows_(flows) {}

  /// Takes datagrams of every version: what is not version 2 gets UNSUPP_VERSION.
  [[nodiscard]] Handled on_datagram(const IncomingDatagram& datagram, GatewayState& state,
                                    Moment now) override;
  /// Starts announcing on the side whose epoch began anew, or, at the start, on both.
  void on_event(GatewayEvent event, const GatewayState& state, Moment now) override;
  /// Starts telling the clients of mappings that moved, and of those that were taken from them.
  void on_table_events(std::span<const TableEvent> events, const GatewayState& state,
                       Moment now) override;
  /// The announcements that are due, from each address of each LAN interface, for clients listen
  /// only to the address they know as their server (RFC 6887 §14.1.3); and mapping updates.
  [[nodiscard]] std::vector<OutgoingDatagram> on_timeout(const GatewayState& state,
                                                         Moment now) override;
  [[nodiscard]] std::optional<Moment> next_timeout() const override;

 private:
  /// To be told with what there is to tell of it already.
  void note_taken(Mapping taken);

  Settings settings_;
  FlowTable& flows_;
  AnnouncementSchedule v4_announcements_;
  AnnouncementSchedule v6_announcements_;
  MappingUpdates updates_;
  /// Of the mappings that are told of, the claims that are no more, as they were last.
  std::map<MappingId, Mapping> taken_;
};

}  // namespace postern::pcp
