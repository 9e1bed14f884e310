#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/upnp/action_house.h"

// WANIPv6FirewallControl.
namespace postern::upnp {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr Address kPeer =
    Address::v6({0x20, 0x01, 0x0d, 0xb8, 0x99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 5});
constexpr Address kOtherPeer =
    Address::v6({0x20, 0x01, 0x0d, 0xb8, 0x99, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6});

struct Hole {
  std::string remote = "";
  int remote_port = 0;
  std::string client = kHostA6.to_string();
  int port = 6000;
  std::string protocol = "17";
  std::uint32_t lease = 600;
};

class PinholeActions : public testing::Test {
 protected:
  static constexpr Call kCall{View::igd2, ServiceId::wan_ipv6_firewall_control, kFirewall};

  Answer call(std::string_view action, const std::string& arguments = "",
              const Address& caller = kHostA6) {
    return house.call(caller, kCall, action, arguments);
  }
  [[nodiscard]] static std::string ends_of(const Hole& hole) {
    return element("RemoteHost", hole.remote) + element("RemotePort", hole.remote_port) +
           element("InternalClient", hole.client) + element("InternalPort", hole.port) +
           element("Protocol", hole.protocol);
  }
  Answer add(const Hole& hole = {}, const Address& caller = kHostA6) {
    return call("AddPinhole", ends_of(hole) + element("LeaseTime", hole.lease), caller);
  }
  /// The UniqueID of one that must be granted.
  std::uint32_t id_of(const Hole& hole = {}) {
    const auto answer = add(hole);
    EXPECT_EQ(answer.code, 0);
    return answer.code == 0 ? answer.number(0) : 0;
  }
  Answer update(std::uint32_t id, std::uint32_t lease, const Address& caller = kHostA6) {
    return call("UpdatePinhole", element("UniqueID", id) + element("NewLeaseTime", lease), caller);
  }
  Answer erase(std::uint32_t id, const Address& caller = kHostA6) {
    return call("DeletePinhole", element("UniqueID", id), caller);
  }
  Answer packets(std::uint32_t id, const Address& caller = kHostA6) {
    return call("GetPinholePackets", element("UniqueID", id), caller);
  }
  Answer working(std::uint32_t id, const Address& caller = kHostA6) {
    return call("CheckPinholeWorking", element("UniqueID", id), caller);
  }

  /// Whom the only pinhole lets in; empty: everybody.
  [[nodiscard]] RemoteFilters admitted() const {
    const auto doors = house.open();
    EXPECT_EQ(doors.size(), 1u);
    return doors.empty() ? RemoteFilters() : std::get<Pinhole6>(doors[0].door).filters;
  }

