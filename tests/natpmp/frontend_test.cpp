#include "protocols/natpmp/frontend.h"

#include <gtest/gtest.h>

#include "tests/support/gateway_fixture.h"
#include "tests/support/natpmp_client.h"
#include "tests/support/table_fixture.h"

// What a client gets for what it asks. Announcements stand in announcements_test.cpp.
namespace postern {
namespace {

using namespace test;
using natpmp::MapResponse;
using natpmp::ResultCode;

GatewayOptions with_policy(Policy policy) {
  GatewayOptions options;
  options.policy = std::move(policy);
  return options;
}

class FrontendTest : public testing::Test {
 protected:
  FrontendTest() { become({}); }
  ~FrontendTest() override { EXPECT_TRUE(house_->is_consistent()); }

  /// Begins anew with another configuration, 42 seconds after its start.
  void become(GatewayOptions options) {
    house_ = std::make_unique<House>(std::move(options));
    (void)house_->start();
    (void)house_->pass(Seconds(42));
  }
  [[nodiscard]] Octets ask(std::string_view hex) { return house_->ask(kHostA, from_hex(hex)); }
  MapResponse map_udp(const Address& client, std::uint16_t internal, std::uint16_t suggested,
                      std::uint32_t lifetime = 60) {
    return map(*house_, client, Protocol::udp, internal, suggested, lifetime);
  }
  /// Every error answer to a map request has the same shape.
  void expect_error(const MapResponse& answer, ResultCode result, std::uint16_t internal_port) {
    EXPECT_EQ(answer, (MapResponse{answer.protocol, result, answer.epoch, internal_port, 0, 0}));
    EXPECT_EQ(answer.epoch, 42U);
  }

