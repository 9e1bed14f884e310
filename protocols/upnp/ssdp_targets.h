#pragma once

#include <string_view>
#include <vector>

#include "protocols/upnp/identity.h"
#include "protocols/upnp/ssdp_message.h"

/// Which of our devices and services a search means.
namespace postern::upnp {

/// An advertisement, and whose description it leads to.
struct Offer {
  View view = View::igd1;
  Advertisement advertisement;

  friend bool operator==(const Offer&, const Offer&) = default;
};

inline constexpr std::string_view kEverything = "ssdp:all";

/// All that is advertised, the pure InternetGatewayDevice:1 first, each device before its services.
[[nodiscard]] std::vector<Offer> all_offers(const Identity& identity);

/// What answers a search for `target`; empty when that is not ours. An answer names the target as
/// it was asked for, and the version that was asked for. A type and version that both views could
/// serve leads to the pure :1 alone: whoever asks for :1 may know nothing newer.
[[nodiscard]] std::vector<Offer> find_offers(const Identity& identity, std::string_view target);

}  // namespace postern::upnp
