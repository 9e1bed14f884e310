#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/door.h"
#include "core/endpoint.h"
#include "core/protocol.h"
#include "core/result.h"

namespace postern {

/// A connection through this gateway: a LAN host, a remote peer, and what the peer knows of the
/// host.
struct Flow {
  Protocol protocol = Protocol::udp;
  Endpoint internal;
  /// Equal to `internal` where nothing is translated.
  Endpoint external;
  Endpoint remote;

  friend bool operator==(const Flow&, const Flow&) = default;
};

/// Connections that shall be forgotten. The kernel decides about a connection when it begins and
/// keeps to that; so a door that closes must end its connections, and one that opens must end those
/// that were turned away before.
struct FlowPurge {
  enum class Which : std::uint8_t {
    /// Those that this door, which was open, let in or gave its external port.
    through_door,
    /// Those to the external endpoint of this Forward4, now open, that are not translated.
    /// Nothing for other doors.
    past_door,
  };

  Which which = Which::through_door;
  Door door;
  /// Leaves TCP connections that are established to their own end.
  bool spares_established_tcp = false;

  friend bool operator==(const FlowPurge&, const FlowPurge&) = default;
};

/// The kernel's connections. Calls may take milliseconds, for they look at every connection there
/// is: never before a reply. Errors are texts for the log; what could be done was done.
class FlowTable {
 public:
  virtual ~FlowTable() = default;

  /// Ends these connections, and says how many there were.
  [[nodiscard]] virtual Result<std::size_t, std::string> purge(
      std::span<const FlowPurge> purges) = 0;

  /// Ends the connections that our rules let in and that none of these doors, all that are open,
  /// explains any more; with the switch, TCP connections that are established are left to their own
  /// end. For the start, when doors may have ended meanwhile. Our rules mark what they let in;
  /// those of the iptables backend do not, so nothing is stray there.
  [[nodiscard]] virtual Result<std::size_t, std::string> purge_strays(
      std::span<const TimedDoor> doors, bool spares_established_tcp) = 0;

  /// The connection between this LAN host and this remote peer, whoever began it (RFC 6887 §12,
  /// PEER); nothing when there is none.
  [[nodiscard]] virtual Result<std::optional<Flow>, std::string> find(Protocol protocol,
                                                                      const Endpoint& internal,
                                                                      const Endpoint& remote) = 0;
};

}  // namespace postern