  ActionHouse house;
};

[[nodiscard]] RemoteFilter all_of(const Address& host) {
  return {Prefix::of(host)};
}

// IGD-151
TEST_F(PinholeActions, Status) {
  EXPECT_EQ(call("GetFirewallStatus"), (Answer{0, {true, true}}));
}

// IGD-152, IGD-167, Q-06
TEST_F(PinholeActions, OpensExactlyThat) {
  EXPECT_EQ(add({.remote = kPeer.to_string(), .remote_port = 5000}).values.size(), 1u);
  EXPECT_THAT(house.open(),
              ElementsAre(TimedDoor{
                  Pinhole6{Protocol::udp, {kHostA6, 6000}, {{Prefix::of(kPeer), 5000, 5000}}},
                  kStart + Seconds(600)}));
}

// IGD-153
TEST_F(PinholeActions, Protocols) {
  EXPECT_EQ(add({.protocol = "6"}).code, 0);
  EXPECT_EQ(add({.protocol = "17"}).code, 0);
  EXPECT_EQ(add({.protocol = "65535"}).code, 707);
  EXPECT_EQ(add({.protocol = "136"}).code, 705);
  EXPECT_EQ(add({.protocol = "0"}).code, 705);
  EXPECT_EQ(add({.protocol = "TCP"}).code, 402);
  EXPECT_EQ(house.mappings(), 2u);
}

// IGD-154, Q-22
TEST_F(PinholeActions, AnyRemoteHost) {
  for (const auto* any : {"", "*", "::", "0", " "}) {
    ASSERT_EQ(add({.remote = any}).code, 0) << any;
    EXPECT_THAT(admitted(), IsEmpty()) << any;
  }
  EXPECT_EQ(house.state.table.find_by_internal(Protocol::udp, {kHostA6, 6000})->claims.size(), 1u);
}

// IGD-154
TEST_F(PinholeActions, RemotePortsAndHostsAreEachForThemselves) {
  ASSERT_EQ(add({.remote_port = 5000}).code, 0);
  EXPECT_THAT(admitted(), ElementsAre(RemoteFilter{Prefix(Address(), 0), 5000, 5000}));
  ASSERT_EQ(erase(1).code, 0);
  ASSERT_EQ(add({.remote = kPeer.to_string()}).code, 0);
  EXPECT_THAT(admitted(), ElementsAre(all_of(kPeer)));
}

// IGD-154, Q-94
TEST_F(PinholeActions, BadArguments) {
  EXPECT_EQ(add({.remote = "name"}).code, 402);
  EXPECT_EQ(add({.remote = "203.0.113.5"}).code, 402);
  EXPECT_EQ(add({.client = ""}).code, 708);
  EXPECT_EQ(add({.client = "*"}).code, 708);
  EXPECT_EQ(add({.client = "::"}).code, 708);
  EXPECT_EQ(add({.client = "name"}).code, 402);
  EXPECT_EQ(add({.client = kHostA.to_string()}).code, 402);
  EXPECT_EQ(add({.client = "fe80::a%eth0"}).code, 402);
  EXPECT_EQ(add({.port = 0}).code, 706);
  EXPECT_EQ(house.mappings(), 0u);
}

// IGD-155
TEST_F(PinholeActions, Leases) {
  EXPECT_EQ(add({.lease = 0}).code, 402);
  EXPECT_EQ(add({.lease = 86401}).code, 402);
  EXPECT_EQ(add({.lease = 1}).code, 0);
  EXPECT_EQ(add({.lease = 86400}).code, 0);
  EXPECT_EQ(house.open().at(0).ends, kStart + Seconds(86400));
}

// IGD-155
TEST(PinholeActionsLease, IsBoundedAsThoseOfUpnpAre) {
  Limits limits;
  limits.max_lifetime = Seconds(100);
  limits.max_lease = Seconds(300);
  ActionHouse house(limits);
  const Call how{View::igd2, ServiceId::wan_ipv6_firewall_control, kFirewall};
  const auto added = house.call(kHostA6, how, "AddPinhole",
                                element("RemoteHost", "") + element("RemotePort", 0) +
                                    element("InternalClient", kHostA6.to_string()) +
                                    element("InternalPort", 6000) + element("Protocol", 17) +
                                    element("LeaseTime", 600));
  ASSERT_EQ(added.code, 0);
  EXPECT_EQ(house.open().at(0).ends, kStart + Seconds(300));
  house.pass(Seconds(50));
  ASSERT_EQ(house
                .call(kHostA6, how, "UpdatePinhole",
                      element("UniqueID", added.number(0)) + element("NewLeaseTime", 200))
                .code,
            0);
  EXPECT_EQ(house.open().at(0).ends, kStart + Seconds(250));
}

// IGD-156
TEST_F(PinholeActions, TheSameAgainIsTheSame) {
  const Hole hole{.remote = kPeer.to_string(), .remote_port = 5000};
  const auto id = id_of(hole);
  house.pass(Seconds(300));
  EXPECT_EQ(id_of(hole), id);
  ASSERT_EQ(house.open().size(), 1u);
  EXPECT_EQ(house.open().at(0).ends, kStart + Seconds(900));
}

// IGD-157
TEST_F(PinholeActions, OthersAreNotTheCallersToOpen) {
  EXPECT_EQ(add({.client = kHostB6.to_string()}).code, 606);
  EXPECT_EQ(add({.port = 1023}).code, 606);
  EXPECT_EQ(add({.port = 1024}).code, 0);
}

// IGD-158
TEST_F(PinholeActions, WhatIsNoHostOfTheLan) {
  for (const auto& address : {kGateway6, kGatewayLinkLocal, kHostALinkLocal, kPeer,
                              *Address::parse("ff02::1"), *Address::parse("::1")}) {
    EXPECT_EQ(add({.client = address.to_string()}, address).code, 606) << address.to_string();
  }
}

// IGD-159, Q-06
TEST_F(PinholeActions, OverIpv4ANeighbourMayBeTheSameHost) {
  EXPECT_EQ(add({}, kHostA).code, 606);
  house.neighbours.link(kHostA, kHostA6);
  const auto opened = add({}, kHostA);
  ASSERT_EQ(opened.code, 0);
  EXPECT_EQ(id_of(), opened.number(0));
  EXPECT_EQ(update(opened.number(0), 60, kHostA).code, 0);
  EXPECT_EQ(erase(opened.number(0), kHostA).code, 0);
  EXPECT_EQ(add({.client = kHostB6.to_string()}, kHostA).code, 606);
}

// IGD-160
TEST(PinholeActionsWithout, AFirewallThatCannot) {
  ActionHouse house({}, {default_rule()}, Capabilities{.pinholes = false});
  const Call how{View::igd2, ServiceId::wan_ipv6_firewall_control, kFirewall};
  const auto code = [&](std::string_view action, const std::string& arguments) {
    return house.call(kHostA6, how, action, arguments).code;
  };
  const auto id = element("UniqueID", 1);
  EXPECT_EQ(house.call(kHostA6, how, "GetFirewallStatus", ""), (Answer{0, {true, false}}));
  EXPECT_EQ(code("AddPinhole", element("RemoteHost", "") + element("RemotePort", 0) +
                                   element("InternalClient", kHostA6.to_string()) +
                                   element("InternalPort", 6000) + element("Protocol", 17) +
                                   element("LeaseTime", 60)),
            703);
  EXPECT_EQ(code("UpdatePinhole", id + element("NewLeaseTime", 60)), 703);
  EXPECT_EQ(code("DeletePinhole", id), 703);
  EXPECT_EQ(code("GetPinholePackets", id), 703);
  EXPECT_EQ(code("CheckPinholeWorking", id), 703);
}

// IGD-160
TEST_F(PinholeActions, ThereMayBeNoRoom) {
  for (int i = 0; i < static_cast<int>(kMostFiltersOfMapping); ++i) {
    ASSERT_EQ(add({.remote = kPeer.to_string(), .remote_port = 5000 + i}).code, 0);
  }
  EXPECT_EQ(add({.remote = kPeer.to_string(), .remote_port = 4000}).code, 701);
  EXPECT_EQ(add({.remote = kPeer.to_string(), .remote_port = 5000}).code, 0);
}

// IGD-161
TEST_F(PinholeActions, Update) {
  const auto id = id_of();
  house.pass(Seconds(300));
  EXPECT_EQ(update(id, 400), Answer{});
  EXPECT_EQ(house.open().at(0).ends, kStart + Seconds(700));
  // Shorter, too.
  EXPECT_EQ(update(id, 10), Answer{});
  EXPECT_EQ(house.open().at(0).ends, kStart + Seconds(310));
  EXPECT_EQ(update(id, 0).code, 402);
  EXPECT_EQ(update(id + 1, 60).code, 704);
  EXPECT_EQ(update(id, 60, kHostB6).code, 606);
  EXPECT_EQ(id_of(), id);
}

// IGD-161
TEST_F(PinholeActions, Delete) {
  const auto id = id_of();
  EXPECT_EQ(erase(id + 1).code, 704);
  EXPECT_EQ(erase(id, kHostB6).code, 606);
  EXPECT_EQ(erase(id), Answer{});
  EXPECT_EQ(house.mappings(), 0u);
  EXPECT_EQ(erase(id).code, 704);
}

// IGD-154, IGD-156, IGD-165: one inside may have several, which live and end each by itself.
TEST_F(PinholeActions, SeveralRemoteHosts) {
  const auto first = id_of({.remote = kPeer.to_string(), .lease = 600});
  const auto second = id_of({.remote = kOtherPeer.to_string(), .remote_port = 9, .lease = 100});
  EXPECT_NE(first, second);
  EXPECT_THAT(admitted(),
              UnorderedElementsAre(all_of(kPeer), RemoteFilter{Prefix::of(kOtherPeer), 9, 9}));
  const auto everybody = id_of({.lease = 50});
  EXPECT_THAT(admitted(), IsEmpty());
  house.pass(Seconds(50));
  EXPECT_THAT(admitted(), testing::SizeIs(2));
  EXPECT_EQ(update(everybody, 60).code, 704);
  house.pass(Seconds(50));
  EXPECT_THAT(admitted(), ElementsAre(all_of(kPeer)));
  EXPECT_EQ(erase(second).code, 704);
  EXPECT_EQ(erase(first).code, 0);
  EXPECT_THAT(house.open(), IsEmpty());
}

// IGD-162
TEST_F(PinholeActions, Packets) {
  const auto id = id_of();
  EXPECT_EQ(packets(id).code, 501);
  house.doors.packets = (1ull << 32) + 5;
  EXPECT_EQ(packets(id), (Answer{0, {5u}}));
  EXPECT_EQ(house.doors.asked, (Door{Pinhole6{Protocol::udp, {kHostA6, 6000}}}));
  EXPECT_EQ(packets(id + 1).code, 704);
  EXPECT_EQ(packets(id, kHostB6).code, 606);
}

// IGD-163
TEST_F(PinholeActions, Working) {
  const auto id = id_of();
  house.doors.packets = 0;
  EXPECT_EQ(working(id).code, 709);
  house.doors.packets = 1;
  EXPECT_EQ(working(id), (Answer{0, {true}}));
  EXPECT_EQ(working(id + 1).code, 704);
  EXPECT_EQ(working(id, kHostB6).code, 606);
}

// IGD-164
TEST_F(PinholeActions, OutboundTimeout) {
  const auto timeout = [&](const char* protocol) {
    return call("GetOutboundPinholeTimeout", ends_of({.protocol = protocol}));
  };
  EXPECT_EQ(timeout("6"), (Answer{0, {432000u}}));
  EXPECT_EQ(timeout("17"), (Answer{0, {120u}}));
  EXPECT_EQ(timeout("99").code, 705);
}

// IGD-165
TEST_F(PinholeActions, IdsAreNotUsedAgainAtOnce) {
  const auto kept = id_of({.port = 6001});
  std::uint32_t last = kept;
  for (int i = 0; i < 100; ++i) {
    const auto id = id_of();
    EXPECT_EQ(id, last + 1);
    last = id;
    ASSERT_EQ(erase(id).code, 0);
  }
  EXPECT_EQ(update(kept, 60).code, 0);
}

// IGD-166
TEST_F(PinholeActions, EndsWithItsLease) {
  const auto id = id_of({.lease = 60});
  house.pass(Seconds(60));
  EXPECT_THAT(house.open(), IsEmpty());
  EXPECT_EQ(update(id, 60).code, 704);
}

// IGD-166
TEST_F(PinholeActions, EndsWithThePrefixOfTheLan) {
  const auto id = id_of();
  house.state.table.set_lan_prefixes({Prefix(kGateway, 24)});
  EXPECT_EQ(house.state.table.end_off_link().pinholes, 1u);
  house.stand();
  EXPECT_EQ(packets(id).code, 704);
  EXPECT_EQ(add().code, 606);
}

// IGD-029: decided again after a refusal, it is the same pinhole.
TEST_F(PinholeActions, WhatIsRolledBackLeavesNoTrace) {
  const auto parsed = parse(kCall, "AddPinhole", ends_of({}) + element("LeaseTime", 60));
  Kernel kernel{house.neighbours, house.wan, house.doors};
  const auto decide = [&] {
    return execute(
        std::get<ActionCall>(parsed), {kLanIndex, {kHostA6, 50000}},
        {house.state, kernel, house.services, house.identity, house.settings, house.now});
  };
  const auto first = decide();
  ASSERT_TRUE(first);
  house.state.table.roll_back();
  EXPECT_EQ(update(std::get<std::uint32_t>(first->at(0)), 60).code, 704);
  const auto again = decide();
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, *first);
  house.stand();
  EXPECT_EQ(update(std::get<std::uint32_t>(again->at(0)), 60).code, 0);
}

