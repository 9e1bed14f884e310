#include "core/network.h"

#include <gtest/gtest.h>

#include "tests/support/home.h"

namespace postern {
namespace {

using namespace test;

TEST(Interface, KnowsItsAddresses) {
  const auto wan = wan_interface(kWan);
  EXPECT_TRUE(wan.has(kWan));
  EXPECT_FALSE(wan.has(kOtherWan));
  EXPECT_EQ(wan.first_v4(), kWan);
}

TEST(Interface, WithoutIpv4HasNoFirstOne) {
  Interface wan = wan_interface(std::nullopt);
  EXPECT_FALSE(wan.first_v4());
  wan.addresses.push_back({*Address::parse("2001:db8::1"), 64});
  EXPECT_FALSE(wan.first_v4());
}

TEST(Interface, PassesOverIpv6ToItsFirstIpv4Address) {
  Interface wan{
      "wan0", kWanIndex, {{*Address::parse("2001:db8::1"), 64}, {kOtherWan, 24}, {kWan, 24}}};
  EXPECT_EQ(wan.first_v4(), kOtherWan);
}

TEST(Interface, ListsItsIpv4AddressesInTheirOrder) {
  const Interface wan{
      "wan0", kWanIndex, {{kOtherWan, 24}, {*Address::parse("2001:db8::1"), 64}, {kWan, 24}}};
  EXPECT_EQ(wan.all_v4(), (std::vector{kOtherWan, kWan}));
  EXPECT_TRUE(wan_interface(std::nullopt).all_v4().empty());
}

TEST(Network, FindsALanInterfaceByItsNumber) {
  const auto network = home_network();
  ASSERT_TRUE(network.lan_by_index(kLanIndex));
  EXPECT_EQ(network.lan_by_index(kLanIndex)->name, "br-lan");
  EXPECT_FALSE(network.lan_by_index(kWanIndex));
  EXPECT_FALSE(network.lan_by_index(99));
}

TEST(Network, FindsNoInterfaceThatDoesNotExistNow) {
  auto network = home_network();
  network.lan[0].index = 0;
  EXPECT_FALSE(network.lan_by_index(0));
}

TEST(Network, KnowsLanAddressesOfAllInterfaces) {
  auto network = home_network();
  network.lan.push_back({"guest", 9, {{Address::v4({10, 9, 0, 1}), 16}}});
  EXPECT_TRUE(network.is_lan_address(kGateway));
  EXPECT_TRUE(network.is_lan_address(Address::v4({10, 9, 0, 1})));
  EXPECT_FALSE(network.is_lan_address(kWan));
  EXPECT_FALSE(network.is_lan_address(kHostA));
}

}  // namespace
}  // namespace postern
