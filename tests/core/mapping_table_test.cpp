#include "core/mapping_table.h"

#include <set>

#include <gtest/gtest.h>

#include "tests/support/table_fixture.h"

// What clients get from the table. How a turn is staged, refused and rolled back stands in
// mapping_table_turn_test.cpp; what happens as time passes in mapping_table_expiry_test.cpp.
namespace postern {
namespace {

using namespace test;

class MappingTableTest : public testing::Test {
 protected:
  ~MappingTableTest() override { EXPECT_TRUE(table_.is_consistent()); }

  std::uint16_t port_of(const MapRequest& request) {
    const auto grant = table_.request(request, kStart);
    EXPECT_TRUE(grant) << to_string(grant.error());
    return grant ? grant->external_port : 0;
  }
  MapError error_of(const MapRequest& request) {
    const auto grant = table_.request(request, kStart);
    EXPECT_FALSE(grant);
    return grant ? MapError{} : grant.error();
  }

  MappingTable table_ = home_table();
};

// NPMP-36, 37, 41
TEST_F(MappingTableTest, MapsTheSuggestedPortToTheClient) {
  const auto grant = table_.request(wish(kHostA, Protocol::udp, 8080, 40001), kStart);
  ASSERT_TRUE(grant);
  EXPECT_EQ(grant->external_port, 40001);
  EXPECT_EQ(grant->lifetime, Seconds(60));
  const auto* mapping = table_.find(grant->id);
  ASSERT_TRUE(mapping);
  EXPECT_EQ(mapping->protocol, Protocol::udp);
  EXPECT_EQ(mapping->internal, (Endpoint{kHostA, 8080}));
  EXPECT_EQ(mapping->external, (Endpoint{kWan, 40001}));
  EXPECT_EQ(mapping->ends(), kStart + Seconds(60));
  EXPECT_EQ(mapping->created, kStart);
}

TEST_F(MappingTableTest, FindsAMappingByEachOfItsSides) {
  const auto id = table_.request(wish(kHostA, Protocol::udp, 8080, 40001), kStart)->id;
  const auto* mapping = table_.find(id);
  ASSERT_TRUE(mapping);
  EXPECT_EQ(table_.find_by_internal(Protocol::udp, {kHostA, 8080}), mapping);
  EXPECT_EQ(table_.find_by_external(Protocol::udp, {kWan, 40001}), mapping);
  EXPECT_FALSE(table_.find_by_internal(Protocol::tcp, {kHostA, 8080}));
  EXPECT_FALSE(table_.find_by_internal(Protocol::udp, {kHostB, 8080}));
  EXPECT_FALSE(table_.find_by_external(Protocol::udp, {kOtherWan, 40001}));
  EXPECT_FALSE(table_.find(id + 1));
}

// NPMP-45, 47
TEST_F(MappingTableTest, GivesOneInternalEndpointOneExternalPort) {
  EXPECT_EQ(port_of(wish(kHostA, Protocol::udp, 8080, 40001)), 40001);
  EXPECT_EQ(port_of(wish(kHostA, Protocol::udp, 8080, 40002)), 40001);
  EXPECT_EQ(port_of(wish(kHostA, Protocol::udp, 8080, 0)), 40001);
  EXPECT_EQ(table_.size(), 1U);
}

// NPMP-48
TEST_F(MappingTableTest, CountsTheLeaseFromTheRenewal) {
  const auto first = table_.request(wish(kHostA, Protocol::udp, 8080, 0, Seconds(60)), kStart);
  const auto later = kStart + Seconds(30);
  const auto longer = table_.request(wish(kHostA, Protocol::udp, 8080, 0, Seconds(90)), later);
  ASSERT_TRUE(first && longer);
  EXPECT_EQ(longer->id, first->id);
  EXPECT_EQ(table_.find(first->id)->ends(), later + Seconds(90));
  ASSERT_TRUE(table_.request(wish(kHostA, Protocol::udp, 8080, 0, Seconds(5)), later));
  EXPECT_EQ(table_.find(first->id)->ends(), later + Seconds(5));
  EXPECT_EQ(table_.find(first->id)->created, kStart);
}

// NPMP-42
TEST_F(MappingTableTest, GivesAnotherPortWhenTheSuggestedOneIsTaken) {
  EXPECT_EQ(port_of(wish(kHostA, Protocol::udp, 8080, 40001)), 40001);
  const auto other = port_of(wish(kHostB, Protocol::udp, 8080, 40001));
  EXPECT_NE(other, 40001);
  EXPECT_NE(other, 0);
}

// NPMP-39
TEST_F(MappingTableTest, KeepsTheCompanionPortForTheHolder) {
  EXPECT_EQ(port_of(wish(kHostA, Protocol::tcp, 8080, 40001)), 40001);
  EXPECT_NE(port_of(wish(kHostB, Protocol::udp, 8080, 40001)), 40001);
  EXPECT_EQ(port_of(wish(kHostA, Protocol::udp, 9090, 40001)), 40001);
}

// NPMP-39
TEST_F(MappingTableTest, FreesTheCompanionPortWithTheMapping) {
  EXPECT_EQ(port_of(wish(kHostA, Protocol::tcp, 8080, 40001)), 40001);
  EXPECT_TRUE(table_.release(Protocol::tcp, {kHostA, 8080}, natpmp_of(kHostA)));
  EXPECT_EQ(port_of(wish(kHostB, Protocol::udp, 8080, 40001)), 40001);
}

// NPMP-40
TEST_F(MappingTableTest, KeepsNoCompanionForClaimsThatAskForNone) {
  auto request = wish(kHostA, Protocol::tcp, 8080, 40001);
  request.reserves_companion = false;
  EXPECT_EQ(port_of(request), 40001);
  EXPECT_EQ(port_of(wish(kHostB, Protocol::udp, 8080, 40001)), 40001);
}

// NPMP-40
TEST_F(MappingTableTest, KeepsTheCompanionWhileAClaimOnTheMappingAsksForIt) {
  auto without = wish(kHostA, Protocol::tcp, 8080, 40001);
  without.claimant.frontend = kOtherFrontend;
  without.reserves_companion = false;
  port_of(without);
  port_of(wish(kHostA, Protocol::tcp, 8080, 40001));
  EXPECT_NE(port_of(wish(kHostB, Protocol::udp, 8080, 40001)), 40001);
  EXPECT_TRUE(table_.release(Protocol::tcp, {kHostA, 8080}, natpmp_of(kHostA)));
  EXPECT_EQ(port_of(wish(kHostB, Protocol::udp, 8081, 40001)), 40001);
}

// NPMP-52
TEST_F(MappingTableTest, RefusesWithoutAnExternalAddress) {
  table_.set_external_addresses({});
  EXPECT_EQ(error_of(wish(kHostA, Protocol::udp, 8080)), MapError::no_external_address);
  EXPECT_EQ(table_.size(), 0U);
}

TEST_F(MappingTableTest, RefusesWhatThePolicyDenies) {
  EXPECT_EQ(error_of(wish(kHostA, Protocol::udp, 80)), MapError::not_authorized);
  EXPECT_EQ(error_of(wish(kOtherWan, Protocol::udp, 8080)), MapError::not_authorized);
  EXPECT_EQ(table_.size(), 0U);
}

// NPMP-57
TEST_F(MappingTableTest, LimitsTheMappingsOfEachClient) {
  table_ = home_table(limits_of(2, 100));
  port_of(wish(kHostA, Protocol::udp, 8080));
  port_of(wish(kHostA, Protocol::tcp, 8080));
  EXPECT_EQ(error_of(wish(kHostA, Protocol::udp, 8081)), MapError::client_limit_reached);
  EXPECT_EQ(table_.count_of(kHostA), 2U);
  EXPECT_EQ(port_of(wish(kHostA, Protocol::udp, 8080)), 8080);
  EXPECT_NE(port_of(wish(kHostB, Protocol::udp, 8080)), 0);
  EXPECT_TRUE(table_.release(Protocol::tcp, {kHostA, 8080}, natpmp_of(kHostA)));
  EXPECT_NE(port_of(wish(kHostA, Protocol::udp, 8081)), 0);
}

// NPMP-57
TEST_F(MappingTableTest, LimitsTheMappingsOfAllClients) {
  table_ = home_table(limits_of(100, 2));
  port_of(wish(kHostA, Protocol::udp, 8080));
  port_of(wish(kHostB, Protocol::udp, 8080));
  EXPECT_EQ(error_of(wish(kHostC, Protocol::udp, 8080)), MapError::table_limit_reached);
  EXPECT_EQ(port_of(wish(kHostA, Protocol::udp, 8080)), 8080);
}

// NPMP-65, 67
TEST_F(MappingTableTest, ReleasesAMappingOnceAndAgain) {
  port_of(wish(kHostA, Protocol::udp, 8080, 40001));
  EXPECT_TRUE(table_.release(Protocol::udp, {kHostA, 8080}, natpmp_of(kHostA)));
  EXPECT_EQ(table_.size(), 0U);
  EXPECT_EQ(table_.count_of(kHostA), 0U);
  EXPECT_TRUE(table_.release(Protocol::udp, {kHostA, 8080}, natpmp_of(kHostA)));
}

// NPMP-68
TEST_F(MappingTableTest, ReleasesNothingOfAnotherClientOrProtocol) {
  port_of(wish(kHostA, Protocol::udp, 8080));
  EXPECT_TRUE(table_.release(Protocol::udp, {kHostA, 8080}, natpmp_of(kHostB)));
  EXPECT_TRUE(table_.release(Protocol::udp, {kHostB, 8080}, natpmp_of(kHostB)));
  EXPECT_TRUE(table_.release(Protocol::tcp, {kHostA, 8080}, natpmp_of(kHostA)));
  EXPECT_EQ(table_.size(), 1U);
}

// NPMP-71
TEST_F(MappingTableTest, ReleasesAllOfOneProtocol) {
  port_of(wish(kHostA, Protocol::udp, 8080));
  port_of(wish(kHostA, Protocol::udp, 8081));
  port_of(wish(kHostA, Protocol::tcp, 8080));
  port_of(wish(kHostB, Protocol::udp, 9000));
  EXPECT_TRUE(table_.release_all(Protocol::udp, natpmp_of(kHostA)));
  EXPECT_EQ(table_.size(), 2U);
  EXPECT_TRUE(table_.find_by_internal(Protocol::tcp, {kHostA, 8080}));
  EXPECT_TRUE(table_.find_by_internal(Protocol::udp, {kHostB, 9000}));
  EXPECT_TRUE(table_.release_all(Protocol::udp, natpmp_of(kHostC)));
}

// NPMP-70
TEST_F(MappingTableTest, LivesUntilItsLastClaimIsReleased) {
  auto other = wish(kHostA, Protocol::udp, 8080, 40001, Seconds(600));
  other.claimant.frontend = kOtherFrontend;
  EXPECT_EQ(port_of(other), 40001);
  EXPECT_EQ(port_of(wish(kHostA, Protocol::udp, 8080, 0, Seconds(60))), 40001);
  const auto* mapping = table_.find_by_internal(Protocol::udp, {kHostA, 8080});
  ASSERT_EQ(mapping->claims.size(), 2U);
  EXPECT_EQ(mapping->ends(), kStart + Seconds(600));
  EXPECT_EQ(mapping->first_due(), kStart + Seconds(60));
  EXPECT_EQ(table_.count_of(kHostA), 1U);

  EXPECT_TRUE(table_.release(Protocol::udp, {kHostA, 8080}, natpmp_of(kHostA)));
  mapping = table_.find_by_internal(Protocol::udp, {kHostA, 8080});
  ASSERT_TRUE(mapping);
  EXPECT_EQ(mapping->claims.size(), 1U);
  EXPECT_TRUE(table_.release(Protocol::udp, {kHostA, 8080}, other.claimant));
  EXPECT_EQ(table_.size(), 0U);
}

TEST_F(MappingTableTest, ListsTheOldestMappingsInTheOrderOfTheirCreation) {
  port_of(wish(kHostB, Protocol::udp, 9000));
  port_of(wish(kHostA, Protocol::udp, 8080));
  port_of(wish(kHostC, Protocol::udp, 7000));
  const auto oldest = [&](std::size_t count) {
    std::vector<std::uint16_t> ports;
    for (const Mapping* mapping : table_.oldest(count)) ports.push_back(mapping->internal.port);
    return ports;
  };
  EXPECT_EQ(oldest(9), (std::vector<std::uint16_t>{9000, 8080, 7000}));
  EXPECT_EQ(oldest(2), (std::vector<std::uint16_t>{9000, 8080}));
  EXPECT_TRUE(oldest(0).empty());
}

TEST_F(MappingTableTest, DerivesTwoDoorsFromEachMapping) {
  port_of(wish(kHostA, Protocol::udp, 8080, 40001));
  EXPECT_EQ(sorted(table_.doors()),
            sorted(all_doors(Protocol::udp, {kHostA, 8080}, {kWan, 40001}, kStart + Seconds(60))));
}

// NPMP-44
TEST(MappingTableLimits, HandsOutEveryPortOfAProtocolExactlyOnce) {
  Rule rule = default_rule();
  rule.external_ports = PortSet({{1, 65535}});
  Policy policy({rule}, limits_of(65536, 200000));
  policy.set_lan_prefixes({*Prefix::parse("192.168.1.0/24")});
  MappingTable table(policy, {}, 1);
  table.set_external_addresses({kWan});

  // All but the gateway's own: 5350 and 5351 over UDP, 5351 over TCP.
  for (const auto& [protocol, count] : {std::pair{Protocol::udp, 65533}, {Protocol::tcp, 65534}}) {
    std::set<std::uint16_t> ports;
    MapRequest request = wish(kHostA, protocol, 0);
    for (int i = 0; i < count; ++i) {
      // Two hosts, for one has fewer internal ports than there are external ones.
      const auto& host = i % 2 == 0 ? kHostA : kHostB;
      request = wish(host, protocol, static_cast<std::uint16_t>(10000 + i / 2));
      request.reserves_companion = false;
      // Most ask for a port of their own; the others have to find what is left.
      if (i < 65300) request.suggested_external_port = static_cast<std::uint16_t>(1 + i);
      const auto grant = table.request(request, kStart);
      ASSERT_TRUE(grant) << i;
      ASSERT_TRUE(ports.insert(grant->external_port).second) << grant->external_port;
    }
    request = wish(kHostC, protocol, 8080);
    const auto beyond = table.request(request, kStart);
    ASSERT_FALSE(beyond);
    EXPECT_EQ(beyond.error(), MapError::no_port_available);
    EXPECT_FALSE(ports.contains(0));
    EXPECT_FALSE(ports.contains(5351));
  }
  EXPECT_TRUE(table.is_consistent());
}

}  // namespace
}  // namespace postern
