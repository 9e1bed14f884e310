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

}  // namespace
}  // namespace postern
