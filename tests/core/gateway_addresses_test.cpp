#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/gateway_fixture.h"
#include "tests/support/pcp_client.h"

// Several external addresses, and what hosts hear when one comes or goes.
namespace postern {
namespace {

using namespace test;

/// Behind several external addresses, with a mapping of host B at the second one.
class GatewaySeveralAddressesTest : public testing::Test {
 protected:
  GatewaySeveralAddressesTest() {
    (void)house_.start(with({kWan, kOtherWan}));
    (void)map(house_, {.client = kHostA, .lifetime = 6000});
    (void)map(house_, {.client = kHostB,
                       .suggested_port = 40002,
                       .suggested_address = kOtherWan,
                       .lifetime = 6000});
    (void)house_.pass(Seconds(200));  // The announcements are over.
    EXPECT_EQ(address_of(kHostA), kWan);
    EXPECT_EQ(address_of(kHostB), kOtherWan);
  }
  ~GatewaySeveralAddressesTest() override { EXPECT_TRUE(house_.is_consistent()); }

  [[nodiscard]] static Network with(const std::vector<Address>& addresses) {
    auto network = home_network(std::nullopt);
    for (const auto& address : addresses) network.wan->addresses.push_back({address, 24});
    return network;
  }
  /// How many announcements and mapping updates go out when these are the addresses.
  std::size_t told_of(const std::vector<Address>& addresses) {
    return house_.change_network(with(addresses)).send.size();
  }
  [[nodiscard]] Address address_of(const Address& host) const {
    return house_.gateway.state()
        .table.find_by_internal(Protocol::udp, {host, 8080})
        ->external.address;
  }
  [[nodiscard]] std::uint32_t epoch() const {
    return house_.gateway.state().epoch.seconds(house_.now);
  }

  static constexpr Address kThirdWan = Address::v4({203, 0, 113, 10});
  House house_{{}, Serves::pcp};
};

TEST_F(GatewaySeveralAddressesTest, OneMoreIsNoNews) {
  EXPECT_EQ(told_of({kWan, kOtherWan, kThirdWan}), 0U);
  EXPECT_EQ(told_of({kWan, kThirdWan, kOtherWan}), 0U);
  EXPECT_EQ(epoch(), 200U);
  (void)map(house_, {.client = kHostC, .suggested_address = kThirdWan, .lifetime = 60});
  EXPECT_EQ(address_of(kHostC), kThirdWan);
}

TEST_F(GatewaySeveralAddressesTest, OneLessIsNewsToAll) {
  EXPECT_EQ(told_of({kWan}), 2U) << "an announcement, and an update to host B";
  EXPECT_EQ(epoch(), 0U);
  EXPECT_EQ(address_of(kHostA), kWan);
  EXPECT_EQ(address_of(kHostB), kWan);
}

TEST_F(GatewaySeveralAddressesTest, AnotherFirstOneIsNewsToAllAndMovesNothing) {
  EXPECT_EQ(told_of({kOtherWan, kWan}), 1U);
  EXPECT_EQ(epoch(), 0U);
  EXPECT_EQ(address_of(kHostA), kWan);
  EXPECT_EQ(address_of(kHostB), kOtherWan);
}

TEST_F(GatewaySeveralAddressesTest, WhatWasAtAReplacedOneMoves) {
  EXPECT_EQ(told_of({kThirdWan, kOtherWan}), 2U);
  EXPECT_EQ(epoch(), 0U);
  EXPECT_EQ(address_of(kHostA), kThirdWan);
  EXPECT_EQ(address_of(kHostB), kOtherWan);
}

TEST_F(GatewaySeveralAddressesTest, TheSameThatComeBackLeaveTheEpochAlone) {
  EXPECT_EQ(told_of({}), 0U);
  EXPECT_EQ(told_of({kWan, kOtherWan}), 1U);
  EXPECT_EQ(epoch(), 200U);
}

TEST_F(GatewaySeveralAddressesTest, OneThatDoesNotComeBackRestartsTheEpoch) {
  EXPECT_EQ(told_of({}), 0U);
  EXPECT_EQ(told_of({kWan}), 2U);
  EXPECT_EQ(epoch(), 0U);
  EXPECT_EQ(address_of(kHostB), kWan);
}

TEST_F(GatewaySeveralAddressesTest, WhileTheFirewallIsNotReadyForThemThereAreNone) {
  house_.backend->fail_next(2);
  EXPECT_EQ(told_of({kWan, kThirdWan}), 0U);
  EXPECT_EQ(error_of(house_, PcpWish{.client = kHostC, .lifetime = 60}).result,
            pcp::ResultCode::network_failure);
  EXPECT_EQ(address_of(kHostB), kOtherWan);
  (void)house_.pass(Seconds(2));
  (void)map(house_, {.client = kHostC, .lifetime = 60});
  EXPECT_EQ(address_of(kHostB), kWan);
}

}  // namespace
}  // namespace postern
