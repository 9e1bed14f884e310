#pragma once

#include <optional>
#include <stdexcept>
#include <variant>

#include "protocols/natpmp/wire.h"
#include "tests/support/gateway_fixture.h"
#include "tests/support/octets.h"

/// A NAT-PMP client without a socket.
namespace postern::test {

[[nodiscard]] inline Octets map_request(Protocol protocol, std::uint16_t internal_port,
                                        std::uint16_t suggested_port, std::uint32_t lifetime) {
  return natpmp::emit(natpmp::MapRequest{protocol, internal_port, suggested_port, lifetime});
}

[[nodiscard]] inline Octets address_request() {
  return natpmp::emit(natpmp::AddressRequest{});
}

/// Reads an answer as this kind, and fails the test by throwing when it is another one.
template <class Response>
[[nodiscard]] Response read_as(const Octets& octets) {
  const auto response = natpmp::parse_response(octets);
  if (!response || !std::holds_alternative<Response>(*response)) {
    throw std::runtime_error("not the answer asked for: " + to_hex(octets));
  }
  return std::get<Response>(*response);
}

inline natpmp::MapResponse map(House& house, const Address& client, Protocol protocol,
                               std::uint16_t internal_port, std::uint16_t suggested_port,
                               std::uint32_t lifetime) {
  return read_as<natpmp::MapResponse>(
      house.ask(client, map_request(protocol, internal_port, suggested_port, lifetime)));
}

inline natpmp::MapResponse unmap(House& house, const Address& client, Protocol protocol,
                                 std::uint16_t internal_port) {
  return map(house, client, protocol, internal_port, 0, 0);
}

inline natpmp::AddressResponse external_address(House& house, const Address& client) {
  return read_as<natpmp::AddressResponse>(house.ask(client, address_request()));
}

}  // namespace postern::test
