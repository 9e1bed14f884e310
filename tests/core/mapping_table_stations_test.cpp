#include <gtest/gtest.h>

#include "core/mapping_table.h"
#include "tests/support/known_clients.h"
#include "tests/support/table_fixture.h"

// How many mappings all addresses of one MAC address may have together.
namespace postern {
namespace {

using namespace test;

constexpr std::uint32_t kOfClient = 2;
constexpr std::uint32_t kOfStation = 8 * kOfClient;
/// And those who come late may have one each, until it has so many.
constexpr std::uint32_t kOfFullStation = kOfStation * 5 / 4;
const MacAddress kMac({2, 0, 0, 0, 0, 10});
const MacAddress kOtherMac({2, 0, 0, 0, 0, 11});

/// Host number `i` of the LAN.
[[nodiscard]] Address host(unsigned i) {
  return Address::v4({192, 168, 1, static_cast<std::uint8_t>(100 + i)});
}

class MappingTableStationsTest : public testing::Test {
 protected:
  MappingTableStationsTest()
      : table_(Policy({everyone()}, limits_of(kOfClient, 1000), &clients_), {.pinholes = true}, 1) {
    table_.set_external_addresses({kWan});
    table_.set_lan_prefixes({*Prefix::parse("192.168.1.0/24"), *Prefix::parse("2001:db8:77::/64")});
  }
  ~MappingTableStationsTest() override { EXPECT_TRUE(table_.is_consistent()); }

  [[nodiscard]] static Rule everyone() {
    Rule rule = default_rule();
    rule.client_prefixes = {*Prefix::parse("10.0.0.0/8")};
    return rule;
  }
  void know(const Address& client, std::optional<MacAddress> mac, bool has_macs = true) {
    clients_.links[client] = {"br-lan", mac, has_macs, mac.has_value()};
  }
  std::optional<MapError> ask(const Address& client, std::uint16_t port = 4000) {
    const auto granted = table_.request(wish(client, Protocol::udp, port), kStart);
    return granted ? std::nullopt : std::optional(granted.error());
  }
  /// Takes all that a station may have, two mappings an address.
  void take_all(std::optional<MacAddress> mac) {
    for (unsigned i = 0; i < kOfStation; ++i) {
      know(host(i / 2), mac);
      EXPECT_EQ(ask(host(i / 2), static_cast<std::uint16_t>(4000 + i % 2)), std::nullopt) << i;
    }
    (void)table_.accept();
  }
  /// And what it may have for those who come late.
  void fill(std::optional<MacAddress> mac) {
    take_all(mac);
    for (unsigned i = 0; i < kOfFullStation - kOfStation; ++i) {
      know(host(40 + i), mac);
      EXPECT_EQ(ask(host(40 + i)), std::nullopt) << i;
    }
    (void)table_.accept();
  }

