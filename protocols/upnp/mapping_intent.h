#pragma once

#include <cstdint>

#include "core/intent.h"
#include "core/mapping_table.h"
#include "protocols/upnp/settings.h"
#include "protocols/upnp/surroundings.h"

/// What the actions that open ports want of the mapping table. Nothing is changed here.
namespace postern::upnp {

/// Of AddPortMapping and AddAnyPortMapping, as far as all that call them say it. `lease` is in
/// seconds, 0 as the version of WANIPConnection means it.
[[nodiscard]] MapRequest port_mapping_wish(const Claimant& claimant, Protocol protocol,
                                           const Endpoint& internal, std::uint16_t external_port,
                                           std::uint32_t lease, std::uint8_t version);

/// The port that the wish names or none. Policy comes before conflicts (IGD-027).
[[nodiscard]] Intent intent_exactly(MapRequest wish, const MappingTable& table);

/// Whatever port there is, but not another one for an inside that has one (IGD-083). O(m log n) for
/// the m mappings of the client.
[[nodiscard]] Intent intent_any(MapRequest wish, const MappingTable& table);

/// Of AddPinhole. `lease` is in seconds.
[[nodiscard]] MapRequest pinhole_wish(const Claimant& claimant, Protocol protocol,
                                      const Endpoint& internal, std::uint32_t lease);

/// A new pinhole, or the one that is there; without the tag of a new one.
[[nodiscard]] Intent pinhole_intent(MapRequest wish, const MappingTable& table);

/// What somebody opens who is asked about, not who asks.
struct Question {
  Address client;
  Protocol protocol = Protocol::tcp;
  /// An IPv6 one is for AddPinhole.
  Endpoint internal;
  /// For AddPortMapping of IGD:1; 0: for AddAnyPortMapping.
  std::uint16_t external_port = 0;
  /// In seconds, 0 as the action means it.
  std::uint32_t lease = 0;
};

/// What this client would want of the table.
[[nodiscard]] Intent intent_of(const Question& question, const Settings& settings,
                               const Kernel& kernel, const GatewayState& state);

}  // namespace postern::upnp
