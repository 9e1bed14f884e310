#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "core/address.h"

namespace postern {

/// The gateway's external IPv4 addresses, as packets carry them and as clients are told. The two
/// differ behind a 1:1 NAT, where the configuration gives the address that the world sees instead
/// of the first one.
class ExternalAddress {
 public:
  explicit ExternalAddress(std::optional<Address> configured = std::nullopt)
      : configured_(configured) {}

  /// The WAN interface's own addresses, the one that packets leave with first; empty while there is
  /// none.
  void set_locals(std::vector<Address> locals) { locals_ = std::move(locals); }

  /// The destinations of packets from outside when they reach this machine.
  [[nodiscard]] const std::vector<Address>& locals() const { return locals_; }
  [[nodiscard]] std::optional<Address> local() const {
    return locals_.empty() ? std::nullopt : std::optional(locals_.front());
  }
  /// What clients are told. Nothing while the WAN is down, also when one is configured.
  [[nodiscard]] std::optional<Address> reported() const {
    return locals_.empty() ? std::nullopt : std::optional(reported(locals_.front()));
  }
  /// What clients are told of a mapping at this local address.
  [[nodiscard]] Address reported(const Address& local) const {
    return configured_ && local == this->local() ? *configured_ : local;
  }
  /// The local address that clients mean by one that they were told.
  [[nodiscard]] Address local_of(const Address& reported) const {
    return configured_ && reported == configured_ ? local().value_or(reported) : reported;
  }

 private:
  std::optional<Address> configured_;
  std::vector<Address> locals_;
};

}  // namespace postern