// A filter that the host set over PCP stays what it is.
TEST_F(PinholeActions, DoesNotWidenWhatPcpFilters) {
  MapRequest pcp{{"pcp", kHostA6}, Protocol::udp, {kHostA6, 6000}, 0, Seconds(600)};
  pcp.filters = RemoteFilters{all_of(kPeer)};
  ASSERT_TRUE(house.state.table.request(pcp, house.now));
  house.stand();
  EXPECT_EQ(add().code, 606);
  EXPECT_EQ(add({.remote = kOtherPeer.to_string()}).code, 606);
  EXPECT_THAT(admitted(), ElementsAre(all_of(kPeer)));
}

// PCP-204: nor does it narrow what PCP opened; and each protocol ends its own.
TEST_F(PinholeActions, DoesNotNarrowWhatPcpOpened) {
  const Claimant pcp{"pcp", kHostA6};
  ASSERT_TRUE(
      house.state.table.request({pcp, Protocol::udp, {kHostA6, 6000}, 0, Seconds(600)}, house.now));
  const auto id = id_of({.remote = kPeer.to_string()});
  EXPECT_THAT(admitted(), IsEmpty());
  ASSERT_TRUE(house.state.table.release(Protocol::udp, {kHostA6, 6000}, pcp));
  house.stand();
  EXPECT_THAT(admitted(), ElementsAre(all_of(kPeer)));
  EXPECT_EQ(erase(id).code, 0);
  EXPECT_EQ(house.mappings(), 0u);
}

