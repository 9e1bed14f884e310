#pragma once

#include "core/endpoint.h"
#include "daemon/asio.h"

namespace postern {

/// IPv6 addresses of the link need the interface.
[[nodiscard]] inline asio::ip::tcp::endpoint tcp_endpoint_of(const Endpoint& endpoint,
                                                             std::uint32_t interface_index) {
  const auto& [address, port] = endpoint;
  if (address.is_v4()) return {asio::ip::address_v4(address.v4_octets()), port};
  asio::ip::address_v6 v6(address.octets());
  if (v6.is_link_local()) v6.scope_id(interface_index);
  return {v6, port};
}

}  // namespace postern
