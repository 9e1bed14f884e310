#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string_view>

#include "core/datagram.h"
#include "core/flow_table.h"
#include "core/frontend.h"
#include "core/gateway_state.h"
#include "core/time.h"
#include "protocols/pcp/settings.h"
#include "protocols/pcp/wire.h"

namespace postern::pcp {

inline constexpr std::string_view kFrontendName = "pcp";

/// Pinholes have an epoch of their own (RFC 6887 §8.5). A client knows one for each address that it
/// asks, so its own family decides, not that of a mapping for another host.
[[nodiscard]] inline std::uint32_t epoch_for(const Address& client, const GatewayState& state,
                                             Moment now) {
  return (client.is_v4() ? state.epoch : state.pinhole_epoch).seconds(now);
}

/// Whole seconds that are surely left.
[[nodiscard]] inline std::uint32_t seconds_left(Moment ends, Moment now) {
  const auto left = std::chrono::floor<Seconds>(ends - now).count();
  return static_cast<std::uint32_t>(std::max<std::int64_t>(0, left));
}

/// What a request is decided with.
struct Surroundings {
  const Settings& settings;
  GatewayState& state;
  FlowTable& flows;
  Moment now;
};

/// Decides about one request, stages what it asks for, and answers it (RFC 6887 §11.3, §12.3,
/// §14.1.2, §15.1). An error leaves the table as it was.
[[nodiscard]] Handled decide(const Request& request, const IncomingDatagram& datagram,
                             const Surroundings& surroundings);

}  // namespace postern::pcp
