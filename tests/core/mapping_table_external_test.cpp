#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/mapping_table.h"
#include "tests/support/table_fixture.h"

// Which external endpoint a mapping gets, and keeps: several external addresses (RFC 6887 §10),
// wishes that insist (§13.2, PREFER_FAILURE), ports that rest (§15).
namespace postern {
namespace {

using namespace test;

constexpr Address kThirdWan = Address::v4({203, 0, 113, 10});
constexpr Address kHostV6 =
    Address::v6({0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10});

class MappingTableExternalTest : public testing::Test {
 protected:
  MappingTableExternalTest() {
    table_.set_lan_prefixes({*Prefix::parse("192.168.1.0/24"), *Prefix::parse("2001:db8::/64")});
    table_.set_external_addresses({kWan, kOtherWan});
  }
  ~MappingTableExternalTest() override { EXPECT_TRUE(table_.is_consistent()); }

  [[nodiscard]] static MapRequest at(std::optional<Address> address, std::uint16_t port,
                                     const Address& host = kHostA, std::uint16_t internal = 8080) {
    auto request = wish(host, Protocol::udp, internal, port);
    request.reserves_companion = false;
    request.suggested_external_address = address;
    return request;
  }
  [[nodiscard]] static MapRequest only(std::optional<Address> address, std::uint16_t port,
                                       const Address& host = kHostA,
                                       std::uint16_t internal = 8080) {
    auto request = at(address, port, host, internal);
    request.placement = Placement::only_suggested;
    return request;
  }
  /// The external endpoint that the wish ends with.
  [[nodiscard]] Endpoint ask(const MapRequest& request, Moment now = kStart) {
    const auto granted = table_.request(request, now);
    (void)table_.accept();
    EXPECT_TRUE(granted) << to_string(granted.error());
    return granted ? table_.find(granted->id)->external : Endpoint();
  }
  [[nodiscard]] std::optional<MapError> error_of(const MapRequest& request) {
    const auto granted = table_.request(request, kStart);
    return granted ? std::nullopt : std::optional(granted.error());
  }
  /// What moves when these are the addresses.
  [[nodiscard]] std::size_t moves_with(std::vector<Address> addresses) {
    table_.set_external_addresses(std::move(addresses));
    std::size_t moves = 0;
    for (const auto& event : table_.accept()) {
      EXPECT_EQ(event.kind, TableEvent::Kind::moved);
      ++moves;
    }
    return moves;
  }
  [[nodiscard]] Address address_of(const Address& host, std::uint16_t internal = 8080) const {
    return table_.find_by_internal(Protocol::udp, {host, internal})->external.address;
  }
  void release(const Address& host, std::uint16_t internal, Moment now = kStart) {
    table_.expire(now);
    EXPECT_TRUE(table_.release(Protocol::udp, {host, internal}, natpmp_of(host)));
    (void)table_.accept();
  }