  KnownClients clients_;
  MappingTable table_;
};

TEST_F(MappingTableStationsTest, ManyAddressesOfOneMacAreBounded) {
  fill(kMac);
  know(host(50), kMac);
  EXPECT_EQ(ask(host(50)), MapError::station_limit_reached);
  EXPECT_EQ(table_.take_refusals().size(), 1U);
  know(home_v6(50), kMac);
  EXPECT_EQ(ask(home_v6(50)), MapError::station_limit_reached) << "of both families together";
  know(host(51), kOtherMac);
  EXPECT_EQ(ask(host(51)), std::nullopt) << "nobody else is concerned";
}

TEST_F(MappingTableStationsTest, WhatIsThereIsRenewed) {
  fill(kMac);
  EXPECT_EQ(ask(host(0)), std::nullopt);
}

TEST_F(MappingTableStationsTest, WhatEndsMakesRoom) {
  fill(kMac);
  EXPECT_TRUE(table_.release(Protocol::udp, {host(0), 4000}, natpmp_of(host(0))));
  (void)table_.accept();
  know(host(50), kMac);
  EXPECT_EQ(ask(host(50)), std::nullopt);
}

TEST_F(MappingTableStationsTest, WhatIsRolledBackMakesNone) {
  fill(kMac);
  for (unsigned i = 0; i < kOfStation / 2; ++i) {
    EXPECT_TRUE(table_.release_all(Protocol::udp, natpmp_of(host(i))));
  }
  table_.roll_back();
  know(host(50), kMac);
  EXPECT_EQ(ask(host(50)), MapError::station_limit_reached);
}

// Who forges addresses need not answer for them: then the kernel knows no MAC address.
TEST_F(MappingTableStationsTest, AddressesWithoutAKnownMacCountTogether) {
  fill(std::nullopt);
  EXPECT_EQ(ask(host(50)), MapError::station_limit_reached) << "not in the directory at all";
  know(host(51), kMac);
  EXPECT_EQ(ask(host(51)), std::nullopt);
}

TEST_F(MappingTableStationsTest, WhoBecomesKnownLeavesTheUnknown) {
  take_all(std::nullopt);
  know(host(50), std::nullopt);
  EXPECT_EQ(ask(host(50), 4000), std::nullopt);
  EXPECT_EQ(ask(host(50), 4001), MapError::station_limit_reached) << "beyond what is for the late";
  table_.learn_mac(host(0), kMac);
  EXPECT_EQ(ask(host(50), 4001), std::nullopt);
  // And where it is known now, it counts.
  for (unsigned i = 1; i < kOfStation / 2; ++i) table_.learn_mac(host(i), kMac);
  know(host(51), kMac);
  EXPECT_EQ(ask(host(51), 4000), std::nullopt);
  EXPECT_EQ(ask(host(51), 4001), MapError::station_limit_reached);
}

// A forged ARP request says that an address is at somebody else's MAC address.
TEST_F(MappingTableStationsTest, WhoWasMerelyHeardCountsWithTheUnknown) {
  fill(std::nullopt);
  clients_.links[host(50)] = {"br-lan", kMac, true, false};
  EXPECT_EQ(ask(host(50)), MapError::station_limit_reached);
  know(host(50), kMac);
  EXPECT_EQ(ask(host(50)), std::nullopt);
}

TEST_F(MappingTableStationsTest, WhoComesLateToAFullStationHasALittle) {
  for (const auto& mac : {std::optional(kMac), std::optional<MacAddress>()}) {
    take_all(mac);
    know(host(50), mac);
    EXPECT_EQ(ask(host(50), 4000), std::nullopt);
    EXPECT_EQ(ask(host(50), 4001), MapError::station_limit_reached);
    for (unsigned i = 51; i < 80; ++i) {
      know(host(i), mac);
      (void)ask(host(i));
    }
    EXPECT_EQ(table_.size(), kOfFullStation) << "and there is an end of that";
    table_.roll_back();
    for (unsigned i = 0; i < kOfStation / 2; ++i) {
      EXPECT_TRUE(table_.release_all(Protocol::udp, natpmp_of(host(i))));
    }
    (void)table_.accept();
  }
}

// Forged addresses fill the unknown station, then somebody answers for them; and again.
TEST_F(MappingTableStationsTest, WhoAnswersForMoreAndMoreAddressesHasItsStationAndTheUnknown) {
  constexpr unsigned kHosts = 20;
  for (unsigned round = 0; round < 3; ++round) {
    for (unsigned i = round * kHosts; i < (round + 1) * kHosts; ++i) {
      know(host(i), std::nullopt);
      (void)ask(host(i), 4000);
      (void)ask(host(i), 4001);
    }
    (void)table_.accept();
    for (unsigned i = 0; i < (round + 1) * kHosts; ++i) table_.learn_mac(host(i), kMac);
  }
  EXPECT_EQ(table_.size(), kOfStation + kOfFullStation);
}

TEST_F(MappingTableStationsTest, AHostIsAskedForWithItsFirstMappingAlone) {
  know(host(0), std::nullopt);
  EXPECT_EQ(ask(host(0), 4000), std::nullopt);
  know(host(0), kMac);
  EXPECT_EQ(ask(host(0), 4001), std::nullopt);
  EXPECT_EQ(ask(host(0), 4001), std::nullopt);
  EXPECT_EQ(ask(host(0), 4002), MapError::client_limit_reached);
  EXPECT_EQ(clients_.asked, 1) << "what is news is told";
}

TEST_F(MappingTableStationsTest, WhatIsBehindARouterHasNoMacOfItsOwn) {
  know(Address::v4({10, 0, 0, 1}), kMac);
  for (std::uint8_t i = 0; i < 2 * kOfStation; ++i) {
    EXPECT_EQ(ask(Address::v4({10, 0, 0, i})), std::nullopt);
  }
  EXPECT_EQ(clients_.asked, 0);
}

TEST_F(MappingTableStationsTest, LinksWithoutMacsHaveNoSuchLimit) {
  for (unsigned i = 0; i < 2 * kOfStation; ++i) {
    know(host(i), std::nullopt, false);
    EXPECT_EQ(ask(host(i)), std::nullopt);
  }
}

TEST_F(MappingTableStationsTest, AClaimForAnotherHostCountsForWhoAsks) {
  Rule rule = everyone();
  rule.for_others = true;
  Policy policy({rule}, limits_of(kOfClient, 1000), &clients_);
  (void)table_.set_policy(std::move(policy));
  fill(kMac);
  know(host(50), kMac);
  know(host(51), kOtherMac);
  auto request = wish(host(50), Protocol::udp, 4000);
  request.internal.address = host(51);
  EXPECT_EQ(table_.request(request, kStart).error(), MapError::station_limit_reached);
}

// A server gets a new network card.
TEST_F(MappingTableStationsTest, AnAddressThatIsTheAdministratorsKeepsNoStation) {
  ASSERT_TRUE(table_.administer({"web", Protocol::tcp, {host(0), 80}, 80}, kStatic, kStart));
  know(host(0), kMac);
  EXPECT_EQ(ask(host(0)), std::nullopt);
  (void)table_.accept();
  EXPECT_TRUE(table_.end_host(host(0)));
  (void)table_.accept();
  EXPECT_EQ(table_.size(), 1U);
  know(host(0), kOtherMac);
  const int asked = clients_.asked;
  EXPECT_EQ(ask(host(0)), std::nullopt);
  EXPECT_EQ(clients_.asked, asked + 1);
}

TEST(Limits, LetAStationHaveAsMuchAsEightClientsButNotTheTable) {
  EXPECT_EQ(Limits().mappings_per_station(), 1024U);
  EXPECT_EQ(limits_of(128, 1000).mappings_per_station(), 250U);
  EXPECT_EQ(limits_of(500, 1000).mappings_per_station(), 500U) << "not less than one client";
}

TEST(Limits, LeaveALittleToWhoComesLateToAStation) {
  EXPECT_EQ(Limits().mappings_per_late_client(), 8U);
  EXPECT_EQ(Limits().mappings_per_full_station(), 1280U);
  EXPECT_EQ(limits_of(6, 1000).mappings_per_late_client(), 3U);
  EXPECT_EQ(limits_of(1, 1000).mappings_per_late_client(), 1U);
  EXPECT_EQ(limits_of(1000, 1100).mappings_per_full_station(), 1100U) << "not more than all";
}

}  // namespace
}  // namespace postern
