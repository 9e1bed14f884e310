#pragma once

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "protocols/pcp/wire.h"
#include "tests/support/gateway_fixture.h"
#include "tests/support/octets.h"

/// A PCP client without a socket. Packets are built and read by the codec, whose own octets are
/// proved by tests/pcp/wire_test.cpp.
namespace postern::test {

inline constexpr Nonce kNonce{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}};
inline constexpr Nonce kOtherNonce{{12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1}};
inline constexpr Address kAny4 = Address::v4(0);
inline constexpr Address kAny6 = Address();

inline constexpr std::uint8_t kTcp = 6;
inline constexpr std::uint8_t kUdp = 17;

/// What a client asks for by MAP, or by PEER. Changed field by field.
struct PcpWish {
  Address client = kHostA;
  std::uint8_t protocol = kUdp;
  std::uint16_t internal_port = 8080;
  std::uint16_t suggested_port = 0;
  Address suggested_address = kAny4;
  std::uint32_t lifetime = 3600;
  Nonce nonce = kNonce;
  pcp::Options options = {};
};

[[nodiscard]] inline pcp::MapFields fields_of(const PcpWish& wish) {
  return {wish.nonce, wish.protocol, wish.internal_port, wish.suggested_port,
          wish.suggested_address};
}

[[nodiscard]] inline pcp::Request map_of(const PcpWish& wish) {
  return {pcp::MapRequest{fields_of(wish)}, wish.lifetime, wish.client, wish.options};
}

[[nodiscard]] inline pcp::Request peer_of(const PcpWish& wish, const Endpoint& remote) {
  return {pcp::PeerRequest{fields_of(wish), remote}, wish.lifetime, wish.client, wish.options};
}

[[nodiscard]] inline PcpWish deletion(PcpWish wish) {
  wish.lifetime = 0;
  wish.options.clear();
  return wish;
}

[[nodiscard]] inline std::vector<Mapping> all_mappings(const House& house) {
  std::vector<Mapping> all;
  const auto& table = house.gateway.state().table;
  for (const Mapping* mapping : table.oldest(table.size())) all.push_back(*mapping);
  return all;
}

/// Reads a message of the server, and fails the test by throwing when it is none.
[[nodiscard]] inline pcp::Response read_pcp(const Octets& octets) {
  auto response = pcp::parse_response(octets);
  if (!response) throw std::runtime_error("not a PCP response: " + to_hex(octets));
  return std::move(*response);
}

/// Throws unless this error reply is as every one must be: the request's octets after the header, a
/// lifetime, and nothing done (RFC 6887 §7.3, §8.2).
inline void expect_proper_error(const Octets& request, const Octets& reply) {
  const auto after_header = [](const Octets& octets) {
    return Octets(octets.begin() + std::min<std::ptrdiff_t>(24, std::ssize(octets)), octets.end());
  };
  Octets expected = after_header(request);
  expected.resize((expected.size() + 3) / 4 * 4);
  if (expected.size() > 1076) expected.resize(1076);
  if (after_header(reply) != expected) {
    throw std::runtime_error("not a copy of the request: " + to_hex(reply));
  }
}

/// The server's answer to these octets. Also fails the test when an error left a trace, or is no
/// copy of the request.
inline pcp::Response ask_pcp(House& house, const Address& client, const Octets& request) {
  const auto before = all_mappings(house);
  const auto octets = house.ask(client, request);
  auto response = read_pcp(octets);
  if (response.result == pcp::ResultCode::success) return response;
  expect_proper_error(request, octets);
  if (all_mappings(house) != before) throw std::runtime_error("an error that changed the table");
  if (!house.is_consistent()) throw std::runtime_error("an error that left a mess");
  return response;
}

inline pcp::Response ask_pcp(House& house, const pcp::Request& request) {
  return ask_pcp(house, request.client, pcp::emit(request));
}

/// The answer when it is a success of this kind; throws otherwise.
template <class Body>
[[nodiscard]] Body success_as(const pcp::Response& response) {
  if (response.result != pcp::ResultCode::success) {
    throw std::runtime_error("refused: " + std::string(to_string(response.result)));
  }
  if (!std::holds_alternative<Body>(response.body)) throw std::runtime_error("another opcode");
  return std::get<Body>(response.body);
}

/// What a client is granted; throws when it is refused.
inline pcp::MapResponse map(House& house, const PcpWish& wish) {
  return success_as<pcp::MapResponse>(ask_pcp(house, map_of(wish)));
}
inline pcp::PeerResponse peer(House& house, const PcpWish& wish, const Endpoint& remote) {
  return success_as<pcp::PeerResponse>(ask_pcp(house, peer_of(wish, remote)));
}

/// Why it was refused, and for how long; a success, with lifetime 0, for what was not.
struct PcpError {
  pcp::ResultCode result = pcp::ResultCode::success;
  std::uint32_t lifetime = 0;

  friend bool operator==(const PcpError&, const PcpError&) = default;
  /// For a failed test.
  friend std::ostream& operator<<(std::ostream& out, const PcpError& error) {
    return out << to_string(error.result) << " for " << error.lifetime << " s";
  }
};

inline PcpError error_of(House& house, const pcp::Request& request) {
  const auto response = ask_pcp(house, request);
  const bool is_success = response.result == pcp::ResultCode::success;
  return {response.result, is_success ? 0 : response.lifetime};
}
inline PcpError error_of(House& house, const PcpWish& wish) {
  return error_of(house, map_of(wish));
}

}  // namespace postern::test
