#include <gtest/gtest.h>

#include "tests/upnp/action_house.h"

// DeletePortMapping and DeletePortMappingRange.
namespace postern::upnp {
namespace {

using namespace test;

class DeleteActions : public testing::Test {
 protected:
  /// Adds a mapping with equal ports.
  static void add(Client& client, int port, const std::string& protocol = "TCP") {
    ASSERT_EQ(client.add({.external = port, .protocol = protocol, .internal = port}).code, 0);
  }

  ActionHouse house;
  Client a1{house, kHostA, 1};
  Client a2{house, kHostA, 2};
  Client b1{house, kHostB, 1};
  Client b2{house, kHostB, 2};
};

// IGD-100
TEST_F(DeleteActions, OnceAndNotTwice) {
  add(a1, 7000);
  EXPECT_EQ(a1.erase(7000), Answer{});
  EXPECT_EQ(house.mappings(), 0u);
  EXPECT_EQ(a1.erase(7000).code, 714);
  EXPECT_EQ(a2.erase(7000).code, 714);
}

// IGD-100
TEST_F(DeleteActions, TheKeyMustBeExact) {
  ASSERT_EQ(a1.add({.remote = "203.0.113.5"}).code, 0);
  EXPECT_EQ(a1.erase(7000).code, 714);
  EXPECT_EQ(a1.erase(7000, "TCP", "203.0.113.6").code, 714);
  EXPECT_EQ(a1.erase(7000, "UDP", "203.0.113.5").code, 714);
  EXPECT_EQ(a1.erase(7001, "TCP", "203.0.113.5").code, 714);
  EXPECT_EQ(a1.erase(7000, "TCP", "name").code, 402);
  EXPECT_EQ(a1.erase(7000, "TCP", "203.0.113.5").code, 0);
}

// IGD-101, Q-21, Q-22
TEST_F(DeleteActions, NoRemoteHostIsAny) {
  add(a1, 7000);
  EXPECT_EQ(
      a1.call("DeletePortMapping", element("NewExternalPort", 7000) + element("NewProtocol", "TCP"))
          .code,
      0);
  add(a1, 7000);
  EXPECT_EQ(a1.erase(7000, "tcp", "*").code, 0);
}

// IGD-042, IGD-048
TEST_F(DeleteActions, OthersAreNotTheCallersToDelete) {
  add(a1, 7000);
  EXPECT_EQ(b1.erase(7000).code, 714);
  EXPECT_EQ(b2.erase(7000).code, 606);
  EXPECT_EQ(house.mappings(), 1u);
}

// IGD-102
TEST_F(DeleteActions, NeitherAreThoseOfOtherProtocols) {
  house.map("natpmp", kHostA, 6000, 7000);
  house.map("pcp", kHostA, 6001, 7001);
  for (const int port : {7000, 7001}) {
    EXPECT_EQ(a1.erase(port).code, 714);
    EXPECT_EQ(a2.erase(port).code, 606);
  }
  EXPECT_EQ(house.mappings(), 2u);
}

// IGD-102, Q-85, PCP-203
TEST_F(DeleteActions, OfSeveralClaimsOnlyUpnpsGoes) {
  house.map("natpmp", kHostA, 6000, 7000);
  ASSERT_EQ(a1.add().code, 0);
  EXPECT_EQ(a1.erase().code, 0);
  ASSERT_EQ(house.find(7000)->claims.size(), 1u);
  EXPECT_EQ(house.find(7000)->claims.at(0).claimant.frontend, "natpmp");
  EXPECT_EQ(a1.erase().code, 714);
}

TEST_F(DeleteActions, WhatAnEarlierRunLeftIsTheHosts) {
  const TimedDoor left{Forward4{Protocol::tcp, {kWan, 7000}, {kHostA, 6000}},
                       house.now + Seconds(60)};
  house.state.table.adopt({&left, 1}, house.now);
  house.stand();
  EXPECT_EQ(b1.erase().code, 714);
  EXPECT_EQ(a1.erase().code, 0);
  EXPECT_EQ(house.mappings(), 0u);
  house.state.table.adopt({&left, 1}, house.now);
  house.stand();
  EXPECT_EQ(b2.erase_range(7000, 7000).code, 730);
  EXPECT_EQ(a2.erase_range(7000, 7000).code, 0);
}

// IGD-029
TEST_F(DeleteActions, ARefusalOfTheFirewallChangesNothing) {
  add(a1, 7000);
  house.state.table.refuse_all();
  EXPECT_EQ(a1.erase(7000).code, 501);
  EXPECT_EQ(house.mappings(), 1u);
}

// IGD-103
TEST_F(DeleteActions, ARangeIsClosed) {
  for (const int port : {6999, 7000, 7005, 7010, 7011}) add(a2, port);
  add(a2, 7005, "UDP");
  EXPECT_EQ(a2.erase_range(7000, 7010), Answer{});
  EXPECT_EQ(house.mappings(), 3u);
  EXPECT_TRUE(house.find(6999));
  EXPECT_TRUE(house.find(7011));
  EXPECT_TRUE(house.find(7005, Protocol::udp));
}

// IGD-103
TEST_F(DeleteActions, ARangeOfNothing) {
  EXPECT_EQ(a2.erase_range(7001, 7000).code, 733);
  EXPECT_EQ(a2.erase_range(7000, 7001).code, 730);
  EXPECT_EQ(a2.erase_range(0, 65535).code, 730);
}

// IGD-044, IGD-103, IGD-104
TEST_F(DeleteActions, ARangeLeavesOthersAlone) {
  add(a2, 7000);
  add(b2, 7001);
  house.map("pcp", kHostA, 6002, 7002);
  EXPECT_EQ(b2.erase_range(7002, 7010, "TCP", true).code, 730);
  EXPECT_EQ(a2.erase_range(7001, 7010, "TCP", true).code, 730);
  EXPECT_EQ(a2.erase_range(7000, 7010, "TCP", true).code, 0);
  EXPECT_FALSE(house.find(7000));
  EXPECT_TRUE(house.find(7001));
  EXPECT_TRUE(house.find(7002));
}

// IGD-103, IGD-029
TEST_F(DeleteActions, ARangeGoesAsAWholeOrNotAtAll) {
  for (const int port : {7000, 7001, 7002}) add(a2, port);
  const auto before = house.open();
  house.state.table.refuse({DoorKey::Kind::forward4, Protocol::tcp, {kWan, 7002}});
  EXPECT_EQ(a2.erase_range(7000, 7010).code, 501);
  EXPECT_EQ(house.mappings(), 3u);
  EXPECT_TRUE(house.state.table.is_consistent());
  EXPECT_EQ(a2.erase_range(7000, 7010).code, 0);
  EXPECT_EQ(house.mappings(), 0u);
}

}  // namespace
}  // namespace postern::upnp
