#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pugixml.hpp>

#include "protocols/upnp/port_listing.h"
#include "tests/upnp/action_house.h"

// What clients are shown of the mappings.
namespace postern::upnp {
namespace {

using namespace test;
using testing::ElementsAre;

class ReadActions : public testing::Test {
 protected:
  /// The external ports that a client sees that asks from 0 until an error comes.
  [[nodiscard]] static std::vector<std::uint32_t> walk(Client& client) {
    std::vector<std::uint32_t> ports;
    for (int i = 0;; ++i) {
      const auto answer = client.generic(i);
      if (answer.code != 0) {
        EXPECT_EQ(answer.code, 713);
        return ports;
      }
      ports.push_back(answer.number(1));
    }
  }

  /// Of NewPortListing.
  [[nodiscard]] static std::vector<std::string> listed_ports(const Answer& answer) {
    pugi::xml_document document;
    EXPECT_TRUE(document.load_string(answer.text(0).c_str()));
    std::vector<std::string> ports;
    for (const auto entry : document.child("p:PortMappingList")) {
      ports.emplace_back(entry.child_value("p:NewExternalPort"));
    }
    return ports;
  }

  ActionHouse house;
  Client a1{house, kHostA, 1};
  Client a{house, kHostA};
  Client b{house, kHostB};
};

// IGD-105, IGD-024
TEST_F(ReadActions, AnEntryByItsPlace) {
  ASSERT_EQ(a.add({.remote = "203.0.113.5",
                   .external = 7000,
                   .protocol = "udp",
                   .internal = 6000,
                   .is_enabled = false,
                   .description = "chess",
                   .lease = 600})
                .code,
            0);
  EXPECT_EQ(b.generic(0), (Answer{0,
                                  {std::string("203.0.113.5"), std::uint32_t{7000},
                                   std::string("UDP"), std::uint32_t{6000}, kHostA.to_string(),
                                   false, std::string("chess"), std::uint32_t{600}}}));
}

// IGD-107
TEST_F(ReadActions, AnEntryByItsKey) {
  ASSERT_EQ(a.add({.description = "chess", .lease = 600}).code, 0);
  EXPECT_EQ(b.specific(), (Answer{0,
                                  {std::uint32_t{6000}, kHostA.to_string(), true,
                                   std::string("chess"), std::uint32_t{600}}}));
}

// IGD-107, Q-31
TEST_F(ReadActions, TheKeyMustBeExact) {
  EXPECT_EQ(a1.specific(7000).code, 714);
  ASSERT_EQ(a.add({.remote = "203.0.113.5", .external = 7000}).code, 0);
  ASSERT_EQ(a.add({.external = 7001, .internal = 6001}).code, 0);
  EXPECT_EQ(a.specific(7000).code, 714);
  EXPECT_EQ(a.specific(7000, "TCP", "203.0.113.5").code, 0);
  EXPECT_EQ(a.specific(7001, "TCP", "203.0.113.5").code, 714);
  EXPECT_EQ(a.specific(7001, "TCP", "*").code, 0);
  EXPECT_EQ(a.specific(7001, "UDP").code, 714);
  EXPECT_EQ(a.specific(7001, "TCP", "name").code, 402);
}

// IGD-105, IGD-106, Q-30
TEST_F(ReadActions, TheListIsInTheOrderOfCreation) {
  EXPECT_THAT(walk(a), ElementsAre());
  ASSERT_EQ(a.add({.external = 7002, .internal = 1}).code, 606);
  ASSERT_EQ(a.add({.external = 7002}).code, 0);
  house.map("pcp", kHostB, 6000, 7000);
  ASSERT_EQ(a.add({.external = 7001, .internal = 6001}).code, 0);
  ASSERT_EQ(a.add({.external = 7002, .description = "again"}).code, 0);
  EXPECT_THAT(walk(a1), ElementsAre(7002, 7000, 7001));
  ASSERT_EQ(a.erase(7002).code, 0);
  EXPECT_THAT(walk(b), ElementsAre(7000, 7001));
}

// IGD-106
TEST(ReadActionsMany, AWalkGivesEachOnce) {
  Limits limits;
  limits.mappings_per_client = 1000;
  ActionHouse house(limits);
  Client a(house, kHostA);
  house.fill(kHostA, 1000);
  for (int i = 0; i < 1000; ++i) {
    EXPECT_EQ(a.generic(i).number(1), static_cast<std::uint32_t>(2000 + i));
  }
  EXPECT_EQ(a.generic(1000).code, 713);
  EXPECT_EQ(a.generic(65535).code, 713);
}

// IGD-105: neither pinholes nor what is only there for one remote peer.
TEST_F(ReadActions, WhatIsNoPortMapping) {
  const Endpoint peer{Address::v4({203, 0, 113, 5}), 80};
  ASSERT_TRUE(house.state.table.request(
      {{"pcp", kHostA, peer}, Protocol::tcp, {kHostA, 6000}, 7000, Seconds(600)}, house.now));
  ASSERT_TRUE(house.state.table.request(
      {{"pcp", kHostA6}, Protocol::tcp, {kHostA6, 6001}, 0, Seconds(600)}, house.now));
  house.stand();
  EXPECT_THAT(walk(a), ElementsAre());
  EXPECT_EQ(a.specific(7000).code, 714);
  EXPECT_EQ(a.erase(7000).code, 714);
  EXPECT_EQ(a.list(0, 65535).code, 730);
}

// IGD-043
TEST_F(ReadActions, OnlyOwnEntriesWhereTheAdministratorWantsThat) {
  ASSERT_EQ(a.add({.external = 7000}).code, 0);
  ASSERT_EQ(b.add({.external = 7001}).code, 0);
  ASSERT_EQ(a.add({.external = 7002, .internal = 6002}).code, 0);
  EXPECT_THAT(walk(a), ElementsAre(7000, 7001, 7002));
  house.settings.lists_all = false;
  EXPECT_THAT(walk(a), ElementsAre(7000, 7002));
  EXPECT_THAT(walk(b), ElementsAre(7001));
  EXPECT_EQ(a.specific(7001).code, 606);
  EXPECT_EQ(a1.specific(7001).code, 714);
  EXPECT_EQ(a.specific(7002).code, 0);
  EXPECT_THAT(listed_ports(a.list(0, 65535)), ElementsAre("7000", "7002"));
  EXPECT_EQ(a.list(7001, 7001).code, 730);
  // One host may look over IPv6 at what it has over IPv4.
  Client over6(house, kHostA6);
  EXPECT_EQ(over6.specific(7002).code, 606);
  house.neighbours.link(kHostA6, kHostA);
  EXPECT_EQ(over6.specific(7002).code, 0);
}

// IGD-108
TEST_F(ReadActions, AListOfARange) {
  for (const int port : {7004, 7000, 7002}) {
    ASSERT_EQ(a.add({.external = port, .internal = port}).code, 0);
  }
  ASSERT_EQ(a.add({.external = 7001, .protocol = "UDP"}).code, 0);
  EXPECT_THAT(listed_ports(b.list(7000, 7004)), ElementsAre("7000", "7002", "7004"));
  EXPECT_THAT(listed_ports(b.list(7001, 7003)), ElementsAre("7002"));
  EXPECT_THAT(listed_ports(b.list(0, 65535, "UDP")), ElementsAre("7001"));
  EXPECT_THAT(listed_ports(b.list(0, 65535, "TCP", 2)), ElementsAre("7000", "7002"));
  EXPECT_THAT(listed_ports(b.list(0, 65535, "TCP", 9)), testing::SizeIs(3));
  EXPECT_EQ(b.list(7001, 7000).code, 733);
  EXPECT_EQ(b.list(7001, 7001).code, 730);
}

// IGD-109, IGD-025
TEST_F(ReadActions, AListIsADocumentOfItsOwn) {
  ASSERT_EQ(a.add({.remote = "203.0.113.5",
                   .is_enabled = false,
                   .description = "a&lt;b&gt;&amp;\"c",
                   .lease = 600})
                .code,
            0);
  const auto listing = b.list(7000, 7000).text(0);
  EXPECT_THAT(listing, testing::HasSubstr("xmlns:p=\"urn:schemas-upnp-org:gw:WANIPConnection\""));
  pugi::xml_document document;
  ASSERT_TRUE(document.load_string(listing.c_str()));
  std::vector<std::pair<std::string, std::string>> values;
  for (const auto value : document.child("p:PortMappingList").child("p:PortMappingEntry")) {
    values.emplace_back(value.name(), value.child_value());
  }
  using testing::Pair;
  EXPECT_THAT(
      values,
      ElementsAre(Pair("p:NewRemoteHost", "203.0.113.5"), Pair("p:NewExternalPort", "7000"),
                  Pair("p:NewProtocol", "TCP"), Pair("p:NewInternalPort", "6000"),
                  Pair("p:NewInternalClient", kHostA.to_string()), Pair("p:NewEnabled", "0"),
                  Pair("p:NewDescription", "a<b>&\"c"), Pair("p:NewLeaseTime", "600")));
}

// IGD-109: bounded, and whoever wants the rest asks from there.
TEST(ReadActionsMany, AListIsBounded) {
  Limits limits;
  limits.mappings_per_client = 2000;
  ActionHouse house(limits);
  Client a(house, kHostA);
  house.fill(kHostA, 2000, std::string(256, '"'));
  const auto listing = a.list(0, 65535).text(0);
  EXPECT_GT(listing.size(), kLongestListing);
  EXPECT_LT(listing.size(), kLongestListing + 4096);
}

// IGD-105: what other protocols made is shown under their names.
TEST_F(ReadActions, MappingsOfOtherProtocols) {
  house.map("natpmp", kHostA, 6000, 7000);
  house.map("pcp", kHostA, 6001, 7001);
  const RemoteFilters two{{Prefix::of(Address::v4({203, 0, 113, 5}))},
                          {Prefix::of(Address::v4({203, 0, 113, 6}))}};
  house.map("pcp", kHostA, 6002, 7002, Protocol::tcp, two);
  const TimedDoor left{Forward4{Protocol::tcp, {kWan, 7003}, {kHostA, 6003}},
                       house.now + Seconds(60)};
  house.state.table.adopt({&left, 1}, house.now);
  MapRequest named{{"pcp", kHostA}, Protocol::tcp, {kHostA, 6004}, 7004, Seconds(60)};
  named.description = "mail\x1b[2J\n";
  named.nonce = Nonce{{1, 2, 3}};
  ASSERT_TRUE(house.state.table.request(named, house.now));
  house.stand();
  EXPECT_EQ(a.specific(7000).text(3), "NAT-PMP");
  EXPECT_EQ(a.specific(7001).text(3), "PCP");
  EXPECT_EQ(a.specific(7003).text(3), "recovered");
  EXPECT_EQ(a.specific(7004).text(3), "mail [2J ");
  // No RemoteHost can say that.
  EXPECT_EQ(a.specific(7002).code, 0);
  EXPECT_EQ(a.generic(2).text(0), "");
  const RemoteFilters network{{*Prefix::parse("203.0.113.0/24")}};
  house.map("pcp", kHostA, 6005, 7005, Protocol::tcp, network);
  EXPECT_EQ(a.specific(7005).code, 0);
}

// IGD-105: an entry that UPnP asked for, too, has the name that UPnP was told.
TEST_F(ReadActions, SharedMappings) {
  MapRequest named{{"pcp", kHostA}, Protocol::tcp, {kHostA, 6000}, 7000, Seconds(60)};
  named.description = "by PCP";
  ASSERT_TRUE(house.state.table.request(named, house.now));
  ASSERT_EQ(a.add({.is_enabled = false, .description = "", .lease = 30}).code, 0);
  const auto entry = a.specific();
  EXPECT_EQ(entry.text(3), "");
  // It lives, and works, for PCP's sake.
  EXPECT_TRUE(entry.flag(2));
  EXPECT_EQ(entry.number(4), 60u);
  ASSERT_EQ(a1.add({.lease = 0}).code, 0);
  EXPECT_EQ(a.specific().number(4), 0u);
}

}  // namespace
}  // namespace postern::upnp
