#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/gateway.h"
#include "tests/support/gateway_fixture.h"
#include "tests/support/natpmp_client.h"
#include "tests/support/table_fixture.h"

// Start, take-over, changes of the external address, and the epoch.
namespace postern {
namespace {

using namespace test;
using natpmp::ResultCode;

class GatewayNetworkTest : public testing::Test {
 protected:
  ~GatewayNetworkTest() override { EXPECT_TRUE(!serves_ || house_.is_consistent()); }

  [[nodiscard]] std::uint32_t epoch() { return house_.gateway.state().epoch.seconds(house_.now); }

  /// The same firewall under the next run of the daemon.
  [[nodiscard]] House killed_and_run_again() {
    serves_ = false;
    return House(house_.backend, {}, house_.now);
  }

  House house_;
  bool serves_ = true;
};

// NPMP-81
TEST_F(GatewayNetworkTest, AnnouncesItselfAtStart) {
  const auto turn = house_.start();
  ASSERT_EQ(turn.send.size(), 1U);
  EXPECT_EQ(turn.send[0].destination, (Endpoint{Address::v4({224, 0, 0, 1}), natpmp::kClientPort}));
  EXPECT_EQ(epoch(), 0U);
}

TEST_F(GatewayNetworkTest, ServesNothingWhenItCannotStart) {
  house_.backend->fail_next(1);
  const auto started = house_.gateway.start(home_network(), house_.now);
  ASSERT_FALSE(started);
  EXPECT_FALSE(started.error().reason.empty());
  EXPECT_EQ(house_.doors(), 0U);
}

// NPMP-31, 81
TEST_F(GatewayNetworkTest, StartsWithoutAnExternalAddressAndAnnouncesOnceThereIsOne) {
  EXPECT_TRUE(house_.start(home_network(std::nullopt)).send.empty());
  EXPECT_EQ(external_address(house_, kHostA).result, ResultCode::network_failure);
  EXPECT_TRUE(house_.pass(Seconds(10)).send.empty());
  EXPECT_EQ(house_.change_network(home_network()).send.size(), 1U);
  EXPECT_EQ(external_address(house_, kHostA).external_address, kWan);
}

TEST_F(GatewayNetworkTest, StartsWithoutAWanInterface) {
  auto network = home_network();
  network.wan.reset();
  (void)house_.start(network);
  EXPECT_EQ(external_address(house_, kHostA).result, ResultCode::network_failure);
}

// NPMP-78
TEST_F(GatewayNetworkTest, BeginsItsEpochWithTheProcess) {
  (void)house_.start();
  (void)house_.pass(Seconds(100));
  EXPECT_EQ(epoch(), 100U);
  House next = killed_and_run_again();
  (void)next.start();
  EXPECT_EQ(external_address(next, kHostA).epoch, 0U);
}

// NPMP-93
TEST_F(GatewayNetworkTest, TakesOverTheDoorsOfAnEarlierRun) {
  (void)house_.start();
  (void)map(house_, kHostA, Protocol::udp, 8080, 40001, 600);
  (void)house_.pass(Seconds(100));
  House next = killed_and_run_again();
  const auto turn = next.start();
  ASSERT_EQ(turn.events.size(), 1U);
  EXPECT_EQ(next.doors(), 3U);
  EXPECT_TRUE(next.is_consistent());
  EXPECT_EQ(next.gateway.state().table.next_expiry(), next.now + Seconds(500));
  // Nobody else can have the port; its host can renew or delete what it had.
  EXPECT_NE(map(next, kHostB, Protocol::udp, 8080, 40001, 60).external_port, 40001);
  EXPECT_EQ(map(next, kHostA, Protocol::udp, 8080, 0, 60).external_port, 40001);
  EXPECT_EQ(unmap(next, kHostA, Protocol::udp, 8080).result, ResultCode::success);
  EXPECT_EQ(next.mappings(), 1U);
}

// NPMP-93
TEST_F(GatewayNetworkTest, TakesDoorsOverToTheAddressOfNow) {
  (void)house_.start();
  (void)map(house_, kHostA, Protocol::udp, 8080, 40001, 600);
  House next = killed_and_run_again();
  (void)next.start(home_network(kOtherWan));
  EXPECT_TRUE(next.is_consistent());
  EXPECT_TRUE(next.gateway.state().table.find_by_external(Protocol::udp, {kOtherWan, 40001}));
}

TEST_F(GatewayNetworkTest, DoesNothingWhenNothingChanged) {
  (void)house_.start();
  (void)house_.pass(Seconds(300));
  const auto before = house_.gateway.counters().commits;
  const auto turn = house_.change_network(home_network());
  EXPECT_TRUE(turn.send.empty());
  EXPECT_EQ(house_.gateway.counters().commits, before);
}

// NPMP-80
TEST_F(GatewayNetworkTest, MovesEverythingToANewExternalAddress) {
  (void)house_.start();
  (void)map(house_, kHostA, Protocol::udp, 8080, 40001, 600);
  (void)house_.pass(Seconds(100));
  const auto turn = house_.change_network(home_network(kOtherWan));
  ASSERT_EQ(turn.events.size(), 1U);
  EXPECT_EQ(turn.events[0].kind, TableEvent::Kind::moved);
  EXPECT_EQ(turn.events[0].mapping.external, (Endpoint{kOtherWan, 40001}));
  EXPECT_EQ(turn.send.size(), 1U);
  EXPECT_EQ(epoch(), 0U);
  EXPECT_EQ(external_address(house_, kHostA).external_address, kOtherWan);
  EXPECT_EQ(house_.doors(), 3U);
}

// NPMP-78, 87
TEST_F(GatewayNetworkTest, KeepsTheEpochWhenTheSameAddressComesBack) {
  (void)house_.start();
  (void)map(house_, kHostA, Protocol::udp, 8080, 40001, 6000);
  (void)house_.pass(Seconds(50));
  EXPECT_TRUE(house_.change_network(home_network(std::nullopt)).send.empty());
  EXPECT_TRUE(house_.pass(Seconds(50)).send.empty());
  EXPECT_EQ(house_.change_network(home_network()).send.size(), 1U);
  EXPECT_EQ(epoch(), 100U);
  EXPECT_EQ(house_.doors(), 3U);
}

// NPMP-80
TEST_F(GatewayNetworkTest, RestartsTheEpochWhenAnotherAddressComesBack) {
  (void)house_.start();
  (void)house_.pass(Seconds(50));
  (void)house_.change_network(home_network(std::nullopt));
  (void)house_.pass(Seconds(50));
  EXPECT_EQ(epoch(), 100U);
  (void)house_.change_network(home_network(kOtherWan));
  EXPECT_EQ(epoch(), 0U);
}

TEST_F(GatewayNetworkTest, KeepsTheEpochWhenTheFirstAddressComesLate) {
  (void)house_.start(home_network(std::nullopt));
  (void)house_.pass(Seconds(50));
  (void)house_.change_network(home_network());
  EXPECT_EQ(epoch(), 50U);
}

TEST_F(GatewayNetworkTest, KeepsTheEpochThroughFailedCommitsAndRebuilds) {
  (void)house_.start();
  (void)map(house_, kHostA, Protocol::udp, 8080, 40001, 6000);
  (void)house_.pass(Seconds(50));
  house_.backend->fail_next(3);
  (void)map(house_, kHostB, Protocol::udp, 8080, 40002, 60);
  (void)house_.pass(Seconds(50));
  EXPECT_EQ(epoch(), 100U);
  EXPECT_EQ(external_address(house_, kHostA).result, ResultCode::success);
  EXPECT_EQ(house_.doors(), 3U);
}

TEST_F(GatewayNetworkTest, KeepsTheEpochWhenMappingsEnd) {
  (void)house_.start();
  (void)map(house_, kHostA, Protocol::udp, 8080, 40001, 10);
  (void)house_.pass(Seconds(20));
  EXPECT_EQ(epoch(), 20U);
}

// NPMP-33
TEST_F(GatewayNetworkTest, OfSeveralAddressesTheFirstCounts) {
  (void)house_.start();
  auto network = home_network();
  network.wan->addresses.push_back({kOtherWan, 24});
  (void)house_.pass(Seconds(10));
  (void)house_.change_network(network);
  EXPECT_EQ(external_address(house_, kHostA).external_address, kWan);
  EXPECT_EQ(epoch(), 10U);
  std::swap(network.wan->addresses[0], network.wan->addresses[1]);
  (void)house_.change_network(network);
  EXPECT_EQ(external_address(house_, kHostA).external_address, kOtherWan);
  EXPECT_EQ(epoch(), 0U);
}

TEST_F(GatewayNetworkTest, RebuildsWhenTheInterfacesAreOthers) {
  (void)house_.start();
  const auto before = house_.gateway.counters().commits;
  auto network = home_network();
  network.wan->name = "ppp0";
  (void)house_.change_network(network);
  EXPECT_EQ(house_.gateway.counters().commits, before + 1);
  network.lan.push_back({"guest", 9, {{Address::v4({10, 9, 0, 1}), 16}}});
  (void)house_.change_network(network);
  EXPECT_EQ(house_.gateway.counters().commits, before + 2);
}

TEST_F(GatewayNetworkTest, HearsTheHostsOfAPrefixThatCameLater) {
  (void)house_.start();
  const Address client = Address::v4({10, 9, 3, 4});
  EXPECT_TRUE(house_.ask(client, address_request()).empty());
  auto network = home_network();
  network.lan[0].addresses.push_back({Address::v4({10, 9, 0, 1}), 16});
  (void)house_.change_network(network);
  EXPECT_EQ(map(house_, client, Protocol::udp, 8080, 40001, 60).result, ResultCode::success);
}

TEST_F(GatewayNetworkTest, TellsNoAddressWhileTheFirewallIsNotReadyForIt) {
  (void)house_.start();
  (void)map(house_, kHostA, Protocol::udp, 8080, 40001, 600);
  (void)house_.pass(Seconds(200));
  house_.backend->fail_next(2);
  EXPECT_TRUE(house_.change_network(home_network(kOtherWan)).send.empty());
  EXPECT_TRUE(house_.is_consistent());
  EXPECT_EQ(external_address(house_, kHostA).result, ResultCode::network_failure);
  EXPECT_EQ(house_.gateway.next_timeout(), house_.now + Seconds(1));
  EXPECT_TRUE(house_.pass(Seconds(1)).send.empty());
  const auto turn = house_.pass(Seconds(1));
  EXPECT_EQ(turn.send.size(), 1U);
  EXPECT_EQ(external_address(house_, kHostA).external_address, kOtherWan);
  EXPECT_EQ(epoch(), 0U);
}

// A lease that ends in the very turn in which the rebuild fails keeps no deadline in the past.
TEST_F(GatewayNetworkTest, PostponesWhatEndsWhileTheRebuildFails) {
  (void)house_.start();
  (void)map(house_, kHostA, Protocol::udp, 8080, 40001, 60);
  house_.now += Seconds(60);
  house_.backend->fail_next(1);
  (void)house_.change_network(home_network(kOtherWan));
  EXPECT_TRUE(house_.is_consistent());
  EXPECT_GT(house_.gateway.state().table.next_expiry(), house_.now);
  (void)house_.pass(Seconds(1));
  EXPECT_EQ(house_.mappings(), 0U);
}

/// Notes what it hears of; answers nothing.
class Listener final : public DatagramFrontend {
 public:
  [[nodiscard]] Handled on_datagram(const IncomingDatagram&, GatewayState&, Moment) override {
    return {};
  }
  void on_event(GatewayEvent event, const GatewayState& state, Moment) override {
    heard.emplace_back(event, state.external_address.local());
  }
  void on_table_events(std::span<const TableEvent>, const GatewayState&, Moment) override {}
  [[nodiscard]] std::vector<OutgoingDatagram> on_timeout(const GatewayState&, Moment) override {
    return {};
  }
  [[nodiscard]] std::optional<Moment> next_timeout() const override { return std::nullopt; }

