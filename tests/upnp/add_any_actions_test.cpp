#include <gtest/gtest.h>

#include "tests/upnp/action_house.h"

// AddAnyPortMapping: which port comes of it (WANIPConnection:2, figure 2-4).
namespace postern::upnp {
namespace {

using namespace test;

constexpr std::string_view kPeer = "203.0.113.5";

class AddAnyActions : public testing::Test {
 protected:
  ActionHouse house;
  Client a{house, kHostA};
  Client b{house, kHostB};
};

// IGD-080
TEST_F(AddAnyActions, AFreePortIsGrantedAsItIs) {
  EXPECT_EQ(a.add_any().number(0), 7000u);
  EXPECT_EQ(house.find(7000)->internal, (Endpoint{kHostA, 6000}));
}

// IGD-080
TEST_F(AddAnyActions, AnotherClientsPortIsNotGranted) {
  ASSERT_EQ(b.add().code, 0);
  const auto answer = a.add_any();
  ASSERT_EQ(answer.code, 0);
  EXPECT_NE(answer.number(0), 7000u);
  EXPECT_EQ(house.find(static_cast<std::uint16_t>(answer.number(0)))->internal.address, kHostA);
  EXPECT_EQ(house.find(7000)->internal.address, kHostB);
}

// IGD-080
TEST_F(AddAnyActions, TheSameAgainOverwrites) {
  ASSERT_EQ(a.add_any({.description = "old"}).number(0), 7000u);
  EXPECT_EQ(a.add_any({.internal = 6001, .description = "new"}).number(0), 7000u);
  EXPECT_EQ(house.mappings(), 1u);
  EXPECT_EQ(house.find(7000)->internal.port, 6001);
  EXPECT_EQ(a.specific().text(3), "new");
}

// IGD-080
TEST_F(AddAnyActions, AnotherRemoteHostGetsAnotherPort) {
  ASSERT_EQ(a.add_any({.remote = std::string(kPeer)}).number(0), 7000u);
  const auto open = a.add_any();
  ASSERT_EQ(open.code, 0);
  EXPECT_NE(open.number(0), 7000u);
  EXPECT_EQ(house.mappings(), 2u);
  EXPECT_EQ(house.find(7000)->filters.size(), 1u);
  // And both stay where they are.
  EXPECT_EQ(a.add_any({.remote = std::string(kPeer)}).number(0), 7000u);
  EXPECT_EQ(a.add_any().number(0), open.number(0));
  EXPECT_EQ(house.mappings(), 2u);
}

// IGD-081
TEST(AddAnyActionsPool, ThereMayBeNoPort) {
  Rule rule = default_rule();
  rule.external_ports = PortSet({{7000, 7001}});
  ActionHouse house({}, {rule});
  Client a(house, kHostA);
  Client b(house, kHostB);
  EXPECT_EQ(b.add_any({.external = 7000, .internal = 6000}).number(0), 7000u);
  EXPECT_EQ(b.add_any({.external = 7000, .internal = 6001}).number(0), 7000u);
  EXPECT_EQ(b.add_any({.external = 7001, .internal = 6000}).number(0), 7001u);
  EXPECT_EQ(a.add_any().code, 728);
  const Call v1{View::igd2, ServiceId::wan_ip_connection, kIp1};
  EXPECT_EQ(house
                .call(kHostA, v1, "AddAnyPortMapping",
                      with(kAddArguments, "192.168.77.2", kHostA.to_string()))
                .code,
            728);
}

// IGD-082
TEST_F(AddAnyActions, AnyPortIsAHighOne) {
  const auto answer = a.add_any({.external = 0, .internal = 9});
  ASSERT_EQ(answer.code, 0);
  EXPECT_GE(answer.number(0), 1024u);
  EXPECT_EQ(a.add_any({.external = 0, .internal = 9}).number(0), answer.number(0));
}

// IGD-083, Q-79
TEST_F(AddAnyActions, AnInsideKeepsThePortThatItHas) {
  ASSERT_EQ(b.add().code, 0);
  house.map("pcp", kHostA, 6000, 7005);
  EXPECT_EQ(a.add_any().number(0), 7005u);
  EXPECT_EQ(house.find(7005)->claims.size(), 2u);
}

// IGD-083
TEST_F(AddAnyActions, AlsoOneThatIsNotItsFirst) {
  ASSERT_EQ(b.add().code, 0);
  ASSERT_EQ(a.add({.remote = std::string(kPeer), .external = 7001}).code, 0);
  ASSERT_EQ(a.add({.external = 7002}).code, 0);
  EXPECT_EQ(a.add_any().number(0), 7002u);
  EXPECT_EQ(house.mappings(), 3u);
}

// IGD-084
TEST_F(AddAnyActions, SubstitutesAreWhatThePolicyPermits) {
  OccupiedPorts occupied;
  occupied.tcp = PortSet({{6000, 6000}});
  house.state.table.set_occupied_ports(occupied);
  const auto answer = a.add_any({.external = 80});
  ASSERT_EQ(answer.code, 0);
  EXPECT_GE(answer.number(0), 1024u);
  EXPECT_NE(answer.number(0), 6000u);
}

// IGD-067
TEST_F(AddAnyActions, BadArguments) {
  EXPECT_EQ(a.add_any({.internal = 0}).code, 732);
  EXPECT_EQ(a.add_any({.remote = "name"}).code, 402);
  EXPECT_EQ(a.add_any({.client = "name"}).code, 402);
}

// IGD-040
TEST_F(AddAnyActions, OtherHostsAreNotTheCallersToOpen) {
  EXPECT_EQ(a.add_any({.client = kHostB.to_string()}).code, 606);
  EXPECT_EQ(a.add_any({.external = 0, .client = kHostB.to_string()}).code, 606);
  EXPECT_EQ(house.mappings(), 0u);
}

}  // namespace
}  // namespace postern::upnp
