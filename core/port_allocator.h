#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <deque>
#include <optional>
#include <unordered_map>

#include "core/address.h"
#include "core/port_set.h"
#include "core/protocol.h"
#include "core/random.h"
#include "core/time.h"

namespace postern {

/// Knows which external ports are taken, or kept for the host that holds the same port of the other
/// protocol, and chooses a port for a new mapping. A choice costs a handful of look-ups while ports
/// are free, and at most one pass over 65,535 bits when they are not.
class PortAllocator {
 public:
  struct Wish {
    Protocol protocol = Protocol::udp;
    /// The mapping's internal address, which may use the companions of its own ports.
    Address holder;
    /// 0: no wish.
    std::uint16_t suggested_port = 0;
    std::uint16_t internal_port = 0;
    Moment now{};
  };

  /// The suggested port, else the internal port's number when that is 1024 or more, else a random
  /// permitted port of 1024 or more, else any permitted port (RFC 6886 §3.3); nothing when no
  /// permitted port is free for this holder. One that rests for another host is chosen only when it
  /// was suggested, or by the last resort. Takes nothing.
  [[nodiscard]] std::optional<std::uint16_t> choose(const Wish& wish, const PortSet& permitted,
                                                    Random& random) const;

  /// Whether this gateway itself speaks a protocol on this port, so that it is never handed out.
  [[nodiscard]] static bool is_own(Protocol protocol, std::uint16_t port);

  /// The port must be free.
  void take(Protocol protocol, std::uint16_t port);
  void give_back(Protocol protocol, std::uint16_t port);
  /// The port was `holder`'s, and no more that of an earlier one. Until then nobody else gets it by
  /// chance (RFC 6887 §15). Of many such ports only the last ones are remembered.
  void rest(Protocol protocol, std::uint16_t port, const Address& holder, Moment until);
  /// Ports that somebody else on this machine uses, instead of those said before. They are not
  /// given to anybody; who has one already keeps it.
  void set_occupied(Protocol protocol, const PortSet& occupied);
  /// Keeps a port for `holder`: nobody else can have it, whether it is taken or not.
  void reserve(Protocol protocol, std::uint16_t port, const Address& holder);
  void cancel_reservation(Protocol protocol, std::uint16_t port);

  /// Whether somebody else on this machine uses it.
  [[nodiscard]] bool is_occupied(Protocol protocol, std::uint16_t port) const;
  [[nodiscard]] bool is_taken(Protocol protocol, std::uint16_t port) const;
  /// Whether this holder could have the port now.
  [[nodiscard]] bool is_free(Protocol protocol, std::uint16_t port, const Address& holder) const;
  /// Whom the port is kept for.
  [[nodiscard]] std::optional<Address> reserved_for(Protocol protocol, std::uint16_t port) const;

 private:
  static constexpr std::size_t kPorts = 65536;
  static constexpr std::size_t kMostResting = 256;
  struct Resting {
    std::uint16_t port;
    Address holder;
    Moment until;
  };
  struct Ports {
    std::bitset<kPorts> taken;
    std::bitset<kPorts> occupied;
    std::unordered_map<std::uint16_t, Address> reserved;
    /// At most kMostResting, each port once, oldest first.
    std::deque<Resting> resting;
  };
  [[nodiscard]] bool is_resting(const Wish& wish, std::uint16_t port) const;
  [[nodiscard]] const Ports& ports(Protocol protocol) const;
  [[nodiscard]] Ports& ports(Protocol protocol);

  std::array<Ports, 2> ports_;
};

}  // namespace postern
