#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "core/own_port.h"
#include "netlink/batch.h"

/// How many packets one LAN host may send to our own ports. A flood ends in the input chain, and so
/// never fills a socket in which the requests of others wait.
namespace postern::nftables {

/// What a host is told apart by.
enum class Source : std::uint8_t {
  /// Its hardware address, where the link has them: it counts once, however many addresses it has
  /// or forges.
  ether,
  ipv4,
  ipv6,
};

inline constexpr std::array kSources{Source::ether, Source::ipv4, Source::ipv6};

/// The name of the set of its buckets, zero-terminated.
[[nodiscard]] constexpr const char* to_string(Source source) {
  switch (source) {
    case Source::ether:
      return "pace_ether";
    case Source::ipv4:
      return "pace4";
    case Source::ipv6:
      return "pace6";
  }
  return "?";
}

/// In octets.
[[nodiscard]] constexpr std::uint32_t size_of(Source source) {
  switch (source) {
    case Source::ether:
      return 6;
    case Source::ipv4:
      return 4;
    case Source::ipv6:
      return 16;
  }
  return 0;
}

/// Packets a second; a burst may have those of two seconds.
struct Pace {
  std::uint32_t rate = 0;
  [[nodiscard]] std::uint32_t burst() const { return 2 * rate; }
};

/// The sets of buckets, and the chain `pace` that drops what is above it. At most 1,024 hosts of a
/// kind have a bucket; those that come while all are in use share one.
void put_pace(netlink::Batch& batch, const char* table, const Pace& pace);

/// Sends what comes to one of our ports through that chain, of TCP only what begins a connection.
void put_pace_rule(netlink::Batch& batch, const char* table, const std::string& lan,
                   const OwnPort& own);

}  // namespace postern::nftables
