#pragma once

#include "core/announcement_schedule.h"
#include "core/frontend.h"
#include "core/intent.h"
#include "protocols/natpmp/wire.h"

namespace postern::natpmp {

inline constexpr std::string_view kFrontendName = "natpmp";

struct FrontendOptions {
  /// Sends each announcement to port 5351 as well, where clients of drafts before 2008 listen
  /// (RFC 6886 §3.2.1, note).
  bool announces_to_server_port = false;
};

/// What a request with a lifetime wants of the mapping table.
[[nodiscard]] Intent intent_of(const MapRequest& request, const Address& client,
                               const MappingTable& table);

/// The NAT-PMP server (RFC 6886) without its socket.
class Frontend final : public DatagramFrontend {
 public:
  explicit Frontend(FrontendOptions options = {}) : options_(options) {}

  /// Expects version 0 in the first octet; anything else gets silence here.
  [[nodiscard]] Handled on_datagram(const IncomingDatagram& datagram, GatewayState& state,
                                    Moment now) override;
  /// Starts announcing the external address, or stops when there is none.
  void on_event(GatewayEvent event, const GatewayState& state, Moment now) override;
  /// News for clients are its announcements; there is none for a single one.
  void on_table_events(std::span<const TableEvent>, const GatewayState&, Moment) override {}
  /// The announcements that are due, one for each IPv4 address on each LAN interface, for clients
  /// listen only to the address they know as their gateway (RFC 6886 §3.2.1).
  [[nodiscard]] std::vector<OutgoingDatagram> on_timeout(const GatewayState& state,
                                                         Moment now) override;
  [[nodiscard]] std::optional<Moment> next_timeout() const override { return schedule_.next(); }

 private:
  FrontendOptions options_;
  AnnouncementSchedule schedule_;
};

}  // namespace postern::natpmp
