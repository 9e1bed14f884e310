#pragma once

#include <memory>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/pcp_client.h"

// What the tests of the PCP server have in common.
namespace postern::pcp {

using namespace test;

inline constexpr PcpError kGranted{};
inline constexpr PcpError kUnsuppOpcode{ResultCode::unsupp_opcode, 1800};
inline constexpr PcpError kUnsuppOption{ResultCode::unsupp_option, 1800};
inline constexpr PcpError kUnsuppProtocol{ResultCode::unsupp_protocol, 1800};
inline constexpr PcpError kMalformedRequest{ResultCode::malformed_request, 1800};
inline constexpr PcpError kMalformedOption{ResultCode::malformed_option, 1800};
inline constexpr PcpError kNotAuthorized{ResultCode::not_authorized, 1800};
inline constexpr PcpError kNetworkFailure{ResultCode::network_failure, 30};
inline constexpr PcpError kNoResources{ResultCode::no_resources, 30};
inline constexpr PcpError kUserExQuota{ResultCode::user_ex_quota, 30};
inline constexpr PcpError kCannotProvide{ResultCode::cannot_provide_external, 30};
inline constexpr PcpError kExcessivePeers{ResultCode::excessive_remote_peers, 1800};

/// Remote peers on the Internet.
inline constexpr Address kPeer = Address::v4({8, 8, 8, 8});
inline constexpr Address kOtherPeer = Address::v4({9, 9, 9, 9});
inline const Address kPeer6 = *Address::parse("2a00:99::9");

/// A gateway with IPv4 and IPv6 on the LAN that has been serving for 42 seconds.
class PcpHouse : public testing::Test {
 protected:
  PcpHouse() { become({}); }
  ~PcpHouse() override { EXPECT_TRUE(house_->is_consistent()); }

  /// Begins anew with another configuration.
  void become(GatewayOptions options, Settings settings = {}, Serves serves = Serves::both) {
    house_ = std::make_unique<House>(std::move(options), serves, std::move(settings));
    (void)house_->start(dual_network());
    (void)house_->pass(Seconds(42));
  }
  void become_ruled(std::vector<Rule> rules, Limits limits = {}) {
    GatewayOptions options;
    options.policy = Policy(std::move(rules), std::move(limits));
    become(std::move(options));
  }

  MapResponse map(const PcpWish& wish) { return test::map(*house_, wish); }
  PeerResponse peer(const PcpWish& wish, const Endpoint& remote) {
    return test::peer(*house_, wish, remote);
  }
  PcpError error_of(const PcpWish& wish) { return test::error_of(*house_, wish); }
  PcpError peer_error_of(const PcpWish& wish, const Endpoint& remote) {
    return test::error_of(*house_, peer_of(wish, remote));
  }
  PcpError error_of(const Address& client, const Octets& request) {
    const auto response = ask_pcp(*house_, client, request);
    const bool is_success = response.result == ResultCode::success;
    return {response.result, is_success ? 0 : response.lifetime};
  }

  [[nodiscard]] const MappingTable& table() const { return house_->gateway.state().table; }
  [[nodiscard]] const Mapping* find(const PcpWish& wish) const {
    return table().find_by_internal(static_cast<Protocol>(wish.protocol),
                                    {wish.client, wish.internal_port});
  }
  /// The doors that let somebody in, as they stand in the firewall.
  template <class Kind>
  [[nodiscard]] std::vector<Kind> open() const {
    std::vector<Kind> found;
    for (const auto& timed : house_->open_doors()) {
      if (const auto* door = std::get_if<Kind>(&timed.door)) found.push_back(*door);
    }
    return found;
  }

  std::unique_ptr<House> house_;
};

}  // namespace postern::pcp
