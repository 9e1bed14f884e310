#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "core/frontend.h"

namespace postern {

/// Hands each datagram to the frontend of the port that it was sent to, and everything else to all.
class PortDemux final : public DatagramFrontend {
 public:
  struct Served {
    std::uint16_t port = 0;
    DatagramFrontend* frontend = nullptr;
  };
  /// The frontends, none of them null, outlive this object; ports differ. Other ports get silence.
  explicit PortDemux(std::vector<Served> served) : served_(std::move(served)) {}

  [[nodiscard]] Handled on_datagram(const IncomingDatagram& datagram, GatewayState& state,
                                    Moment now) override;
  void on_event(GatewayEvent event, const GatewayState& state, Moment now) override;
  void on_table_events(std::span<const TableEvent> events, const GatewayState& state,
                       Moment now) override;
  [[nodiscard]] std::vector<OutgoingDatagram> on_timeout(const GatewayState& state,
                                                         Moment now) override;
  [[nodiscard]] std::optional<Moment> next_timeout() const override;

 private:
  std::vector<Served> served_;
};

}  // namespace postern
