#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "protocols/upnp/service_table.h"

/// Who this gateway is to UPnP clients.
namespace postern::upnp {

using Uuid = std::array<std::uint8_t, 16>;
/// "uuid:" and 8-4-4-4-12 lower-case hexadecimal digits.
[[nodiscard]] std::string to_string(const Uuid& uuid);

struct Identity {
  /// "uuid:…" of InternetGatewayDevice, WANDevice and WANConnectionDevice of the view igd1, then of
  /// igd2. All six differ and stay the same for good (IGD-002).
  std::array<std::string, 6> udns;
  /// 16 lower-case hexadecimal digits that nobody can guess: the start of every path, so that a web
  /// page cannot name one (HTTP-10).
  std::string token;
  /// "Postern on <host name>".
  std::string friendly_name;
  /// Where a browser finds the gateway's page. Empty: none, and Windows shows no gateway.
  std::string presentation_url;
  /// The software's version; may be empty.
  std::string model_number;
  /// 0 … 2^31 - 1; larger after each restart (SSDP-11).
  std::uint32_t boot_id = 0;
  /// Whether the view igd1 has the service WANPPPConnection, too.
  bool offers_ppp_alias = true;

  /// "uuid:…" of the device that has services of that level.
  [[nodiscard]] const std::string& udn(View view, DeviceLevel level) const;
  [[nodiscard]] const std::string& root(View view) const { return udn(view, DeviceLevel::root); }
  [[nodiscard]] const std::string& wan_device(View view) const {
    return udn(view, DeviceLevel::wan);
  }
  [[nodiscard]] const std::string& wan_connection_device(View view) const {
    return udn(view, DeviceLevel::wan_connection);
  }
  [[nodiscard]] bool offers(View view, const Service& service) const;
};

/// The six names of a gateway (UUIDs of version 4, RFC 9562) from one random number that is its
/// own, which is all that has to be remembered.
[[nodiscard]] std::array<std::string, 6> derive_udns(const Uuid& base);

}  // namespace postern::upnp
