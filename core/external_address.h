#pragma once

#include <optional>

#include "core/address.h"

namespace postern {

/// The gateway's external IPv4 address, as packets carry it and as clients are told. The two differ
/// behind a 1:1 NAT, where the configuration gives the address that the world sees.
class ExternalAddress {
 public:
  explicit ExternalAddress(std::optional<Address> configured = std::nullopt)
      : configured_(configured) {}

  /// The WAN interface's own address, or nothing while there is none.
  void set_local(std::optional<Address> local) { local_ = local; }

  /// The destination of packets from outside when they reach this machine.
  [[nodiscard]] std::optional<Address> local() const { return local_; }
  /// What clients are told. Nothing while the WAN is down, also when one is configured.
  [[nodiscard]] std::optional<Address> reported() const {
    return local_ && configured_ ? configured_ : local_;
  }

 private:
  std::optional<Address> configured_;
  std::optional<Address> local_;
};

}  // namespace postern
