#pragma once

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

  friend bool operator==(const ClientLink&, const ClientLink&) = default;
};

/// Who the hosts of the LAN are, for rules that name interfaces or MAC addresses.
class ClientDirectory {
 public:
  virtual ~ClientDirectory() = default;

  /// Nothing: not on one of the LAN's links, or on which is not known. Never waits for the network.
  [[nodiscard]] virtual std::optional<ClientLink> find(const Address& client) = 0;
};

}  // namespace postern