  std::vector<std::pair<GatewayEvent, std::optional<Address>>> heard;
};

TEST(GatewayEvents, AreToldWithTheAddressOfTheMoment) {
  MemoryBackend backend;
  Listener listener;
  MemoryFlowTable flows;
  Gateway gateway({}, backend, flows, listener, kStart);
  ASSERT_TRUE(gateway.start(home_network(std::nullopt), kStart));
  (void)gateway.on_network(home_network(), kStart);
  (void)gateway.on_network(home_network(), kStart);
  (void)gateway.on_network(home_network(kOtherWan), kStart);
  (void)gateway.on_network(home_network(std::nullopt), kStart);
  using Event = std::pair<GatewayEvent, std::optional<Address>>;
  EXPECT_THAT(listener.heard,
              testing::ElementsAre(Event{GatewayEvent::started, std::nullopt},
                                   Event{GatewayEvent::external_address_changed, kWan},
                                   Event{GatewayEvent::external_address_changed, kOtherWan},
                                   Event{GatewayEvent::external_address_changed, std::nullopt}));
}

// SSDP-01: a change of the LAN is told once, when the state knows of it.
TEST(GatewayEvents, TellOfChangesOfTheLan) {
  MemoryBackend backend;
  Listener listener;
  MemoryFlowTable flows;
  Gateway gateway({}, backend, flows, listener, kStart);
  auto network = home_network();
  ASSERT_TRUE(gateway.start(network, kStart));
  listener.heard.clear();
  network.lan[0].addresses.push_back({*Address::parse("fe80::1"), 64});
  (void)gateway.on_network(network, kStart);
  (void)gateway.on_network(network, kStart);
  EXPECT_THAT(listener.heard,
              testing::ElementsAre(std::pair(GatewayEvent::lan_changed, std::optional(kWan))));
  EXPECT_EQ(gateway.state().network, network);
  network.wan->addresses.clear();
  (void)gateway.on_network(network, kStart);
  EXPECT_EQ(
      std::count_if(listener.heard.begin(), listener.heard.end(),
                    [](const auto& heard) { return heard.first == GatewayEvent::lan_changed; }),
      1);
}

// NPMP-34
TEST(GatewayBehindNat, TellsTheConfiguredAddressAndMapsOnItsOwn) {
  GatewayOptions options;
  options.external_address = kOtherWan;
  House house(options);
  (void)house.start();
  EXPECT_EQ(external_address(house, kHostA).external_address, kOtherWan);
  (void)map(house, kHostA, Protocol::udp, 8080, 40001, 60);
  EXPECT_TRUE(house.gateway.state().table.find_by_external(Protocol::udp, {kWan, 40001}));
}

}  // namespace
}  // namespace postern
