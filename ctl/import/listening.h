#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "core/network.h"
#include "core/result.h"

namespace postern::ctl::miniupnpd {

/// Whether the kernel could have an interface of this name.
[[nodiscard]] bool is_interface_name(std::string_view name);

/// A listening_ip.
struct Listening {
  /// The LAN interface; empty when it is not known here.
  std::string interface;
  /// What was not kept.
  std::vector<std::string> notes;
};

/// Reads it in all its forms: an interface, also with the length of a netmask or with interfaces
/// that belong to it; an address or network, also with the external address for it. The error says
/// what is wrong.
[[nodiscard]] Result<Listening, std::string> read_listening(
    std::string_view value, const std::vector<Interface>& interfaces);

}  // namespace postern::ctl::miniupnpd
