#pragma once

#include <optional>
#include <stdexcept>
#include <utility>

#include "protocols/pcp/wire.h"
#include "tests/support/gateway_fixture.h"
#include "tests/support/octets.h"

/// A house that is asked over PCP, for tests of what stands behind it.
namespace postern::test {

inline constexpr Address kGatewayV6 =
    Address::v6({0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1});
inline constexpr Address kHostV6 =
    Address::v6({0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10});
inline constexpr Nonce kClientNonce{{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}};

/// The home network with IPv6 on its LAN.
[[nodiscard]] inline Network dual_stack_network(const Address& gateway_v6 = kGatewayV6) {
  auto network = home_network();
  network.lan[0].addresses.push_back({gateway_v6, 64});
  network.lan[0].addresses.push_back({*Address::parse("fe80::1"), 64});
  return network;
}

/// The answer to a request, which goes over the client's family.
inline pcp::Response ask_pcp(House& house, const pcp::Request& request) {
  const auto payload = pcp::emit(request);
  auto datagram = from(request.client, payload);
  if (!request.client.is_v4()) datagram.destination.address = kGatewayV6;
  const auto turn = house.send_all({datagram});
  const auto response =
      turn.send.size() == 1 ? pcp::parse_response(turn.send[0].payload) : std::nullopt;
  if (!response) throw std::runtime_error("no answer of PCP");
  return *response;
}

/// MAP for UDP.
inline pcp::Response pcp_map(House& house, const Address& client, std::uint16_t internal_port,
                             std::uint32_t lifetime, const Endpoint& suggested = {},
                             pcp::Options options = {}) {
  const pcp::MapRequest map{kClientNonce, 17, internal_port, suggested.port, suggested.address};
  return ask_pcp(house, {map, lifetime, client, std::move(options)});
}

/// PEER for UDP.
inline pcp::Response pcp_peer(House& house, const Address& client, std::uint16_t internal_port,
                              const Endpoint& remote, std::uint32_t lifetime,
                              const Endpoint& suggested = {}) {
  const pcp::PeerRequest peer{kClientNonce,      17,          internal_port, suggested.port,
                              suggested.address, remote.port, remote.address};
  return ask_pcp(house, {peer, lifetime, client, {}});
}

}  // namespace postern::test
