#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/endpoint.h"
#include "protocols/upnp/description.h"
#include "protocols/upnp/paths.h"
#include "protocols/upnp/ssdp_message.h"
#include "protocols/upnp/ssdp_targets.h"

namespace postern::upnp {

/// The gateway as SSDP shows it.
struct SsdpDevice {
  SsdpDevice(const Identity& identity, std::uint16_t http_server_port, std::string server)
      : offers(all_offers(identity)),
        http_port(http_server_port),
        description_paths{description_path(identity, View::igd1),
                          description_path(identity, View::igd2)},
        facts{std::move(server), identity.boot_id, config_id(identity)} {}

  /// The URL of the view's description at `address`, without a zone: that is the reader's own.
  [[nodiscard]] std::string location(View view, const Address& address) const {
    return "http://" + to_string(Endpoint{address, http_port}) +
           description_paths[view == View::igd1 ? 0 : 1];
  }

  std::vector<Offer> offers;
  std::uint16_t http_port;
  std::array<std::string, 2> description_paths;
  SsdpFacts facts;
};

}  // namespace postern::upnp