  MappingTable table_ = home_table();
};

TEST_F(MappingTableExternalTest, TheFirstAddressServesWhoHasNoWish) {
  EXPECT_EQ(ask(at(std::nullopt, 40001)), (Endpoint{kWan, 40001}));
}

TEST_F(MappingTableExternalTest, AWishForAnAddressOfOursIsGranted) {
  EXPECT_EQ(ask(at(kOtherWan, 40001)), (Endpoint{kOtherWan, 40001}));
  EXPECT_EQ(ask(at(kWan, 40002, kHostA, 8081)), (Endpoint{kWan, 40002}))
      << "also of a host that is seen elsewhere";
}

TEST_F(MappingTableExternalTest, AWishForAForeignAddressIsNoWish) {
  EXPECT_EQ(ask(at(kThirdWan, 40001)), (Endpoint{kWan, 40001}));
  EXPECT_EQ(ask(at(Address::v4({127, 0, 0, 1}), 40002, kHostB)), (Endpoint{kWan, 40002}));
  EXPECT_EQ(ask(at(kHostV6, 40003, kHostC)), (Endpoint{kWan, 40003}));
}

TEST_F(MappingTableExternalTest, AHostIsSeenUnderOneAddress) {
  EXPECT_EQ(table_.external_address_of(kHostA), kWan);
  ASSERT_EQ(ask(at(kOtherWan, 40001)).address, kOtherWan);
  EXPECT_EQ(table_.external_address_of(kHostA), kOtherWan);
  EXPECT_EQ(ask(at(std::nullopt, 40002, kHostA, 8081)).address, kOtherWan);
  EXPECT_EQ(ask(at(kThirdWan, 40003, kHostA, 8082)).address, kOtherWan);
  EXPECT_EQ(ask(at(std::nullopt, 40004, kHostB)).address, kWan) << "others are not concerned";
  // Its oldest mapping counts, not where it went by a wish later.
  ASSERT_EQ(ask(at(kWan, 40005, kHostA, 8083)).address, kWan);
  EXPECT_EQ(table_.external_address_of(kHostA), kOtherWan);
}

TEST_F(MappingTableExternalTest, AHostWithoutMappingsIsSeenUnderTheFirstAddressAgain) {
  ASSERT_EQ(ask(at(kOtherWan, 40001)).address, kOtherWan);
  release(kHostA, 8080);
  EXPECT_EQ(table_.external_address_of(kHostA), kWan);
  table_.set_external_addresses({});
  EXPECT_FALSE(table_.external_address_of(kHostA));
}

TEST_F(MappingTableExternalTest, AnAddressOfAPinholeIsNoExternalOne) {
  auto pinhole = wish(kHostV6, Protocol::udp, 8080);
  ASSERT_TRUE(table_.request(pinhole, kStart));
  EXPECT_EQ(table_.external_address_of(kHostV6), kWan);
}

TEST_F(MappingTableExternalTest, PortsAreUniqueAcrossAddresses) {
  ASSERT_EQ(ask(at(kWan, 40001)).port, 40001);
  EXPECT_NE(ask(at(kOtherWan, 40001, kHostB)).port, 40001);
  EXPECT_EQ(error_of(only(kOtherWan, 40001, kHostC)), MapError::external_port_taken);
}

TEST_F(MappingTableExternalTest, WhatThereIsStaysAtItsAddress) {
  ASSERT_EQ(ask(at(kOtherWan, 40001)).address, kOtherWan);
  EXPECT_EQ(ask(at(kWan, 40002)), (Endpoint{kOtherWan, 40001})) << "a renewal moves nothing";
  EXPECT_EQ(moves_with({kOtherWan, kWan}), 0U);
  EXPECT_EQ(moves_with({kThirdWan, kOtherWan}), 0U);
  EXPECT_EQ(moves_with({}), 0U);
  EXPECT_EQ(moves_with({kOtherWan}), 0U);
  EXPECT_EQ(address_of(kHostA), kOtherWan);
}

TEST_F(MappingTableExternalTest, WhatLosesItsAddressMovesToTheFirst) {
  ASSERT_EQ(ask(at(kOtherWan, 40001)).address, kOtherWan);
  ASSERT_EQ(ask(at(kWan, 40002, kHostB)).address, kWan);
  ASSERT_TRUE(table_.request(wish(kHostV6, Protocol::udp, 8080), kStart));
  (void)table_.accept();
  EXPECT_EQ(moves_with({kThirdWan, kWan}), 1U);
  EXPECT_EQ(address_of(kHostA), kThirdWan);
  EXPECT_EQ(address_of(kHostB), kWan);
  EXPECT_TRUE(table_.find_by_external(Protocol::udp, {kThirdWan, 40001}));
  EXPECT_FALSE(table_.find_by_external(Protocol::udp, {kOtherWan, 40001}));
  EXPECT_EQ(address_of(kHostV6), kHostV6);
}

TEST_F(MappingTableExternalTest, WhatMovedIsBackWhenTheTurnDoesNotStand) {
  ASSERT_EQ(ask(at(kOtherWan, 40001)).address, kOtherWan);
  table_.set_external_addresses({kThirdWan});
  EXPECT_EQ(address_of(kHostA), kThirdWan);
  table_.roll_back();
  EXPECT_EQ(address_of(kHostA), kOtherWan);
}

TEST_F(MappingTableExternalTest, ItInsistsOnPortAndAddress) {
  EXPECT_EQ(ask(only(kOtherWan, 40001)), (Endpoint{kOtherWan, 40001}));
  EXPECT_EQ(error_of(only(kOtherWan, 40001, kHostB)), MapError::external_port_taken);
  EXPECT_EQ(error_of(only(kThirdWan, 40002, kHostB)), MapError::external_port_taken);
  EXPECT_EQ(error_of(only(kWan, 80, kHostB)), MapError::external_port_denied);
  EXPECT_EQ(error_of(only(kWan, 5351, kHostB)), MapError::external_port_taken);
  EXPECT_EQ(table_.size(), 1U);
}

TEST_F(MappingTableExternalTest, ItInsistsOnNothingMoreThanWasSuggested) {
  EXPECT_EQ(ask(only(std::nullopt, 40001)), (Endpoint{kWan, 40001}));
  EXPECT_EQ(ask(only(kOtherWan, 0, kHostB)).address, kOtherWan);
  EXPECT_EQ(ask(only(std::nullopt, 0, kHostC)).address, kWan);
}

TEST_F(MappingTableExternalTest, ItInsistsOnWhatIsThereAlready) {
  ASSERT_EQ(ask(at(kWan, 40001)), (Endpoint{kWan, 40001}));
  EXPECT_EQ(error_of(only(kWan, 40002)), MapError::external_port_taken);
  EXPECT_EQ(error_of(only(kOtherWan, 40001)), MapError::external_port_taken);
  EXPECT_EQ(error_of(only(kOtherWan, 0)), MapError::external_port_taken);
  EXPECT_TRUE(table_.staged_changes().empty()) << "the mapping is as it was";
  EXPECT_EQ(ask(only(kWan, 40001)), (Endpoint{kWan, 40001}));
  EXPECT_EQ(ask(only(std::nullopt, 40001)), (Endpoint{kWan, 40001}));
  EXPECT_EQ(ask(only(kWan, 0)), (Endpoint{kWan, 40001}));
  EXPECT_EQ(table_.size(), 1U) << "an internal endpoint has one mapping";
}

TEST_F(MappingTableExternalTest, ItInsistsInVainOnAPinholeElsewhere) {
  const auto pinhole = [](std::optional<Address> address, std::uint16_t port) {
    return only(address, port, kHostV6);
  };
  EXPECT_EQ(error_of(pinhole(std::nullopt, 8081)), MapError::external_port_taken);
  EXPECT_EQ(error_of(pinhole(kWan, 8080)), MapError::external_port_taken);
  EXPECT_EQ(table_.size(), 0U);
  EXPECT_EQ(ask(pinhole(kHostV6, 8080)), (Endpoint{kHostV6, 8080}));
  EXPECT_EQ(ask(pinhole(std::nullopt, 8080)), (Endpoint{kHostV6, 8080}));
  EXPECT_EQ(error_of(pinhole(std::nullopt, 8081)), MapError::external_port_taken);
}

TEST_F(MappingTableExternalTest, ItInsistsOnNoPortThatIsKeptForAnotherHost) {
  ASSERT_TRUE(table_.request(wish(kHostA, Protocol::tcp, 8080, 40001), kStart));
  EXPECT_EQ(error_of(only(kWan, 40001, kHostB)), MapError::external_port_taken);
  EXPECT_FALSE(error_of(only(kWan, 40001, kHostA)));
}

TEST_F(MappingTableExternalTest, AWishForOneMoreEndpointFindsItAtAnyAddress) {
  auto request = at(kOtherWan, 40001);
  request.placement = Placement::suggested_port;
  ASSERT_EQ(ask(request), (Endpoint{kOtherWan, 40001}));
  request.suggested_external_address.reset();
  EXPECT_EQ(ask(request), (Endpoint{kOtherWan, 40001})) << "renewed, not made twice";
  EXPECT_EQ(table_.size(), 1U);
}

TEST_F(MappingTableExternalTest, AFreedPortRestsForTwoMinutes) {
  ASSERT_EQ(ask(at(std::nullopt, 40001)).port, 40001);
  release(kHostA, 8080, kStart + Seconds(5));
  const Moment over = kStart + Seconds(125);
  const auto chosen_at = [&](Moment now) {
    const auto port = ask(at(std::nullopt, 0, kHostB, 40001), now).port;
    release(kHostB, 40001, now);
    return port;
  };
  EXPECT_NE(chosen_at(kStart + Seconds(5)), 40001);
  EXPECT_NE(chosen_at(over - Milliseconds(1)), 40001);
  EXPECT_EQ(chosen_at(over), 40001);
}

TEST_F(MappingTableExternalTest, AFreedPortIsItsHostsAtOnce) {
  ASSERT_EQ(ask(at(std::nullopt, 40001)).port, 40001);
  release(kHostA, 8080);
  EXPECT_EQ(ask(at(std::nullopt, 0, kHostA, 40001)).port, 40001);
}

TEST_F(MappingTableExternalTest, AFreedPortIsAnybodysWhoSuggestsIt) {
  ASSERT_EQ(ask(at(std::nullopt, 40001)).port, 40001);
  release(kHostA, 8080);
  EXPECT_EQ(ask(at(std::nullopt, 40001, kHostB)).port, 40001);
  // Then it rests for that one, and no more for the first.
  release(kHostB, 8080);
  EXPECT_NE(ask(at(std::nullopt, 0, kHostA, 40001)).port, 40001);
  release(kHostA, 40001);
  EXPECT_EQ(ask(at(std::nullopt, 0, kHostB, 40001)).port, 40001);
}

TEST_F(MappingTableExternalTest, APortThatEndedByItselfRestsToo) {
  ASSERT_EQ(ask(at(std::nullopt, 40001)).port, 40001);
  table_.expire(kStart + Seconds(60));
  (void)table_.accept();
  EXPECT_NE(ask(at(std::nullopt, 0, kHostB, 40001), kStart + Seconds(60)).port, 40001);
}

TEST_F(MappingTableExternalTest, APortThatIsFreedInVainDoesNotRest) {
  ASSERT_EQ(ask(at(std::nullopt, 40001)).port, 40001);
  ASSERT_TRUE(table_.release(Protocol::udp, {kHostA, 8080}, natpmp_of(kHostA)));
  table_.roll_back();
  release(kHostA, 8080, kStart + Seconds(10));
  EXPECT_EQ(ask(at(std::nullopt, 0, kHostB, 40001), kStart + Seconds(130)).port, 40001);
}

}  // namespace
}  // namespace postern
