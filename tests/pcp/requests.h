#pragma once

#include <string>

#include "protocols/pcp/wire.h"
#include "tests/support/octets.h"

// Requests that the tests of PCP's packets begin with; no two octets of a number are equal.
namespace postern::pcp {

using test::from_hex;
using test::Octets;
using test::read_octets;
using test::to_hex;

inline const Address kClient = Address::v4({192, 168, 77, 2});
inline const Address kOtherHost = Address::v4({192, 168, 77, 3});
inline const Address kRemote = Address::v4({198, 51, 7, 99});
inline const Address kClient6 = *Address::parse("2a02:1234:5678:77::2");
inline const Address kRemote6 = *Address::parse("2001:db8:1:2::3");
inline constexpr Nonce kNonce{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}};

[[nodiscard]] inline Request announce_request() {
  return {AnnounceRequest{}, 0, kClient, {}};
}

[[nodiscard]] inline Request map_request(Options options = {}) {
  return {MapRequest{{kNonce, 17, 0x1f90, 0x9c41, Address::v4({198, 51, 7, 1})}}, 0x01020304,
          kClient, std::move(options)};
}

[[nodiscard]] inline Request peer_request(Options options = {}) {
  return {PeerRequest{{kNonce, 6, 0x1f90, 0x9c41, Address::v4({198, 51, 7, 1})}, {kRemote, 0x270f}},
          0x01020304, kClient, std::move(options)};
}

/// A packet with octets after it that are no part of what emit() makes.
[[nodiscard]] inline Octets with(Octets packet, std::string_view hex) {
  const auto more = from_hex(hex);
  packet.insert(packet.end(), more.begin(), more.end());
  return packet;
}

[[nodiscard]] inline Octets first(const Octets& octets, std::size_t size) {
  return {octets.begin(), octets.begin() + static_cast<std::ptrdiff_t>(size)};
}

[[nodiscard]] inline Octets captured(const std::string& name) {
  return read_octets(std::string(POSTERN_VECTOR_DIR) + "/" + name);
}

/// What came of it, readable in a failed test.
[[nodiscard]] inline std::string outcome(const Parsed& parsed) {
  if (std::holds_alternative<Silence>(parsed)) return "silence";
  if (const auto* failure = std::get_if<Failure>(&parsed)) {
    return std::string(to_string(failure->result));
  }
  return "request";
}
[[nodiscard]] inline std::string outcome(const Octets& octets, const Address& source = kClient) {
  return outcome(parse_request(octets, source));
}
/// Of a request made of values.
[[nodiscard]] inline std::string outcome(const Request& request) {
  return outcome(emit(request), request.client);
}

}  // namespace postern::pcp
