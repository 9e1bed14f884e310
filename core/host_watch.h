#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/address.h"
#include "core/network.h"
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
  enum class Whom : std::uint8_t {
    /// The kernel, which sends nothing.
    kernel,
    /// The host.
    host,
    /// Everybody on the link, as if nothing were known of the host.
    link,
  };

  std::uint32_t interface_index = 0;
  Address address;
  Whom whom = Whom::kernel;

  friend bool operator==(const NeighbourQuestion&, const NeighbourQuestion&) = default;
};

/// Tells which hosts have gone, of those that have mappings: their doors would lead nowhere or,
/// once the address is given to another host, to somebody who never asked for them.
///
/// A host is gone when it was silent for a grace time and does not answer a last question, or when
/// another one answers from its address and, though everybody was asked again and again, it does
/// not. (Who forges such answers all the time gets the host's packets anyway.)
class HostWatch {
 public:
  /// `grace`: how long a host may be silent; 0: as long as it likes.
  explicit HostWatch(Seconds grace) : grace_(grace) {}

  /// Also of hosts that are silent already, as far as they were watched for that: with a grace of 0
  /// they were not.
  void set_grace(Seconds grace);

  /// The host has mappings from now on. Whether that is new.
  bool watch(const Address& host);
  /// It has none any more.
  void forget(const Address& host);
  /// News of any host, from the link that its address belongs to.
  void hear(const Neighbour& neighbour, Moment now);
  /// It went, but its mappings could not be ended yet: it is due again at that moment.
  void put_off(const Address& host, Moment until);

  struct Due {
    std::vector<NeighbourQuestion> questions;
    std::vector<Address> gone;
  };
  /// What is due now. Hosts that are gone are forgotten; whose link is down cannot be asked, and is
  /// not gone.
  [[nodiscard]] Due take_due(const Network& network, Moment now);
  [[nodiscard]] std::optional<Moment> next() const;

 private:
  /// Why a host may soon be gone.
  enum class Doubt : std::uint8_t { none, silent, asked, replaced };
  struct Known {
    /// From where it answered last; empty: it has not.
    std::string link_address;
    Doubt doubt = Doubt::none;
    Moment due{};
    /// How often everybody was asked whose the address is.
    int asked = 0;
  };

  /// Goes on with a host in doubt; whether it is gone.
  [[nodiscard]] bool go_on(const Address& host, Known& known, std::uint32_t interface_index,
                           Moment now, Due& due);

  void doubt(const Address& host, Known& known, Doubt doubt, Moment due);
  void trust(const Address& host, Known& known);

  Seconds grace_;
  std::unordered_map<Address, Known> hosts_;
  /// Those in doubt.
  std::set<std::pair<Moment, Address>> queue_;
};

}  // namespace postern
