#pragma once

#include <compare>
#include <optional>
#include <string>

#include "core/address.h"
#include "core/mac_address.h"

namespace postern {

/// By which way a client of the LAN reaches this machine.
struct ClientLink {
  /// The LAN interface's name.
  std::string interface;
  /// Nothing: not known at the moment.
  std::optional<MacAddress> mac = {};
  /// Whether hosts of this link have such addresses at all.
  bool has_macs = true;
  /// Whether it has answered from `mac` lately. Otherwise somebody merely said that it is there.
  bool has_answered = false;

  friend bool operator==(const ClientLink&, const ClientLink&) = default;
};

/// Who has one or more addresses on the LAN's links, as the MAC address tells from which they
/// answer. Nothing: whoever it is of whom that is not known; all of these together.
struct Station {
  std::optional<MacAddress> mac = {};

  friend auto operator<=>(const Station&, const Station&) = default;
};

/// Who the hosts of the LAN are, for rules that name interfaces or MAC addresses, and for limits.
class ClientDirectory {
 public:
  virtual ~ClientDirectory() = default;

  /// Nothing: not on one of the LAN's links, or on which is not known. Never waits for the network.
  [[nodiscard]] virtual std::optional<ClientLink> find(const Address& client) = 0;
};

}  // namespace postern
