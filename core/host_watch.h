#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/address.h"
#include "core/time.h"

namespace postern {

/// What the kernel says of an address on a LAN link (ARP and IPv6 neighbour discovery).
struct Neighbour {
  enum class State : std::uint8_t {
    /// It has just answered from its link address.
    reachable,
    /// It was heard of at its link address, but whether it is there was not asked lately.
    heard,
    /// It was asked and did not answer.
    silent,
  };

  std::uint32_t interface_index = 0;
  Address address;
  State state = State::heard;
  /// The octets of its MAC address, or whatever the link uses; empty when not known.
  std::string link_address;

  friend bool operator==(const Neighbour&, const Neighbour&) = default;
};

/// A question about a neighbour; the answer is a Neighbour.
struct NeighbourQuestion {
  std::uint32_t interface_index = 0;
  Address address;
  /// Whether the host itself is to be asked, or only what the kernel knows.
  bool is_probe = false;

  friend bool operator==(const NeighbourQuestion&, const NeighbourQuestion&) = default;
};

/// Tells which hosts have gone, of those that have mappings: their doors would lead nowhere or,
/// once the address is given to another host, to somebody who never asked for them.
///
/// A host is gone when it was silent for a grace time and does not answer a last question, or when
/// another one has answered from its address and it did not object for a few seconds.
class HostWatch {
 public:
  /// `grace`: how long a host may be silent; 0: as long as it likes.
  explicit HostWatch(Seconds grace) : grace_(grace) {}

  /// The host has mappings from now on. Whether that is new.
  bool watch(const Address& host);
  /// It has none any more.
  void forget(const Address& host);
  /// News of any host.
  void hear(const Neighbour& neighbour, Moment now);

  struct Due {
    std::vector<NeighbourQuestion> questions;
    std::vector<Address> gone;
  };
  /// What is due now. Hosts that are gone are forgotten.
  [[nodiscard]] Due take_due(Moment now);
  [[nodiscard]] std::optional<Moment> next() const;

 private:
  /// Why a host may soon be gone.
  enum class Doubt : std::uint8_t { none, silent, asked, replaced };
  struct Known {
    std::uint32_t interface_index = 0;
    std::string link_address;
    Doubt doubt = Doubt::none;
    Moment due{};
  };

  void doubt(const Address& host, Known& known, Doubt doubt, Moment due);
  void trust(const Address& host, Known& known);

  Seconds grace_;
  std::unordered_map<Address, Known> hosts_;
  /// Those in doubt.
  std::set<std::pair<Moment, Address>> queue_;
};

}  // namespace postern
