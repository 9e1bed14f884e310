#include <gtest/gtest.h>

#include "tests/upnp/action_house.h"

// Whom a caller may open, over IPv4.
namespace postern::upnp {
namespace {

using namespace test;

class InsideActions : public testing::Test {
 protected:
  ActionHouse house;
  Client v1{house, kHostA, 1};
  Client v2{house, kHostA, 2};
};

// IGD-040, IGD-048
TEST_F(InsideActions, OthersAreRefused) {
  EXPECT_EQ(v1.add({.client = kHostB.to_string()}).code, 718);
  EXPECT_EQ(v2.add({.client = kHostB.to_string()}).code, 606);
  EXPECT_EQ(house.mappings(), 0u);
}

// IGD-069, Q-20
TEST_F(InsideActions, NobodyIsTheCaller) {
  ASSERT_EQ(v1.add({.client = ""}).code, 0);
  EXPECT_EQ(house.find(7000)->internal.address, kHostA);
  house.settings.fills_empty_client = false;
  EXPECT_EQ(v1.add({.client = ""}).code, 715);
  EXPECT_EQ(v2.add({.client = "  "}).code, 715);
}

// IGD-069
TEST_F(InsideActions, AnyHostIsNone) {
  EXPECT_EQ(v1.add({.client = "*"}).code, 715);
  EXPECT_EQ(v2.add({.client = "*"}).code, 715);
}

// IGD-045
TEST_F(InsideActions, NamesAreNotLookedUp) {
  for (const auto* name : {"console", "console.lan", "192.168.1", "192.168.1.10:80",
                           "2001:db8:77::a", "192.168.1.10.example"}) {
    EXPECT_EQ(v1.add({.client = name}).code, 402) << name;
    EXPECT_EQ(v2.add({.client = name}).code, 402) << name;
  }
}

// IGD-046, Q-28
TEST_F(InsideActions, WhatIsNoHostOfTheLan) {
  for (const auto& address : {kGateway, kWan, Address::v4(0), Address::v4({127, 0, 0, 1}),
                              Address::v4({224, 0, 0, 1}), Address::v4({255, 255, 255, 255}),
                              Address::v4({192, 168, 1, 255}), Address::v4({198, 51, 100, 8})}) {
    EXPECT_EQ(v1.add({.client = address.to_string()}).code, 402) << address.to_string();
    EXPECT_EQ(v2.add({.client = address.to_string()}).code, 606) << address.to_string();
  }
}

// IGD-046
TEST(InsideActionsRules, NorWithARuleThatPermitsOthers) {
  Rule rule = default_rule();
  rule.for_others = true;
  ActionHouse house({}, {rule});
  Client v2(house, kHostA);
  EXPECT_EQ(v2.add({.client = kGateway.to_string()}).code, 606);
  EXPECT_EQ(v2.add({.client = "192.168.1.255"}).code, 606);
}

// IGD-040
TEST(InsideActionsRules, ARuleMayPermitOthers) {
  Rule rule = default_rule();
  rule.lan_clients = false;
  rule.client_prefixes = {Prefix::of(kHostA)};
  rule.for_others = true;
  ActionHouse house({}, {rule, default_rule()});
  Client controller(house, kHostA);
  Client b(house, kHostB);
  Client c(house, kHostC);
  ASSERT_EQ(controller.add({.client = kHostC.to_string()}).code, 0);
  EXPECT_EQ(house.find(7000)->internal.address, kHostC);
  EXPECT_EQ(house.find(7000)->claims.at(0).claimant.client, kHostA);
  EXPECT_EQ(b.add({.external = 7001, .client = kHostC.to_string()}).code, 606);
  // It is the controller's to delete.
  EXPECT_EQ(c.erase().code, 606);
  EXPECT_EQ(controller.erase().code, 0);
}

// IGD-046
TEST(InsideActionsRules, AHostBehindARouterMayBeListed) {
  const Address routed = Address::v4({10, 0, 0, 5});
  Rule rule = default_rule();
  rule.client_prefixes = {Prefix::of(routed)};
  ActionHouse house({}, {rule});
  Client client(house, routed);
  EXPECT_EQ(client.add().code, 0);
  EXPECT_EQ(client.add({.external = 7001, .client = "10.0.0.6"}).code, 606);
  Client neighbour(house, kHostA, 1);
  EXPECT_EQ(neighbour.add({.external = 7002, .client = "10.0.0.6"}).code, 402);
}

// IGD-047, Q-65, Q-90
TEST_F(InsideActions, OverIpv6ANeighbourMayBeTheSameHost) {
  Client over6v1(house, kHostA6, 1);
  Client over6v2(house, kHostA6, 2);
  const auto a = kHostA.to_string();
  EXPECT_EQ(over6v1.add({.client = a}).code, 718);
  EXPECT_EQ(over6v2.add({.client = a}).code, 606);
  EXPECT_EQ(over6v2.add({.client = ""}).code, 715);
  house.neighbours.link(kHostA6, kHostA);
  ASSERT_EQ(over6v2.add({.client = a}).code, 0);
  EXPECT_EQ(house.find(7000)->internal.address, kHostA);
  EXPECT_EQ(over6v2.add({.external = 7001, .client = kHostB.to_string()}).code, 606);
  // What one address asked for is the other's as well.
  EXPECT_EQ(v1.add({.description = "over IPv4"}).code, 0);
  EXPECT_EQ(house.find(7000)->claims.size(), 1u);
  EXPECT_EQ(over6v2.erase().code, 0);
}

// IGD-047
TEST_F(InsideActions, UnlessTheAdministratorSaysNo) {
  house.settings.links_neighbours = false;
  house.neighbours.link(kHostA6, kHostA);
  Client over6(house, kHostA6);
  EXPECT_EQ(over6.add({.client = kHostA.to_string()}).code, 606);
  ASSERT_EQ(v2.add().code, 0);
  EXPECT_EQ(over6.erase().code, 606);
}

// IGD-047
TEST_F(InsideActions, OneHostMayHaveTwoIpv4Addresses) {
  house.neighbours.link(kHostA, kHostB);
  ASSERT_EQ(v2.add({.client = kHostB.to_string()}).code, 0);
  EXPECT_EQ(house.find(7000)->claims.at(0).claimant.client, kHostB);
}

}  // namespace
}  // namespace postern::upnp
