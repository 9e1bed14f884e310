#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/upnp/action_house.h"

// AddPortMapping: what it creates, overwrites and refuses.
namespace postern::upnp {
namespace {

using namespace test;

constexpr Address kPeer = Address::v4({203, 0, 113, 5});

class AddActions : public testing::Test {
 protected:
  ActionHouse house;
  Client a1{house, kHostA, 1};
  Client a2{house, kHostA, 2};
  Client b1{house, kHostB, 1};
  Client b2{house, kHostB, 2};
};

// IGD-060, IGD-070, IGD-077
TEST_F(AddActions, OpensTheDoors) {
  EXPECT_EQ(a2.add({.external = 8080, .internal = 8081}), Answer{});
  const Endpoint internal{kHostA, 8081};
  const Endpoint external{kWan, 8080};
  const Moment ends = kStart + Seconds(3600);
  EXPECT_THAT(house.open(), testing::UnorderedElementsAre(
                                TimedDoor{Forward4{Protocol::tcp, external, internal}, ends},
                                TimedDoor{Pin4{Protocol::tcp, internal}, ends},
                                TimedDoor{Outbound4{Protocol::tcp, internal, external}, ends}));
  const auto& claim = house.find(8080)->claims.at(0);
  EXPECT_EQ(claim.claimant, (Claimant{"upnp", kHostA}));
  EXPECT_EQ(claim.details->description, "a game");
}

// IGD-020, IGD-021, IGD-022
TEST_F(AddActions, BadArguments) {
  EXPECT_EQ(a2.call("AddPortMapping", element("NewExternalPort", 7000)).code, 402);
  EXPECT_EQ(a2.add({.protocol = "ICMP"}).code, 601);
  EXPECT_EQ(a2.add({.external = 65536}).code, 601);
  EXPECT_EQ(a2.add({.remote = "host.example"}).code, 402);  // IGD-075
  EXPECT_EQ(a2.add({.remote = "2001:db8::1"}).code, 402);
  EXPECT_EQ(house.mappings(), 0u);
}

// IGD-067
TEST_F(AddActions, NoInternalPort) {
  EXPECT_EQ(a1.add({.internal = 0}).code, 402);
  EXPECT_EQ(a2.add({.internal = 0}).code, 732);
}

// IGD-068
TEST_F(AddActions, NoExternalPort) {
  EXPECT_EQ(a1.add({.external = 0}).code, 716);
  EXPECT_EQ(a2.add({.external = 0}).code, 716);
}

// IGD-027
TEST_F(AddActions, ArgumentsBeforePolicyBeforeConflicts) {
  EXPECT_EQ(a2.add({.external = 0, .client = kHostB.to_string()}).code, 716);
  EXPECT_EQ(a2.add({.remote = "?", .client = kHostB.to_string()}).code, 402);
  ASSERT_EQ(b2.add().code, 0);
  EXPECT_EQ(a2.add({.client = kHostB.to_string()}).code, 606);
  EXPECT_EQ(a2.add({.internal = 80}).code, 606);
  EXPECT_EQ(a2.add().code, 718);
}

// IGD-027
TEST(AddActionsRules, WhatPolicyDeniesIsNoConflict) {
  Rule low = default_rule();
  low.lan_clients = false;
  low.client_prefixes = {Prefix::of(kHostB)};
  low.external_ports = PortSet({{80, 80}});
  ActionHouse house({}, {low, default_rule()});
  Client a(house, kHostA);
  Client b(house, kHostB);
  ASSERT_EQ(b.add({.external = 80}).code, 0);
  EXPECT_EQ(a.add({.external = 80}).code, 606);
}

// IGD-041, Q-25
TEST_F(AddActions, LowPortsAreNotForEverybody) {
  for (const int port : {1, 80, 1023}) {
    EXPECT_EQ(a1.add({.external = port}).code, 718) << port;
    EXPECT_EQ(a2.add({.external = port}).code, 606) << port;
    EXPECT_EQ(a1.add({.internal = port}).code, 718) << port;
    EXPECT_EQ(a2.add({.internal = port}).code, 606) << port;
  }
  EXPECT_EQ(a2.add({.external = 1024, .internal = 1024}).code, 0);
}

// IGD-061, Q-06
TEST_F(AddActions, TheSameAgainOverwrites) {
  ASSERT_EQ(a1.add({.description = "old", .lease = 600}).code, 0);
  const MappingId id = house.find(7000)->id;
  house.pass(Seconds(100));
  ASSERT_EQ(a2.add({.is_enabled = false, .description = "new", .lease = 900}).code, 0);
  EXPECT_EQ(house.mappings(), 1u);
  EXPECT_EQ(house.find(7000)->id, id);
  const auto entry = a2.specific();
  EXPECT_FALSE(entry.flag(2));
  EXPECT_EQ(entry.text(3), "new");
  EXPECT_EQ(entry.number(4), 900u);
}

// IGD-061, Q-29
TEST_F(AddActions, AnotherInternalPortOverwrites) {
  ASSERT_EQ(a1.add({.internal = 6000}).code, 0);
  const MappingId id = house.find(7000)->id;
  ASSERT_EQ(a1.add({.internal = 6001}).code, 0);
  EXPECT_EQ(house.mappings(), 1u);
  EXPECT_EQ(house.find(7000)->id, id);
  EXPECT_EQ(house.find(7000)->internal, (Endpoint{kHostA, 6001}));
}

// IGD-061
TEST_F(AddActions, DoesNotLeadAnotherProtocolsMappingElsewhere) {
  house.map("natpmp", kHostA, 6000, 7000);
  EXPECT_EQ(a1.add({.internal = 6001}).code, 718);
  EXPECT_EQ(a2.add({.internal = 6001}).code, 729);
  ASSERT_EQ(a2.add({.internal = 6000}).code, 0);
  EXPECT_EQ(a2.add({.internal = 6001}).code, 718);
  EXPECT_EQ(house.find(7000)->internal.port, 6000);
}

// IGD-062, Q-37, Q-38
TEST_F(AddActions, AnotherClientsPortIsNeverStolen) {
  ASSERT_EQ(a1.add({.remote = kPeer.to_string()}).code, 0);
  for (const auto& remote : {std::string(), kPeer.to_string(), std::string("192.0.2.1")}) {
    EXPECT_EQ(b1.add({.remote = remote}).code, 718);
    EXPECT_EQ(b2.add({.remote = remote}).code, 718);
  }
  EXPECT_EQ(house.find(7000)->internal.address, kHostA);
}

// IGD-063
TEST_F(AddActions, AnotherRemoteHostConflicts) {
  ASSERT_EQ(a1.add({.remote = kPeer.to_string()}).code, 0);
  EXPECT_EQ(a1.add().code, 718);
  EXPECT_EQ(a2.add({.remote = "192.0.2.1"}).code, 718);
  EXPECT_EQ(a2.add({.remote = kPeer.to_string(), .description = "same"}).code, 0);
  ASSERT_EQ(a1.add({.external = 7001, .internal = 6001}).code, 0);
  EXPECT_EQ(a1.add({.remote = kPeer.to_string(), .external = 7001, .internal = 6001}).code, 718);
}

// IGD-064, Q-36
TEST_F(AddActions, OtherProtocolsAndPortsAreIndependent) {
  EXPECT_EQ(a1.add({.external = 3074, .protocol = "UDP", .internal = 3074}).code, 0);
  EXPECT_EQ(a1.add({.external = 3074, .protocol = "TCP", .internal = 3074}).code, 0);
  EXPECT_EQ(b1.add({.external = 3075, .protocol = "udp", .internal = 3074}).code, 0);
  EXPECT_EQ(a1.add({.external = 4000, .protocol = "UDP", .internal = 3074}).code, 0);
  EXPECT_EQ(house.mappings(), 4u);
}

// IGD-065, NPMP-40
TEST_F(AddActions, PortsThatOtherMechanismsHave) {
  house.map("pcp", kHostB, 6000, 5001);
  house.map("natpmp", kHostB, 6001, 5002, Protocol::udp);
  OccupiedPorts occupied;
  occupied.tcp = PortSet({{5003, 5003}});
  house.state.table.set_occupied_ports(occupied);
  // PCP's, the companion of NAT-PMP's, a service's and the gateway's own.
  for (const int port : {5001, 5002, 5003, 5351}) {
    EXPECT_EQ(a1.add({.external = port}).code, 718) << port;
    EXPECT_EQ(a2.add({.external = port}).code, 729) << port;
  }
  EXPECT_EQ(house.find(5001)->internal.address, kHostB);
}

// IGD-066, PCP-197, PCP-200
TEST_F(AddActions, JoinsTheClientsOwnMappingOfAnotherProtocol) {
  const MappingId id = house.map("pcp", kHostA, 6000, 7000);
  ASSERT_EQ(a2.add().code, 0);
  EXPECT_EQ(house.mappings(), 1u);
  EXPECT_EQ(house.find(7000)->id, id);
  EXPECT_EQ(house.find(7000)->claims.size(), 2u);
}

// IGD-066
TEST_F(AddActions, LeavesThePeersOfPcpAlone) {
  const RemoteFilters two{{Prefix::of(kPeer)}, {Prefix::of(Address::v4({192, 0, 2, 1}))}};
  house.map("pcp", kHostA, 6000, 7000, Protocol::tcp, two);
  EXPECT_EQ(a1.add().code, 718);
  EXPECT_EQ(a2.add({.remote = kPeer.to_string()}).code, 729);
  EXPECT_EQ(house.find(7000)->filters.size(), 2u);
}

// IGD-066
TEST_F(AddActions, JoinsWhatIsThereForOnePeer) {
  const Endpoint remote{kPeer, 80};
  ASSERT_TRUE(house.state.table.request(
      {{"pcp", kHostA, remote}, Protocol::tcp, {kHostA, 6000}, 7000, Seconds(600)}, house.now));
  house.stand();
  EXPECT_EQ(a1.add({.remote = "192.0.2.1"}).code, 0);
  EXPECT_EQ(house.mappings(), 1u);
  EXPECT_EQ(a1.specific(7000, "TCP", "192.0.2.1").code, 0);
}

//
TEST_F(AddActions, OneInsideMayHaveSeveralPorts) {
  house.map("natpmp", kHostA, 6000, 7001);
  ASSERT_EQ(a1.add({.external = 7000, .internal = 6000}).code, 0);
  EXPECT_EQ(house.mappings(), 2u);
  EXPECT_EQ(house.find(7000)->internal, house.find(7001)->internal);
}

// IGD-071, IGD-105, Q-24, Q-26
TEST_F(AddActions, LeasesOfVersion2) {
  for (const auto& [asked, granted] : std::vector<std::pair<std::uint32_t, std::uint32_t>>{
           {0, 604800}, {1, 1}, {604800, 604800}, {604801, 604800}, {2592000, 604800}}) {
    ASSERT_EQ(a2.add({.lease = asked}).code, 0) << asked;
    EXPECT_EQ(a2.specific().number(4), granted) << asked;
  }
}

// IGD-072, Q-24
TEST_F(AddActions, LeasesOfVersion1) {
  ASSERT_EQ(a1.add({.lease = 60}).code, 0);
  EXPECT_EQ(a1.specific().number(4), 60u);
  ASSERT_EQ(a1.add({.lease = 0}).code, 0);
  EXPECT_EQ(a1.specific().number(4), 0u);
  // Longer than any: Limits::max_lease.
  house.pass(Seconds(1000000));
  ASSERT_EQ(a1.specific().number(4), 0u);
  for (const std::uint32_t swapped : {538705920u, 0x7fffffffu, 0xffffffffu}) {
    ASSERT_EQ(a1.add({.lease = swapped}).code, 0);
    EXPECT_EQ(a1.specific().number(4), 604800u);
  }
}

// IGD-072
TEST(AddActionsLease, IsBoundedByTheAdministrator) {
  Limits limits;
  limits.max_lease = Seconds(7200);
  ActionHouse house(limits);
  Client v1(house, kHostA, 1);
  Client v2(house, kHostA, 2);
  ASSERT_EQ(v1.add({.lease = 86400}).code, 0);
  EXPECT_EQ(v1.specific().number(4), 7200u);
  ASSERT_EQ(v2.add({.lease = 0}).code, 0);
  EXPECT_EQ(v2.specific().number(4), 7200u);
}

// IGD-071, IGD-072
TEST(AddActionsLease, IsAWeekAtMostInVersion2) {
  constexpr std::uint32_t kMonth = 2592000;
  Limits limits;
  limits.max_lease = Seconds(kMonth);
  ActionHouse house(limits);
  Client v1(house, kHostA, 1);
  Client v2(house, kHostA, 2);
  ASSERT_EQ(v1.add({.lease = kMonth}).code, 0);
  EXPECT_EQ(v1.specific().number(4), kMonth);
  ASSERT_EQ(v2.add({.lease = kMonth}).code, 0);
  EXPECT_EQ(v2.specific().number(4), 604800u);
}

// IGD-073
TEST_F(AddActions, LeasesCountDownToTheEnd) {
  ASSERT_EQ(a2.add({.is_enabled = false, .lease = 1500}).code, 0);
  house.pass(Seconds(500));
  EXPECT_EQ(a2.specific().number(4), 1000u);
  house.now += Milliseconds(999'999);
  EXPECT_EQ(a2.specific().number(4), 1u);
  house.pass(Seconds(1));
  EXPECT_EQ(a2.specific().code, 714);
  EXPECT_EQ(house.mappings(), 0u);
}

//
TEST_F(AddActions, AnExpiredPortIsFreeAtOnce) {
  ASSERT_EQ(a1.add({.lease = 60}).code, 0);
  ASSERT_EQ(b1.add().code, 718);
  house.pass(Seconds(60));
  EXPECT_EQ(b1.add().code, 0);
}

// IGD-074
TEST_F(AddActions, RemoteHostsAreTheOnlyOnesLetIn) {
  ASSERT_EQ(a1.add({.remote = kPeer.to_string()}).code, 0);
  const RemoteFilters only{{Prefix::of(kPeer)}};
  EXPECT_EQ(std::get<Forward4>(house.open().at(0).door).filters, only);
}

//
TEST_F(AddActions, NamesForAnyRemoteHost) {
  for (const auto* any : {"*", "0.0.0.0", "::", "0", "  "}) {
    ASSERT_EQ(a1.add({.remote = any}).code, 0) << any;
    EXPECT_TRUE(house.find(7000)->filters.empty()) << any;
    EXPECT_EQ(a1.generic(0).text(0), "") << any;
  }
}

// IGD-076
TEST_F(AddActions, DisabledOnesHaveNoDoors) {
  ASSERT_EQ(a1.add({.is_enabled = false}).code, 0);
  EXPECT_TRUE(house.open().empty());
  EXPECT_FALSE(a1.specific().flag(2));
  ASSERT_EQ(a1.add({.is_enabled = true}).code, 0);
  EXPECT_EQ(house.open().size(), 3u);
  EXPECT_TRUE(a1.specific().flag(2));
}

// IGD-078
TEST_F(AddActions, LongDescriptionsAreCut) {
  ASSERT_EQ(a1.add({.description = std::string(1000, 'x')}).code, 0);
  EXPECT_EQ(a1.specific().text(3), std::string(256, 'x'));
}

// IGD-079
TEST_F(AddActions, NothingWithoutAnExternalAddress) {
  house.set_wan(std::nullopt);
  EXPECT_EQ(a1.add().code, 501);
  EXPECT_EQ(a2.add().code, 501);
  EXPECT_EQ(a2.add_any().code, 501);
}

// IGD-030
TEST(AddActionsLimits, NewOnesAreRefusedAndOldOnesRenewed) {
  Limits limits;
  limits.mappings_per_client = 2;
  limits.mappings = 3;
  ActionHouse house(limits);
  Client a1(house, kHostA, 1);
  Client a2(house, kHostA, 2);
  Client b2(house, kHostB, 2);
  ASSERT_EQ(a1.add({.external = 7000, .internal = 7000}).code, 0);
  ASSERT_EQ(a1.add({.external = 7001, .internal = 7001}).code, 0);
  EXPECT_EQ(a1.add({.external = 7002, .internal = 7002}).code, 501);
  EXPECT_EQ(a2.add({.external = 7002, .internal = 7002}).code, 728);
  EXPECT_EQ(a2.add_any({.external = 7002, .internal = 7002}).code, 728);
  EXPECT_EQ(a1.add({.external = 7001, .internal = 7001}).code, 0);
  ASSERT_EQ(b2.add({.external = 7003}).code, 0);
  EXPECT_EQ(b2.add({.external = 7004, .internal = 7004}).code, 728);
}

// IGD-029
TEST_F(AddActions, ARefusalOfTheFirewallChangesNothing) {
  ASSERT_EQ(a1.add({.description = "old"}).code, 0);
  house.state.table.refuse_all();
  EXPECT_EQ(a1.add({.internal = 6001}).code, 501);
  house.state.table.refuse_all();
  EXPECT_EQ(a2.add_any({.external = 7001, .internal = 6001}).code, 501);
  EXPECT_EQ(house.mappings(), 1u);
  EXPECT_EQ(a1.specific().text(3), "old");
}

// IGD-004
TEST_F(AddActions, ErrorsAreOfTheVersionThatWasCalled) {
  const Call v1_on_v2{View::igd2, ServiceId::wan_ip_connection, kIp1};
  ASSERT_EQ(b1.add().code, 0);
  const auto low = with(with(kAddArguments, "192.168.77.2", kHostA.to_string()), ">7000<", ">80<");
  EXPECT_EQ(house.call(kHostA, v1_on_v2, "AddPortMapping", low).code, 718);
  // Whoever calls this action knows version 2.
  const auto foreign = with(kAddArguments, "192.168.77.2", kHostC.to_string());
  EXPECT_EQ(house.call(kHostA, v1_on_v2, "AddAnyPortMapping", foreign).code, 606);
}

}  // namespace
}  // namespace postern::upnp
