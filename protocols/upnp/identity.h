#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace postern::upnp {

/// The two root devices: a pure InternetGatewayDevice:1, for clients that stumble over anything
/// newer, and an InternetGatewayDevice:2. Both work on the same mappings.
enum class View : std::uint8_t { igd1, igd2 };

inline constexpr std::array kViews{View::igd1, View::igd2};

/// What tells this gateway from others.
struct Identity {
  /// "uuid:…" of the three devices of each view: root, WANDevice, WANConnectionDevice.
  std::array<std::string, 6> udns;
  /// First segment of all URL paths, which a web page cannot guess.
  std::string token;
  std::string friendly_name;
  std::string presentation_url;
  /// Grows with every start.
  std::uint32_t boot_id = 0;
  /// Whether the view igd1 has the service WANPPPConnection, too.
  bool offers_ppp_alias = true;

  [[nodiscard]] const std::string& root(View view) const { return udn(view, 0); }
  [[nodiscard]] const std::string& wan_device(View view) const { return udn(view, 1); }
  [[nodiscard]] const std::string& wan_connection_device(View view) const { return udn(view, 2); }

 private:
  [[nodiscard]] const std::string& udn(View view, std::size_t device) const {
    return udns.at(view == View::igd1 ? device : 3 + device);
  }
};

/// Of the view's description, from the root of the server.
[[nodiscard]] std::string description_path(const Identity& identity, View view);
/// 0 … 16777215; another number when a description changes.
[[nodiscard]] std::uint32_t config_id(const Identity& identity);

}  // namespace postern::upnp
