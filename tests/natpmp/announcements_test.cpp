#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/gateway_fixture.h"
#include "tests/support/natpmp_client.h"

// What the NAT-PMP frontend sends unasked.
namespace postern {
namespace {

using namespace test;

// NPMP-81, 82, 83
TEST(Announcements, GoOutTenTimesWithTheEpochOfTheMoment) {
  House house;
  auto sent = house.start().send;
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_THAT(run_series(house, sent),
              testing::ElementsAre(250, 750, 1750, 3750, 7750, 15750, 31750, 63750, 127750));
  ASSERT_EQ(sent.size(), 10U);
  std::vector<std::uint32_t> epochs;
  for (const auto& datagram : sent) {
    const auto announcement = read_as<natpmp::AddressResponse>(datagram.payload);
    EXPECT_EQ(announcement.result, natpmp::ResultCode::success);
    EXPECT_EQ(announcement.external_address, kWan);
    epochs.push_back(announcement.epoch);
  }
  EXPECT_THAT(epochs, testing::ElementsAre(0, 0, 0, 1, 3, 7, 15, 31, 63, 127));
}

// NPMP-90
TEST(Announcements, GoToTheServerPortAsWellOnlyWhenAsked) {
  GatewayState state{home_network(), ExternalAddress(), Epoch(kStart), Epoch(kStart),
                     MappingTable({}, {}, 1)};
  state.external_address.set_locals({kWan});
  for (const bool asked : {false, true}) {
    natpmp::Frontend frontend({.announces_to_server_port = asked});
    frontend.on_event(GatewayEvent::started, state, kStart);
    std::vector<std::uint16_t> ports;
    for (const auto& datagram : frontend.on_timeout(state, kStart)) {
      EXPECT_EQ(datagram.source, (Endpoint{kGateway, 5351}));
      ports.push_back(datagram.destination.port);
    }
    EXPECT_EQ(ports, asked ? (std::vector<std::uint16_t>{5350, 5351})
                           : (std::vector<std::uint16_t>{5350}));
  }
}

// NPMP-84, 86
TEST(Announcements, LeaveFromEachGatewayAddressOfTheLan) {
  auto network = home_network();
  const Address second = Address::v4({192, 168, 2, 1});
  const Address guest = Address::v4({10, 9, 0, 1});
  network.lan[0].addresses.push_back({second, 24});
  network.lan[0].addresses.push_back({*Address::parse("fd00::1"), 64});
  network.lan.push_back({"guest", 9, {{guest, 16}}});
  network.lan.push_back({"not-there", 0, {{Address::v4({10, 10, 0, 1}), 16}}});
  House house;
  const auto sent = house.start(network).send;
  ASSERT_EQ(sent.size(), 3U);
  const std::vector<std::pair<std::uint32_t, Address>> expected{
      {kLanIndex, kGateway}, {kLanIndex, second}, {9, guest}};
  for (std::size_t i = 0; i < sent.size(); ++i) {
    EXPECT_EQ(sent[i].interface_index, expected[i].first);
    EXPECT_EQ(sent[i].source, (Endpoint{expected[i].second, 5351}));
    EXPECT_EQ(sent[i].destination, (Endpoint{Address::v4({224, 0, 0, 1}), 5350}));
  }
}

// NPMP-81, 85
TEST(Announcements, BeginAnewWithANewAddress) {
  House house;
  (void)house.start();
  (void)house.pass(Seconds(5));
  auto sent = house.change_network(home_network(kOtherWan)).send;
  EXPECT_EQ(sent.size(), 1U);
  EXPECT_EQ(run_series(house, sent).size(), 9U);
  for (const auto& datagram : sent) {
    EXPECT_EQ(read_as<natpmp::AddressResponse>(datagram.payload).external_address, kOtherWan);
  }
}

// NPMP-85
TEST(Announcements, OfAFlappingWanAreFew) {
  House house;
  (void)house.start();
  (void)house.pass(Seconds(200));
  std::size_t sent = 0;
  for (int i = 0; i < 100; ++i) {
    sent += house.change_network(home_network(i % 2 == 0 ? kOtherWan : kWan)).send.size();
    sent += house.pass(Milliseconds(10)).send.size();
  }
  EXPECT_LE(sent, 5U);
  EXPECT_GE(sent, 4U);
}

// NPMP-31, 87
TEST(Announcements, StopWhenTheAddressIsLost) {
  House house;
  (void)house.start();
  (void)house.pass(Seconds(1));
  EXPECT_TRUE(house.change_network(home_network(std::nullopt)).send.empty());
  EXPECT_FALSE(house.gateway.next_timeout());
  EXPECT_TRUE(house.pass(Seconds(200)).send.empty());
}

// NPMP-34
TEST(Announcements, TellTheConfiguredAddress) {
  GatewayOptions options;
  options.external_address = kOtherWan;
  House house(options);
  const auto sent = house.start().send;
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(read_as<natpmp::AddressResponse>(sent[0].payload).external_address, kOtherWan);
}

}  // namespace
}  // namespace postern
