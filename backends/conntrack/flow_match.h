#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "core/address.h"
#include "core/door.h"
#include "core/endpoint.h"
#include "core/flow_table.h"
#include "core/hash.h"
#include "core/protocol.h"

// Which of the kernel's connections a purge means. Pure.

namespace postern::conntrack {

/// From where to where a packet goes.
struct Tuple {
  Endpoint source;
  Endpoint destination;

  friend bool operator==(const Tuple&, const Tuple&) = default;
};

/// One connection as the kernel keeps it.
struct TrackedFlow {
  Protocol protocol = Protocol::udp;
  /// The packets of who began it, as they arrive here.
  Tuple original;
  /// The answers, as they arrive here: `original` turned around where nothing is translated. So
  /// reply.source is who really answers, and reply.destination whom it believes to speak with.
  Tuple reply;
  bool established_tcp = false;
  /// The kernel's name for exactly this connection: a later one of the same tuple has another.
  std::uint32_t id = 0;
  std::uint16_t zone = 0;
  std::uint32_t mark = 0;

  friend bool operator==(const TrackedFlow&, const TrackedFlow&) = default;
};

/// Two endpoints by which connections are found.
struct FlowKey {
  enum class Kind : std::uint8_t {
    /// original.destination and reply.source.
    inbound4,
    /// original.source and reply.destination.
    outbound4,
    /// original.destination alone.
    inbound6,
  };

  Kind kind = Kind::inbound4;
  Protocol protocol = Protocol::udp;
  Endpoint first;
  Endpoint second = {};

  friend bool operator==(const FlowKey&, const FlowKey&) = default;
};

struct FlowKeyHash {
  std::size_t operator()(const FlowKey& key) const noexcept {
    const auto ends =
        combine_hashes(std::hash<Endpoint>{}(key.first), std::hash<Endpoint>{}(key.second));
    return combine_hashes(
        ends, static_cast<std::size_t>(key.kind) * 256 + static_cast<std::size_t>(key.protocol));
  }
};

/// What all keys of one kind have in common: the most that can be said in one question.
struct Pattern {
  /// What is absent differs.
  struct Side {
    std::optional<Address> address;
    std::optional<std::uint16_t> port;

    friend bool operator==(const Side&, const Side&) = default;
  };

  FlowKey::Kind kind = FlowKey::Kind::inbound4;
  std::optional<Protocol> protocol;
  /// Of FlowKey::first and FlowKey::second.
  Side first;
  Side second;

  friend bool operator==(const Pattern&, const Pattern&) = default;
};

/// The connections that some purges mean. Each question costs two look-ups, however many purges
/// there are.
class PurgeSet {
 public:
  explicit PurgeSet(std::span<const FlowPurge> purges);

  [[nodiscard]] bool has(const TrackedFlow& flow) const;
  /// What they have in common, at most one of each kind. None: there are no such connections.
  [[nodiscard]] const std::vector<Pattern>& patterns() const { return patterns_; }

 private:
  void widen_patterns(const FlowKey& key);

  /// Whether established TCP connections are left alone. Of two purges the harder one counts.
  std::unordered_map<FlowKey, bool, FlowKeyHash> spares_established_tcp_;
  std::vector<Pattern> patterns_;
};

/// The connections with our mark that no open door explains (FlowTable::purge_strays). The doors
/// must outlive it.
///
/// Over IPv6 our rules look at single packets, so they also mark the connections that a host began
/// from the port of its pinhole. As long as that door is open, they are no strays.
class StraySet {
 public:
  StraySet(std::span<const TimedDoor> doors, std::uint32_t mark, bool spares_established_tcp);

  [[nodiscard]] bool has(const TrackedFlow& flow) const;

 private:
  [[nodiscard]] bool explains4(const TrackedFlow& flow) const;
  [[nodiscard]] bool explains6(const TrackedFlow& flow) const;

  /// Forwards and pinholes.
  std::unordered_map<FlowKey, const RemoteFilters*, FlowKeyHash> open_;
  std::uint32_t mark_;
  bool spares_established_tcp_;
};

/// The connection as seen from its LAN host, whose packets to the peer have the tuple
/// `internal_to_remote`; nothing when that is no tuple of the connection.
[[nodiscard]] std::optional<Flow> seen_from(const TrackedFlow& flow,
                                            const Tuple& internal_to_remote);

}  // namespace postern::conntrack
