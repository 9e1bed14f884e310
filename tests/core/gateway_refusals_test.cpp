#include <algorithm>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/gateway_fixture.h"
#include "tests/support/natpmp_client.h"
#include "tests/support/pcp_client.h"

// What a turn tells of the wishes that it did not grant. (UPnP: upnp/refusals_test.cpp.)
namespace postern {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr Endpoint kPeer{Address::v4({8, 8, 8, 8}), 443};

GatewayOptions options() {
  Rule no_games;
  no_games.name = "no games";
  no_games.action = Rule::Action::deny;
  no_games.external_ports = PortSet::all();
  no_games.internal_ports = PortSet({{6000, 6999}});
  GatewayOptions options;
  options.policy = Policy({no_games, default_rule()});
  return options;
}

class GatewayRefusals : public testing::Test {
 protected:
  GatewayRefusals() { (void)house_.start(dual_network()); }

  [[nodiscard]] static Refusal refusal(std::string_view frontend, const Address& client,
                                       std::uint16_t internal, std::uint16_t suggested,
                                       MapError error, std::string rule) {
    return {{frontend, client}, Protocol::udp, {client, internal},
            suggested,          error,         std::move(rule)};
  }

  House house_{options(), Serves::both};
};

TEST_F(GatewayRefusals, NameTheRuleOverNatPmp) {
  const auto turn = house_.send(kHostA, map_request(Protocol::udp, 6001, 6002, 60));
  EXPECT_EQ(turn.send.size(), 1U);
  EXPECT_THAT(turn.refusals, ElementsAre(refusal("natpmp", kHostA, 6001, 6002,
                                                 MapError::not_authorized, "no games")));
}

TEST_F(GatewayRefusals, NameTheRuleOverPcpForBothFamilies) {
  for (const auto& host : {kHostA, kHostA6}) {
    const auto turn = house_.send(host, pcp::emit(map_of({.client = host, .internal_port = 6001})));
    EXPECT_THAT(turn.refusals,
                ElementsAre(refusal("pcp", host, 6001, 0, MapError::not_authorized, "no games")));
  }
}

TEST_F(GatewayRefusals, NameNoRuleWhereNoneMatches) {
  const auto turn = house_.send(kHostA, map_request(Protocol::udp, 80, 80, 60));
  EXPECT_THAT(turn.refusals,
              ElementsAre(refusal("natpmp", kHostA, 80, 80, MapError::not_authorized, "")));
}

TEST_F(GatewayRefusals, OfWhatWasGrantedThereAreNone) {
  EXPECT_THAT(house_.send(kHostA, map_request(Protocol::udp, 4000, 4000, 60)).refusals, IsEmpty());
}

TEST_F(GatewayRefusals, AreToldOnceAlthoughTheTurnIsDecidedTwice) {
  house_.backend->refuse(DoorKey{DoorKey::Kind::forward4, Protocol::udp, {kWan, 4000}});
  const auto good = map_request(Protocol::udp, 4000, 4000, 60);
  const auto bad = map_request(Protocol::udp, 6001, 6002, 60);
  const auto turn = house_.send_all({from(kHostA, bad), from(kHostA, good)});
  EXPECT_THAT(
      turn.refusals,
      ElementsAre(refusal("natpmp", kHostA, 6001, 6002, MapError::not_authorized, "no games"),
                  refusal("natpmp", kHostA, 4000, 4000, MapError::backend_refused, "")));
}

TEST_F(GatewayRefusals, TellOfPortZeroOverNatPmp) {
  const auto turn = house_.send(kHostA, map_request(Protocol::udp, 0, 4000, 60));
  EXPECT_EQ(turn.send.size(), 1U);
  EXPECT_THAT(turn.refusals,
              ElementsAre(refusal("natpmp", kHostA, 0, 4000, MapError::not_authorized, "")));
}

TEST_F(GatewayRefusals, TellOfADeletionThatTheFirewallRefuses) {
  (void)house_.send(kHostA, map_request(Protocol::udp, 4000, 4000, 60));
  house_.backend->refuse(DoorKey{DoorKey::Kind::forward4, Protocol::udp, {kWan, 4000}});
  for (const std::uint16_t port : {std::uint16_t{4000}, std::uint16_t{0}}) {
    const auto turn = house_.send(kHostA, map_request(Protocol::udp, port, 0, 0));
    EXPECT_EQ(turn.send.size(), 1U);
    EXPECT_THAT(turn.refusals,
                ElementsAre(refusal("natpmp", kHostA, port, 0, MapError::backend_refused, "")));
  }
}

TEST_F(GatewayRefusals, TellOfAnotherNonce) {
  (void)house_.send(kHostA, pcp::emit(map_of({})));
  (void)house_.send(kHostA, pcp::emit(peer_of({.internal_port = 9000}, kPeer)));
  const Nonce other{9};
  const auto error = MapError::wrong_nonce;
  const auto deleted = house_.send(kHostA, pcp::emit(map_of({.lifetime = 0, .nonce = other})));
  EXPECT_THAT(deleted.refusals, ElementsAre(refusal("pcp", kHostA, 8080, 0, error, "")));
  const PcpWish question{.internal_port = 9000, .lifetime = 0, .nonce = other};
  const auto asked = house_.send(kHostA, pcp::emit(peer_of(question, kPeer)));
  ASSERT_EQ(asked.refusals.size(), 1U);
  EXPECT_EQ(asked.refusals[0].error, error);
  EXPECT_EQ(asked.refusals[0].internal, (Endpoint{kHostA, 9000}));
}

/// What PCP itself refuses, without the table.
class GatewayRefusalsOfPcp : public GatewayRefusals {
 protected:
  [[nodiscard]] static Refusal own(std::optional<Protocol> protocol, const Endpoint& internal,
                                   std::string_view word) {
    Refusal refused{{"pcp", kHostA}, protocol, internal};
    refused.own_word = word;
    return refused;
  }
  [[nodiscard]] std::vector<Refusal> refused(const PcpWish& wish) {
    const auto turn = house_.send(kHostA, pcp::emit(map_of(wish)));
    EXPECT_EQ(turn.send.size(), 1U);
    return turn.refusals;
  }
};

TEST_F(GatewayRefusalsOfPcp, TellOfAThirdParty) {
  EXPECT_THAT(refused({.options = {pcp::ThirdParty{kHostB}}}),
              ElementsAre(own(Protocol::udp, {kHostB, 8080}, "no_third_party")));
}

TEST_F(GatewayRefusalsOfPcp, TellOfAProtocolThatIsNotMapped) {
  constexpr std::uint8_t kSctp = 132;
  EXPECT_THAT(refused({.protocol = kSctp, .internal_port = 5000}),
              ElementsAre(own(std::nullopt, {kHostA, 5000}, "UNSUPP_PROTOCOL")));
}

TEST_F(GatewayRefusalsOfPcp, TellOfOptions) {
  auto request = pcp::emit(map_of({}));
  // An unknown one that must be understood, and FILTER with a length that IPv4 has not.
  const Octets unknown{100, 0, 0, 0};
  request.insert(request.end(), unknown.begin(), unknown.end());
  EXPECT_THAT(house_.send(kHostA, request).refusals,
              ElementsAre(own(Protocol::udp, {kHostA, 8080}, "UNSUPP_OPTION")));
  EXPECT_THAT(refused({.options = {pcp::Filter{7, 0, Address::v4({8, 8, 8, 8})}}}),
              ElementsAre(own(Protocol::udp, {kHostA, 8080}, "MALFORMED_OPTION")));
}

TEST_F(GatewayRefusalsOfPcp, TellOfTheDeletionOfWhatAPeerOpened) {
  (void)house_.send(kHostA, pcp::emit(peer_of({}, kPeer)));
  EXPECT_THAT(refused({.lifetime = 0}),
              ElementsAre(own(Protocol::udp, {kHostA, 8080}, "NOT_AUTHORIZED")));
}

TEST_F(GatewayRefusalsOfPcp, TellOfAPeer) {
  const auto refused = [&](std::uint32_t lifetime) {
    return house_.send(kHostA, pcp::emit(peer_of({.lifetime = lifetime}, kPeer))).refusals;
  };
  EXPECT_THAT(refused(0),
              ElementsAre(own(Protocol::udp, {kHostA, 8080}, "CANNOT_PROVIDE_EXTERNAL")));
  house_.flows.find_fails = true;
  EXPECT_THAT(refused(60), ElementsAre(own(Protocol::udp, {kHostA, 8080}, "NO_RESOURCES")));
}

TEST_F(GatewayRefusalsOfPcp, TellNothingOfWhatIsNoRequest) {
  auto request = pcp::emit(map_of({}));
  for (const auto& octets :
       {Octets(request.begin(), request.begin() + 40), Octets{2, 9}, Octets()}) {
    EXPECT_THAT(house_.send(kHostA, octets).refusals, IsEmpty());
  }
}

TEST_F(GatewayRefusalsOfPcp, AreBounded) {
  const auto request = pcp::emit(map_of({.options = {pcp::ThirdParty{kHostB}}}));
  const auto turn = house_.send_all(std::vector(300, from(kHostA, request)));
  EXPECT_EQ(turn.send.size(), 300U);
  EXPECT_EQ(turn.refusals.size(), MappingTable::kMostRefusals);
}

TEST(GatewayRefusalsOfMine, TellThatTheAdministratorsMappingIsNotOpenYet) {
  GatewayOptions options;
  options.static_mappings = {{"web", Protocol::udp, {kHostA, 8080}, 9000}};
  House house(std::move(options), Serves::both);
  (void)house.start(dual_network(std::nullopt));
  for (const auto& request : {map_request(Protocol::udp, 8080, 0, 60), pcp::emit(map_of({}))}) {
    const auto refusals = house.send(kHostA, request).refusals;
    ASSERT_EQ(refusals.size(), 1U);
    EXPECT_EQ(refusals[0].why(), "no_external_address");
  }
}

}  // namespace
}  // namespace postern
