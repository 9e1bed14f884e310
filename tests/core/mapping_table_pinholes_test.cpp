#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/mapping_table.h"
#include "tests/support/table_fixture.h"

// Pinholes of hosts that left the LAN.
namespace postern {
namespace {

using namespace test;

const Address kStays = *Address::parse("2001:db8::10");
const Address kLeaves = *Address::parse("2001:db8:1::10");
const Address kListed = *Address::parse("2001:db8:2::10");

class MappingTablePinholesTest : public testing::Test {
 protected:
  MappingTablePinholesTest() : table_(policy(), {.pinholes = true}, 1) {
    table_.set_external_addresses({kWan});
    table_.set_lan_prefixes({*Prefix::parse("192.168.1.0/24"), *Prefix::parse("2001:db8::/64"),
                             *Prefix::parse("2001:db8:1::/64")});
    for (const auto& host : {kStays, kLeaves, kListed, kHostA}) {
      EXPECT_TRUE(table_.request(wish(host, Protocol::udp, 8080), kStart));
    }
    (void)table_.accept();
    table_.set_lan_prefixes({*Prefix::parse("10.0.0.0/8"), *Prefix::parse("2001:db8::/64")});
  }
  ~MappingTablePinholesTest() override { EXPECT_TRUE(table_.is_consistent()); }

  [[nodiscard]] static Policy policy() {
    Rule rule = default_rule();
    rule.client_prefixes = {*Prefix::parse("2001:db8:2::/48")};
    return Policy({rule});
  }
  [[nodiscard]] bool is_open(const Address& host) const {
    return table_.find_by_internal(Protocol::udp, {host, 8080});
  }

  MappingTable table_;
};

TEST_F(MappingTablePinholesTest, EndWhenTheirHostIsNeitherOnLinkNorListed) {
  const auto ended = table_.end_off_link();
  EXPECT_EQ(ended.pinholes, 1U);
  EXPECT_EQ(ended.v4, 1U);
  EXPECT_FALSE(is_open(kLeaves));
  EXPECT_FALSE(is_open(kHostA)) << "what holds of pinholes holds of mappings";
  EXPECT_TRUE(is_open(kStays));
  EXPECT_TRUE(is_open(kListed));
  const auto events = table_.accept();
  ASSERT_EQ(events.size(), 2U);
  for (const auto& event : events) {
    EXPECT_EQ(event.kind, TableEvent::Kind::closed);
    EXPECT_EQ(event.cause, TableEvent::Cause::network);
  }
  EXPECT_EQ(table_.end_off_link().pinholes, 0U);
}

TEST_F(MappingTablePinholesTest, StayWhenTheTurnDoesNotStand) {
  EXPECT_EQ(table_.end_off_link().pinholes, 1U);
  table_.roll_back();
  EXPECT_TRUE(is_open(kLeaves));
  table_.refuse({DoorKey::Kind::pinhole6, Protocol::udp, {kLeaves, 8080}});
  EXPECT_EQ(table_.end_off_link().pinholes, 0U);
  EXPECT_TRUE(is_open(kLeaves));
  (void)table_.accept();
  EXPECT_EQ(table_.end_off_link().pinholes, 1U);
}

// A host has as many IPv6 addresses as it likes, and each is a client with a limit of its own.
TEST(MappingTablePinholeLimit, PinholesFillHalfOfTheTable) {
  Limits limits;
  limits.mappings = 4;
  Policy policy({default_rule()}, limits);
  policy.set_lan_prefixes({*Prefix::parse("192.168.1.0/24"), *Prefix::parse("2001:db8::/64")});
  MappingTable table(std::move(policy), {.pinholes = true}, 1);
  table.set_external_addresses({kWan});
  for (const auto* text : {"2001:db8::1", "2001:db8::2"}) {
    EXPECT_TRUE(table.request(wish(*Address::parse(text), Protocol::udp, 8080), kStart));
  }
  const auto third = wish(*Address::parse("2001:db8::3"), Protocol::udp, 8080);
  EXPECT_EQ(table.request(third, kStart).error(), MapError::table_limit_reached);
  EXPECT_TRUE(table.request(wish(kHostA, Protocol::udp, 8080), kStart));
  EXPECT_TRUE(table.release(Protocol::udp, {*Address::parse("2001:db8::1"), 8080},
                            natpmp_of(*Address::parse("2001:db8::1"))));
  EXPECT_TRUE(table.request(third, kStart));
}

}  // namespace
}  // namespace postern
