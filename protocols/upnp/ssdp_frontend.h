#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/frontend.h"
#include "core/random.h"
#include "protocols/upnp/identity.h"
#include "protocols/upnp/search_limits.h"
#include "protocols/upnp/ssdp_advertiser.h"
#include "protocols/upnp/ssdp_answers.h"
#include "protocols/upnp/ssdp_device.h"

namespace postern::upnp {

inline constexpr std::string_view kSsdpName = "ssdp";

struct SsdpOptions {
  /// Where the descriptions are served, on every LAN address.
  std::uint16_t http_port = 0;
  /// The header SERVER: "Linux/6.1 UPnP/1.1 Postern/1.0".
  std::string server;
  std::uint64_t random_seed = 0;
  /// Lenient: a multicast search without MX counts as one that waits a second, and MAN may be
  /// missing.
  Leniency leniency = Leniency::strict;
};

/// How the gateway is found (UPnP Device Architecture, discovery) without its sockets. It hears
/// searches sent to ssdp_groups() and to LAN addresses, port 1900, and announces itself. All
/// answers leave through on_timeout(), those to unicast searches at once. Searches ask nothing of
/// the mapping table, so what is made of them is final.
class SsdpFrontend final : public DatagramFrontend {
 public:
  /// `identity` outlives this object and does not change.
  SsdpFrontend(const Identity& identity, SsdpOptions options);
  SsdpFrontend(const SsdpFrontend&) = delete;
  SsdpFrontend& operator=(const SsdpFrontend&) = delete;

  [[nodiscard]] Handled on_datagram(const IncomingDatagram& datagram, GatewayState& state,
                                    Moment now) override;
  void on_event(GatewayEvent event, const GatewayState& state, Moment now) override;
  /// Nobody finds the gateway by its mappings.
  void on_table_events(std::span<const TableEvent>, const GatewayState&, Moment) override {}
  [[nodiscard]] std::vector<OutgoingDatagram> on_timeout(const GatewayState& state,
                                                         Moment now) override;
  [[nodiscard]] std::optional<Moment> next_timeout() const override;

  /// What takes back everything that was advertised; to be sent before the daemon ends.
  [[nodiscard]] std::vector<OutgoingDatagram> farewell(const GatewayState& state) const {
    return advertiser_.farewell(state.network);
  }

 private:
  /// How it ended, in a word. `search` came in through `lan`.
  [[nodiscard]] std::string_view answer(const Search& search, const IncomingDatagram& datagram,
                                        const Interface& lan, Moment now);

  const Identity& identity_;
  Leniency leniency_;
  Random random_;
  SsdpDevice device_;
  SearchLimits limits_;
  SsdpAnswers answers_;
  SsdpAdvertiser advertiser_;
};

}  // namespace postern::upnp
