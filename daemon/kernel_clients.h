#pragma once

#include <optional>

#include "core/client_directory.h"
#include "core/network.h"
#include "daemon/kernel_links.h"

namespace postern {

/// Finds a client's interface by the LAN's prefixes, and its MAC address in the kernel's neighbour
/// table.
class KernelClients final : public ClientDirectory {
 public:
  /// Told again whenever the network changes; until the first time no client is known.
  void follow(const Network& network) { network_ = network; }

  /// Nothing also for an address that several interfaces' prefixes hold (fe80::/64), for then it is
  /// not known whose it is.
  [[nodiscard]] std::optional<ClientLink> find(const Address& client) override;

 private:
  Network network_;
  KernelLinks links_;
};

}  // namespace postern
