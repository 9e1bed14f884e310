#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/pcp/pcp_house.h"
#include "tests/support/natpmp_client.h"

// ANNOUNCE, asked for and unasked, and the epoch that it tells.
namespace postern::pcp {
namespace {

using PcpAnnounce = PcpHouse;

constexpr Address kAllHosts = Address::v4({224, 0, 0, 1});
const Address kAllNodes = *Address::parse("ff02::1");

Request announce(const Address& client) {
  return {AnnounceRequest{}, 0, client, {}};
}

/// Only what PCP announced.
std::vector<OutgoingDatagram> announced_by_pcp(const Turn& turn) {
  std::vector<OutgoingDatagram> all;
  for (const auto& datagram : turn.send) {
    if (datagram.destination.address.is_multicast() && datagram.payload.front() == 2) {
      all.push_back(datagram);
    }
  }
  return all;
}

// PCP-170, Q-77
TEST_F(PcpAnnounce, IsAnsweredWithTheEpoch) {
  EXPECT_EQ(to_hex(house_->ask(kHostA, emit(announce(kHostA)))),
            to_hex(from_hex("02 80 00 00 00000000 0000002a 000000000000000000000000")));
  for (const auto& client : {kHostA6, kHostALinkLocal}) {
    EXPECT_EQ(ask_pcp(*house_, announce(client)).result, ResultCode::success);
  }
}

// PCP-016, 170, Q-77
TEST_F(PcpAnnounce, IsRefusedWhenTheClientIsNotTheSource) {
  EXPECT_EQ(error_of(kHostB, emit(announce(kHostA))),
            (PcpError{ResultCode::address_mismatch, 1800}));
}

// PCP-049
TEST_F(PcpAnnounce, MayHaveOptions) {
  auto request = emit(announce(kHostA));
  request.resize(28);
  request[24] = 200;
  EXPECT_EQ(house_->ask(kHostA, request).size(), 24U);
}

// PCP-082, 170: it says that we are here, not that there is an address.
TEST_F(PcpAnnounce, IsAnsweredWithoutAnExternalAddress) {
  (void)house_->change_network(dual_network(std::nullopt));
  EXPECT_EQ(ask_pcp(*house_, announce(kHostA)).result, ResultCode::success);
}

// PCP-171, 172, 173, 175
TEST(PcpAnnouncement, GoesOutAtTheStartOnBothFamilies) {
  House house({}, Serves::pcp);
  const auto sent = house.start(dual_network()).send;
  ASSERT_EQ(sent.size(), 3U);
  const std::vector<std::pair<Address, Address>> expected{
      {kGateway, kAllHosts}, {kGateway6, kAllNodes}, {kGatewayLinkLocal, kAllNodes}};
  for (std::size_t i = 0; i < sent.size(); ++i) {
    EXPECT_EQ(sent[i].interface_index, kLanIndex);
    EXPECT_EQ(sent[i].source, (Endpoint{expected[i].first, 5351}));
    EXPECT_EQ(sent[i].destination, (Endpoint{expected[i].second, 5350}));
    EXPECT_EQ(to_hex(sent[i].payload),
              to_hex(from_hex("02 80 00 00 00000000 00000000 000000000000000000000000")));
  }
}

// PCP-160, 174
TEST(PcpAnnouncement, GoesOutTenTimesWithTheEpochOfTheMoment) {
  House house({}, Serves::pcp);
  auto sent = house.start().send;
  EXPECT_THAT(run_series(house, sent),
              testing::ElementsAre(250, 750, 1750, 3750, 7750, 15750, 31750, 63750, 127750));
  std::vector<std::uint32_t> epochs;
  for (const auto& datagram : sent) epochs.push_back(read_pcp(datagram.payload).epoch);
  EXPECT_THAT(epochs, testing::ElementsAre(0, 0, 0, 1, 3, 7, 15, 31, 63, 127));
}

// PCP-175, Q-83
TEST(PcpAnnouncement, LeavesFromEachLanInterfaceAndNeverTheWan) {
  auto network = dual_network();
  network.wan->addresses.push_back({*Address::parse("2001:db8:ffff::2"), 64});
  const Address guest = Address::v4({10, 9, 0, 1});
  network.lan.push_back({"guest", 9, {{guest, 16}}});
  network.lan.push_back({"not-there", 0, {{Address::v4({10, 10, 0, 1}), 16}}});
  House house({}, Serves::pcp);
  std::vector<std::pair<std::uint32_t, Address>> from;
  for (const auto& datagram : house.start(network).send) {
    from.emplace_back(datagram.interface_index, datagram.source.address);
  }
  EXPECT_THAT(from, testing::UnorderedElementsAre(
                        std::pair(kLanIndex, kGateway), std::pair(kLanIndex, kGateway6),
                        std::pair(kLanIndex, kGatewayLinkLocal), std::pair(9U, guest)));
}

// PCP-161, 162, 172
TEST_F(PcpAnnounce, IsRepeatedOnIpv4WhenTheAddressChanges) {
  (void)house_->pass(Seconds(300));
  const auto sent = announced_by_pcp(house_->change_network(dual_network(kOtherWan)));
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent.front().destination, (Endpoint{kAllHosts, 5350}));
  EXPECT_EQ(read_pcp(sent.front().payload).epoch, 0U);
  EXPECT_EQ(announced_by_pcp(house_->pass(Seconds(200))).size(), 9U);
}

// PCP-172
TEST_F(PcpAnnounce, IsNotRepeatedWhileThereIsNoAddress) {
  (void)house_->pass(Seconds(300));
  EXPECT_TRUE(announced_by_pcp(house_->change_network(dual_network(std::nullopt))).empty());
  EXPECT_EQ(announced_by_pcp(house_->change_network(dual_network())).size(), 1U);
}

// PCP-162, 172, 195
TEST_F(PcpAnnounce, IsRepeatedOnIpv6WhenPinholesAreLost) {
  (void)map({.client = kHostA6});
  (void)house_->pass(Seconds(300));
  auto network = dual_network();
  network.lan.front().addresses[1] = {*Address::parse("2001:db8:88::1"), 64};
  const auto sent = announced_by_pcp(house_->change_network(network));
  ASSERT_EQ(sent.size(), 2U);
  for (const auto& datagram : sent) {
    EXPECT_EQ(datagram.destination, (Endpoint{kAllNodes, 5350}));
    EXPECT_EQ(read_pcp(datagram.payload).epoch, 0U);
  }
}

// PCP-176: everybody asks anew at once, and is answered.
TEST_F(PcpAnnounce, StandsTheRenewalsThatFollow) {
  std::vector<Octets> requests;
  std::vector<IncomingDatagram> datagrams;
  for (std::uint8_t host = 2; host < 254; ++host) {
    requests.push_back(emit(map_of({.client = Address::v4({192, 168, 1, host})})));
  }
  for (std::size_t i = 0; i < requests.size(); ++i) {
    datagrams.push_back(
        from(Address::v4({192, 168, 1, static_cast<std::uint8_t>(i + 2)}), requests[i]));
  }
  const auto before = house_->gateway.counters().commits;
  EXPECT_EQ(house_->send_all(datagrams).send.size(), requests.size());
  EXPECT_EQ(house_->mappings(), requests.size());
  EXPECT_EQ(house_->gateway.counters().commits, before + 1);
}

// --- The epoch
// ------------------------------------------------------------------------------------

std::uint32_t epoch_of(House& house, const Address& client) {
  return ask_pcp(house, announce(client)).epoch;
}

// PCP-160, 164, Q-83
TEST_F(PcpAnnounce, TellsAnEpochThatCountsSecondsSinceTheStart) {
  EXPECT_EQ(epoch_of(*house_, kHostA), 42U);
  EXPECT_EQ(epoch_of(*house_, kHostA6), 42U);
  (void)house_->pass(Milliseconds(59'999));
  EXPECT_EQ(epoch_of(*house_, kHostA), 101U);
  (void)house_->pass(Milliseconds(1));
  EXPECT_EQ(epoch_of(*house_, kHostA), 102U);
  EXPECT_EQ(ask_pcp(*house_, map_of({})).epoch, 102U);
  EXPECT_EQ(ask_pcp(*house_, peer_of({}, {kPeer, 443})).epoch, 102U);
  EXPECT_EQ(ask_pcp(*house_, map_of({.protocol = 47})).epoch, 102U);
}

// PCP-161
TEST_F(PcpAnnounce, TellsAnEpochThatBeginsAnewWithTheProcess) {
  (void)map({});
  House next(house_->backend, {}, house_->now + Seconds(1), Serves::pcp);
  (void)next.start(dual_network());
  EXPECT_EQ(epoch_of(next, kHostA), 0U);
}

// PCP-161, 162
TEST_F(PcpAnnounce, TellsAnEpochOfItsOwnForEachFamily) {
  (void)house_->change_network(dual_network(kOtherWan));
  EXPECT_EQ(epoch_of(*house_, kHostA), 0U);
  EXPECT_EQ(epoch_of(*house_, kHostA6), 42U);
}

// PCP-163
TEST_F(PcpAnnounce, TellsTheSameEpochAfterHarmlessEvents) {
  (void)map({});
  (void)map({.client = kHostB});
  (void)map({});
  (void)map(deletion({}));
  EXPECT_EQ(epoch_of(*house_, kHostA), 42U);
  auto network = dual_network();
  network.lan.front().index = 33;  // The bridge was made anew.
  (void)house_->change_network(network);
  (void)house_->change_network(dual_network());
  EXPECT_EQ(epoch_of(*house_, kHostA), 42U);
  (void)house_->change_network(dual_network(std::nullopt));
  (void)house_->change_network(dual_network());
  EXPECT_EQ(epoch_of(*house_, kHostA), 42U);
  EXPECT_EQ(epoch_of(*house_, kHostA6), 42U);
}

}  // namespace
}  // namespace postern::pcp
