#pragma once

#include "core/frontend.h"

namespace postern {

/// Reads the first octet, the version, and hands each datagram of port 5351 to the protocol that it
/// belongs to (RFC 6886 §3.5, RFC 6887 §9). What no protocol speaks gets the version error of PCP,
/// or of NAT-PMP where PCP is not served.
class VersionDemux final : public DatagramFrontend {
 public:
  /// Both outlive this object. A protocol that is absent is not served; without both nothing is
  /// answered and nothing announced.
  VersionDemux(DatagramFrontend* natpmp, DatagramFrontend* pcp) : natpmp_(natpmp), pcp_(pcp) {}

  [[nodiscard]] Handled on_datagram(const IncomingDatagram& datagram, GatewayState& state,
                                    Moment now) override;
  void on_event(GatewayEvent event, const GatewayState& state, Moment now) override;
  void on_table_events(std::span<const TableEvent> events, const GatewayState& state,
                       Moment now) override;
  [[nodiscard]] std::vector<OutgoingDatagram> on_timeout(const GatewayState& state,
                                                         Moment now) override;
  [[nodiscard]] std::optional<Moment> next_timeout() const override;

 private:
  DatagramFrontend* natpmp_;
  DatagramFrontend* pcp_;
};

}  // namespace postern