TEST_F(PinholeActions, WhatAnEarlierRunLeftIsTheHosts) {
  const TimedDoor left{Pinhole6{Protocol::udp, {kHostA6, 6000}, {all_of(kPeer)}},
                       house.now + Seconds(1000)};
  house.state.table.adopt({&left, 1}, house.now);
  house.stand();
  // Only for another peer: who could come in still can.
  const auto id = id_of({.remote = kOtherPeer.to_string()});
  EXPECT_THAT(admitted(), UnorderedElementsAre(all_of(kPeer), all_of(kOtherPeer)));
  // For everybody: nothing of an earlier run bounds that.
  (void)id_of();
  EXPECT_THAT(admitted(), IsEmpty());
  ASSERT_EQ(erase(id).code, 0);
  house.pass(Seconds(600));
  EXPECT_THAT(house.open(), IsEmpty());
}

TEST_F(PinholeActions, ADeletedOneIsNotKeptOpenByAnEarlierRun) {
  const TimedDoor left{Pinhole6{Protocol::udp, {kHostA6, 6000}, {all_of(kPeer)}},
                       house.now + Seconds(1000)};
  house.state.table.adopt({&left, 1}, house.now);
  house.stand();
  EXPECT_EQ(erase(id_of({.remote = kPeer.to_string()})).code, 0);
  EXPECT_THAT(house.open(), IsEmpty());
}

}  // namespace
}  // namespace postern::upnp