  std::unique_ptr<House> house_;
};

// NPMP-49
TEST_F(FrontendTest, ARulesMinimumLengthensNothingAndItsMaximumCuts) {
  Rule rule = default_rule();
  rule.min_lifetime = Seconds(600);
  rule.max_lifetime = Seconds(700);
  become(with_policy(Policy({rule})));
  EXPECT_EQ(map_udp(kHostA, 4000, 4000, 60).lifetime, 60U);
  EXPECT_EQ(map_udp(kHostA, 4000, 4000, 3600).lifetime, 700U);
}

// NPMP-32
TEST_F(FrontendTest, AnotherProtocolsRuleIsNotItsOwn) {
  Rule rule = default_rule();
  rule.frontends = {"pcp"};
  become(with_policy(Policy({rule})));
  EXPECT_EQ(map_udp(kHostA, 4000, 4000).result, ResultCode::not_authorized);
  const auto told = read_as<natpmp::AddressResponse>(house_->ask(kHostA, address_request()));
  EXPECT_EQ(told.result, ResultCode::not_authorized);
}

// --- External address
// -----------------------------------------------------------------------------

// NPMP-28, 29, 35
TEST_F(FrontendTest, TellsTheExternalAddress) {
  EXPECT_EQ(ask("00 00"), from_hex("00"           // Version
                                   "80"           // Opcode
                                   "0000"         // Result: success
                                   "0000002a"     // Epoch
                                   "c6336407"));  // 198.51.100.7
  EXPECT_EQ(house_->mappings(), 0U);
}

// NPMP-28, 30, 31
TEST_F(FrontendTest, TellsANetworkFailureWithoutAnExternalAddress) {
  (void)house_->change_network(home_network(std::nullopt));
  EXPECT_EQ(ask("00 00"), from_hex("00 80 0003 0000002a 00000000"));
}

// NPMP-32
TEST_F(FrontendTest, TellsAClientThatNoRuleAllowsThatItIsNotAuthorized) {
  become(with_policy(Policy(std::vector<Rule>())));
  EXPECT_EQ(ask("00 00"), from_hex("00 80 0002 0000002a 00000000"));
  EXPECT_EQ(ask("00 01 0000 1f90 0000 0000003c"),
            from_hex("00 81 0002 0000002a 1f90 0000 00000000"));
}

// NPMP-33
TEST_F(FrontendTest, TellsTheAddressThatNewMappingsUse) {
  auto network = home_network();
  network.wan->addresses.push_back({kOtherWan, 24});
  (void)house_->change_network(network);
  const auto told = external_address(*house_, kHostA).external_address;
  const auto port = map_udp(kHostA, 8080, 0).external_port;
  EXPECT_TRUE(house_->gateway.state().table.find_by_external(Protocol::udp, {told, port}));
}

// --- Create and renew
// -----------------------------------------------------------------------------

// NPMP-28, 36, 37, 41
TEST_F(FrontendTest, MapsUdp) {
  EXPECT_EQ(ask("00 01 0000 1f90 9c41 00001c20"), from_hex("00"           // Version
                                                           "81"           // Opcode
                                                           "0000"         // Result: success
                                                           "0000002a"     // Epoch
                                                           "1f90"         // Internal port
                                                           "9c41"         // External port
                                                           "00001c20"));  // Lifetime
  const auto* mapping =
      house_->gateway.state().table.find_by_external(Protocol::udp, {kWan, 40001});
  ASSERT_TRUE(mapping);
  EXPECT_EQ(mapping->internal, (Endpoint{kHostA, 8080}));
}

// NPMP-36, 38
TEST_F(FrontendTest, MapsTcpAndNothingElse) {
  EXPECT_EQ(ask("00 02 0000 1f90 9c41 00001c20"),
            from_hex("00 82 0000 0000002a 1f90 9c41 00001c20"));
  EXPECT_FALSE(house_->gateway.state().table.find_by_external(Protocol::udp, {kWan, 40001}));
  EXPECT_EQ(house_->mappings(), 1U);
}

// NPMP-11, 37
TEST_F(FrontendTest, MapsToTheAskerOnly) {
  (void)map_udp(kHostB, 8080, 40001);
  for (const auto& timed : house_->open_doors()) {
    if (const auto* forward = std::get_if<Forward4>(&timed.door)) {
      EXPECT_EQ(forward->internal, (Endpoint{kHostB, 8080}));
    }
  }
}

// NPMP-13, 45, 47
TEST_F(FrontendTest, GivesTheSameAnswerToARetransmission) {
  const auto first = map_udp(kHostA, 8080, 40001);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(map_udp(kHostA, 8080, 40001), first);
  EXPECT_EQ(map_udp(kHostA, 8080, 40002), first);
  EXPECT_EQ(house_->mappings(), 1U);
}

// NPMP-48
TEST_F(FrontendTest, RenewsFromNow) {
  (void)map_udp(kHostA, 8080, 40001, 60);
  (void)house_->pass(Seconds(30));
  EXPECT_EQ(map_udp(kHostA, 8080, 40001, 60).lifetime, 60U);
  (void)house_->pass(Seconds(59));
  EXPECT_EQ(house_->doors(), 3U);
  (void)house_->pass(Seconds(1));
  EXPECT_EQ(house_->doors(), 0U);
}

// NPMP-42
TEST_F(FrontendTest, GivesAnotherPortWhenTheSuggestedOneIsTaken) {
  EXPECT_EQ(map_udp(kHostA, 8080, 40001).external_port, 40001);
  const auto other = map_udp(kHostB, 8080, 40001);
  EXPECT_EQ(other.result, ResultCode::success);
  EXPECT_NE(other.external_port, 40001);
}

// NPMP-43
TEST_F(FrontendTest, ChoosesAHighPortWhenNoneIsSuggested) {
  const auto answer = map_udp(kHostA, 9, 0);
  EXPECT_EQ(answer.result, ResultCode::success);
  EXPECT_GE(answer.external_port, 1024);
}

// NPMP-39
TEST_F(FrontendTest, KeepsTheOtherProtocolsPortForTheHolder) {
  EXPECT_EQ(map(*house_, kHostA, Protocol::tcp, 4000, 4000, 60).external_port, 4000);
  EXPECT_NE(map_udp(kHostB, 4000, 4000).external_port, 4000);
  EXPECT_EQ(map_udp(kHostA, 4000, 4000).external_port, 4000);
}

// NPMP-39
TEST_F(FrontendTest, LiftsTheReservationWithTheLease) {
  (void)map(*house_, kHostA, Protocol::tcp, 4000, 4000, 60);
  (void)house_->pass(Seconds(60));
  EXPECT_EQ(map_udp(kHostB, 4000, 4000).external_port, 4000);
}

// NPMP-44, 53, 54
TEST_F(FrontendTest, IsOutOfResourcesWhenNoPortIsLeft) {
  Rule rule = default_rule();
  rule.external_ports = PortSet({{3000, 3000}});
  become(with_policy(Policy({rule})));
  EXPECT_EQ(map_udp(kHostA, 8080, 0).external_port, 3000);
  expect_error(map_udp(kHostB, 8081, 3000), ResultCode::out_of_resources, 8081);
}

// NPMP-49, 50
TEST_F(FrontendTest, GrantsWhatIsAskedUpToADay) {
  EXPECT_EQ(map_udp(kHostA, 8080, 0, 1).lifetime, 1U);
  EXPECT_EQ(map_udp(kHostA, 8080, 0, 30).lifetime, 30U);
  EXPECT_EQ(map_udp(kHostA, 8080, 0, 7200).lifetime, 7200U);
  EXPECT_EQ(map_udp(kHostA, 8080, 0, 86401).lifetime, 86400U);
  EXPECT_EQ(map_udp(kHostA, 8080, 0, 0xffffffff).lifetime, 86400U);
}

// NPMP-51, 53, 54
TEST_F(FrontendTest, DeniesInternalPortZero) {
  expect_error(map_udp(kHostA, 0, 40001), ResultCode::not_authorized, 0);
  EXPECT_EQ(house_->mappings(), 0U);
}

// NPMP-52, 53, 54
TEST_F(FrontendTest, MapsNothingWithoutAnExternalAddress) {
  (void)house_->change_network(home_network(std::nullopt));
  expect_error(map_udp(kHostA, 8080, 40001), ResultCode::network_failure, 8080);
}

// NPMP-53, 54
TEST_F(FrontendTest, DeniesAnInternalPortThatThePolicyKeepsShut) {
  expect_error(map_udp(kHostA, 80, 40001), ResultCode::not_authorized, 80);
}

// NPMP-55
TEST_F(FrontendTest, ReplacesASuggestionThatThePolicyDoesNotPermit) {
  const auto answer = map_udp(kHostA, 8080, 80);
  EXPECT_EQ(answer.result, ResultCode::success);
  EXPECT_GE(answer.external_port, 1024);
}

// NPMP-56
TEST_F(FrontendTest, NeverGivesItsOwnPortsAway) {
  for (const std::uint16_t port : {std::uint16_t{5350}, std::uint16_t{5351}}) {
    const auto answer = map_udp(kHostA, port, port);
    EXPECT_EQ(answer.result, ResultCode::success);
    EXPECT_NE(answer.external_port, 5350);
    EXPECT_NE(answer.external_port, 5351);
  }
}

// NPMP-57
TEST_F(FrontendTest, RenewsAndDeletesBeyondTheQuotaButMapsNothingNew) {
  become(with_policy(Policy({default_rule()}, limits_of(3, 100))));
  for (const std::uint16_t port : {std::uint16_t{8080}, std::uint16_t{8081}, std::uint16_t{8082}}) {
    EXPECT_EQ(map_udp(kHostA, port, 0).result, ResultCode::success);
  }
  expect_error(map_udp(kHostA, 8083, 0), ResultCode::out_of_resources, 8083);
  EXPECT_EQ(map_udp(kHostA, 8080, 0).result, ResultCode::success);
  EXPECT_EQ(map_udp(kHostB, 8080, 0).result, ResultCode::success);
  EXPECT_EQ(unmap(*house_, kHostA, Protocol::udp, 8081).result, ResultCode::success);  // NPMP-74
  EXPECT_EQ(map_udp(kHostA, 8083, 0).result, ResultCode::success);
}

// NPMP-53, 54, 61
TEST_F(FrontendTest, IsOutOfResourcesWhenTheFirewallRefuses) {
  house_->backend->fail_next(2);  // The commit, and putting everything back.
  expect_error(map_udp(kHostA, 8080, 40001), ResultCode::out_of_resources, 8080);
  EXPECT_EQ(house_->doors(), 0U);
  EXPECT_EQ(house_->mappings(), 0U);
}

// --- Delete
// ---------------------------------------------------------------------------------------

// NPMP-65, 66
TEST_F(FrontendTest, DeletesWhateverPortIsSuggested) {
  (void)map_udp(kHostA, 8080, 40001);
  EXPECT_EQ(ask("00 01 0000 1f90 04d2 00000000"),
            from_hex("00 81 0000 0000002a 1f90 0000 00000000"));
  EXPECT_EQ(house_->doors(), 0U);
}

// NPMP-67
TEST_F(FrontendTest, DeletesTwiceWithTheSameAnswer) {
  (void)map_udp(kHostA, 8080, 40001);
  const auto first = unmap(*house_, kHostA, Protocol::udp, 8080);
  EXPECT_EQ(unmap(*house_, kHostA, Protocol::udp, 8080), first);
  EXPECT_EQ(first.result, ResultCode::success);
}

// NPMP-68
TEST_F(FrontendTest, DeletesNothingOfOthers) {
  (void)map_udp(kHostA, 8080, 40001);
  EXPECT_EQ(unmap(*house_, kHostB, Protocol::udp, 8080).result, ResultCode::success);
  EXPECT_EQ(unmap(*house_, kHostA, Protocol::tcp, 8080).result, ResultCode::success);
  EXPECT_EQ(house_->doors(), 3U);
}

// NPMP-71
TEST_F(FrontendTest, DeletesAllOfOneProtocol) {
  (void)map_udp(kHostA, 8080, 0);
  (void)map_udp(kHostA, 8081, 0);
  (void)map(*house_, kHostA, Protocol::tcp, 8080, 0, 60);
  (void)map_udp(kHostB, 8080, 0);
  EXPECT_EQ(ask("00 01 0000 0000 0000 00000000"),
            from_hex("00 81 0000 0000002a 0000 0000 00000000"));
  EXPECT_EQ(house_->mappings(), 2U);
  EXPECT_EQ(ask("00 02 0000 0000 0000 00000000"),
            from_hex("00 82 0000 0000002a 0000 0000 00000000"));
  EXPECT_EQ(house_->mappings(), 1U);
}

// NPMP-72
TEST_F(FrontendTest, DeletesAllOfNothing) {
  EXPECT_EQ(ask("00 01 0000 0000 0000 00000000"),
            from_hex("00 81 0000 0000002a 0000 0000 00000000"));
}

// NPMP-74
TEST_F(FrontendTest, DeletesWhileTheWanIsDown) {
  (void)map_udp(kHostA, 8080, 40001);
  (void)map(*house_, kHostA, Protocol::tcp, 8080, 40001, 60);
  (void)house_->change_network(home_network(std::nullopt));
  EXPECT_EQ(unmap(*house_, kHostA, Protocol::udp, 8080).result, ResultCode::success);
  EXPECT_EQ(unmap(*house_, kHostA, Protocol::tcp, 0).result, ResultCode::success);
  EXPECT_EQ(house_->doors(), 0U);
}

// NPMP-75
TEST_F(FrontendTest, HasShutTheDoorBeforeItSaysSo) {
  (void)map_udp(kHostA, 8080, 40001);
  const auto payload = map_request(Protocol::udp, 8080, 0, 0);
  const auto turn = house_->send_all({from(kHostA, payload)});
  EXPECT_EQ(turn.send.size(), 1U);
  EXPECT_EQ(house_->doors(), 0U);
}

// --- Malformed and unknown
// ------------------------------------------------------------------------

// NPMP-16, 24
TEST_F(FrontendTest, IsSilentToRequestsCutShort) {
  const auto whole = map_request(Protocol::udp, 8080, 40001, 60);
  for (std::size_t size = 2; size < whole.size(); ++size) {
    const Octets cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_TRUE(house_->ask(kHostA, cut).empty()) << size;
  }
  EXPECT_EQ(house_->mappings(), 0U);
}

// NPMP-25, 26
TEST_F(FrontendTest, OverlooksReservedAndTrailingOctets) {
  EXPECT_EQ(ask("00 01 ffff 1f90 9c41 0000003c eeee"),
            from_hex("00 81 0000 0000002a 1f90 9c41 0000003c"));
  EXPECT_EQ(ask("00 00 eeee"), from_hex("00 80 0000 0000002a c6336407"));
}

// NPMP-22, 23, 28
TEST_F(FrontendTest, RepeatsARequestWithAnUnknownOpcode) {
  EXPECT_EQ(ask("00 03 aabb ccddeeff 11"), from_hex("00 83 0005 0000002a 11"));
  EXPECT_EQ(ask("00 7f"), from_hex("00 ff 0005 0000002a"));
}

// NPMP-92
TEST_F(FrontendTest, SurvivesTheLongestDatagram) {
  for (int opcode = 0; opcode < 256; ++opcode) {
    Octets request(65507, 0xff);
    request[0] = 0;
    request[1] = static_cast<std::uint8_t>(opcode);
    EXPECT_LE(house_->ask(kHostA, request).size(), 1100U);
  }
}

// --- Epoch
// ----------------------------------------------------------------------------------------

// NPMP-28, 76
TEST_F(FrontendTest, TellsTheEpochInEveryAnswer) {
  (void)house_->pass(Seconds(10));
  for (const auto* request : {"00 00", "00 01 0000 1f90 0000 0000003c",
                              "00 01 0000 0000 0000 "
                              "0000003c",
                              "00 02 0000 1f90 0000 00000000", "00 05", "01 00"}) {
    const auto answer = ask(request);
    ASSERT_GE(answer.size(), 8U) << request;
    EXPECT_EQ((Octets{answer.begin() + 4, answer.begin() + 8}), from_hex("00000034")) << request;
  }
}

}  // namespace
}  // namespace postern
