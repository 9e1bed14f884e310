#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/natpmp_client.h"
#include "tests/support/pcp_client.h"
#include "tests/support/stored_state.h"

// How a gateway begins where an earlier run ended.
namespace postern {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::Field;
using Cause = TableEvent::Cause;
using Kind = TableEvent::Kind;

const Endpoint kInside{kHostA, 8080};

[[nodiscard]] std::vector<std::pair<Kind, MappingId>> told(const Turn& turn) {
  std::vector<std::pair<Kind, MappingId>> all;
  for (const auto& event : turn.events) all.emplace_back(event.kind, event.mapping.id);
  return all;
}

class GatewayRestoreTest : public testing::Test {
 protected:
  ~GatewayRestoreTest() override {
    if (house_) {
      EXPECT_TRUE(house_->is_consistent());
    }
  }

  Turn begin(const StoredState& stored, GatewayOptions options = {}, Moment at = kStart,
             const Network& network = dual_network()) {
    house_ = std::make_unique<House>(firewall_, std::move(options), at, Serves::both);
    for (const auto& ports : occupied_) house_->gateway.on_occupied_ports(ports);
    return house_->start(network, stored);
  }
  /// The daemon dies and starts again, with what a perfect store would have.
  Turn begin_again(Seconds later = Seconds(5), GatewayOptions options = {}) {
    auto stored = kept();
    const Moment at = house_->now + later;
    return begin(stored, std::move(options), at);
  }
  [[nodiscard]] StoredState kept() const {
    auto stored = state_of(all_mappings(*house_));
    stored.epochs = house_->gateway.epoch_starts();
    return stored;
  }
  [[nodiscard]] const MappingTable& table() const { return house_->gateway.state().table; }
  [[nodiscard]] std::uint32_t epoch() const {
    return house_->gateway.state().epoch.seconds(house_->now);
  }

  std::shared_ptr<MemoryBackend> firewall_ = std::make_shared<MemoryBackend>();
  std::vector<OccupiedPorts> occupied_;
  std::unique_ptr<House> house_;
};

// NPMP-79, PCP-114
TEST_F(GatewayRestoreTest, NoClientNeedsToAskAgain) {
  (void)begin({});
  const auto granted = test::map(*house_, PcpWish{.suggested_port = 40001});
  (void)test::map(*house_, kHostB, Protocol::tcp, 5000, 50000, 600);
  const auto before = all_mappings(*house_);
  const auto doors = firewall_->open_doors(kStart);
  const auto epoch_before = epoch();
  const auto turn = begin_again(Seconds(100));
  EXPECT_EQ(all_mappings(*house_), before) << "ids, ends, nonces and all";
  EXPECT_THAT(*firewall_->open_doors(kStart), testing::UnorderedElementsAreArray(*doors));
  EXPECT_EQ(epoch(), epoch_before + 100);
  EXPECT_THAT(told(turn), ElementsAre(std::pair(Kind::opened, before[0].id),
                                      std::pair(Kind::opened, before[1].id)));
  EXPECT_EQ(turn.events.front().cause, Cause::restored);
  EXPECT_TRUE(turn.unrestored.empty());
  // The old nonce renews, another one does not.
  EXPECT_EQ(test::map(*house_, PcpWish{}).external_port, granted.external_port);
  const PcpWish stranger{.nonce = kOtherNonce};
  EXPECT_EQ(test::error_of(*house_, stranger).result, pcp::ResultCode::not_authorized);
}

TEST_F(GatewayRestoreTest, NewMappingsGetNewIds) {
  (void)begin(state_of({stored(77, kInside, 40001, kStart - Seconds(1))}));
  (void)test::map(*house_, PcpWish{});
  EXPECT_EQ(all_mappings(*house_).front().id, 78U);
}

TEST_F(GatewayRestoreTest, EndedLeasesAreTakenOutOfTheStore) {
  const auto turn = begin(rebooted({stored(3, kInside, 40001, kStart - Seconds(1))}));
  EXPECT_THAT(told(turn), ElementsAre(std::pair(Kind::closed, 3)));
  EXPECT_EQ(turn.events.front().cause, Cause::lease_ended);
  EXPECT_EQ(house_->mappings(), 0U);
}

TEST_F(GatewayRestoreTest, AfterARebootTheStoreOpensTheDoors) {
  (void)begin({});
  (void)test::map(*house_, PcpWish{.suggested_port = 40001});
  auto state = kept();
  state.is_same_boot = false;
  state.is_complete = true;
  firewall_->take_away();
  (void)begin(state);
  EXPECT_EQ(house_->mappings(), 1U);
  EXPECT_EQ(house_->doors(), 3U);
}

TEST_F(GatewayRestoreTest, WhatTheFirewallNoLongerHasWasClosed) {
  (void)begin({});
  (void)test::map(*house_, PcpWish{.suggested_port = 40001});
  const auto state = kept();
  (void)test::map(*house_, deletion({}));
  const auto turn = begin(state);
  EXPECT_EQ(house_->mappings(), 0U);
  ASSERT_EQ(turn.events.size(), 1U);
  EXPECT_EQ(turn.events.front().kind, Kind::closed);
  EXPECT_EQ(turn.events.front().cause, Cause::found_closed) << "its lease has not ended";
}

TEST_F(GatewayRestoreTest, WhatEndedWhileTheDaemonWasDeadHasEnded) {
  (void)begin({});
  (void)test::map(*house_, PcpWish{.suggested_port = 40001, .lifetime = 120});
  const auto turn = begin_again(Seconds(121));
  ASSERT_EQ(turn.events.size(), 1U);
  EXPECT_EQ(turn.events.front().cause, Cause::lease_ended);
}

TEST_F(GatewayRestoreTest, WhatTheStoreHasNotGotIsRecovered) {
  (void)begin({});
  (void)test::map(*house_, PcpWish{.suggested_port = 40001});
  const auto state = kept();
  (void)test::map(*house_, kHostB, Protocol::tcp, 5000, 50000, 600);
  (void)begin(state);
  ASSERT_EQ(house_->mappings(), 2U);
  const Mapping* recovered = table().find_by_external_port(Protocol::tcp, 50000);
  ASSERT_TRUE(recovered);
  EXPECT_EQ(recovered->claims.front().claimant.frontend, kRecovered);
}

TEST_F(GatewayRestoreTest, PortsOfOthersAreNotStolen) {
  occupied_ = {{{}, PortSet({{40001, 40001}})}};
  const auto turn = begin(rebooted({stored(3, kInside, 40001, kStart + Seconds(60))}));
  ASSERT_EQ(turn.unrestored.size(), 1U);
  EXPECT_EQ(turn.unrestored.front().mapping.id, 3U);
  EXPECT_EQ(turn.unrestored.front().why, MapError::external_port_taken);
  EXPECT_THAT(told(turn), ElementsAre(std::pair(Kind::closed, 3)));
  EXPECT_EQ(house_->doors(), 0U);
  EXPECT_EQ(epoch(), 0U) << "the client must ask again";
}

TEST_F(GatewayRestoreTest, PortsOfStaticMappingsAreTheirs) {
  GatewayOptions options;
  options.static_mappings = {{"", Protocol::udp, {kHostB, 1}, 40001}};
  const auto turn =
      begin(rebooted({stored(3, kInside, 40001, kStart + Seconds(60))}), std::move(options));
  ASSERT_EQ(turn.unrestored.size(), 1U);
  EXPECT_EQ(turn.events.front().cause, Cause::administered);
  EXPECT_EQ(table().find_by_external_port(Protocol::udp, 40001)->internal.address, kHostB);
}

TEST_F(GatewayRestoreTest, WhatThePolicyForbidsIsNotRestored) {
  Rule none = default_rule();
  none.action = Rule::Action::deny;
  GatewayOptions options;
  options.policy = Policy({none});
  const auto turn =
      begin(rebooted({stored(3, kInside, 40001, kStart + Seconds(60))}), std::move(options));
  ASSERT_EQ(turn.unrestored.size(), 1U);
  EXPECT_EQ(turn.unrestored.front().why, MapError::not_authorized);
  EXPECT_EQ(turn.events.front().cause, Cause::policy);
  EXPECT_EQ(epoch(), 0U) << "or nobody would tell the client, who asks again now";
}

TEST_F(GatewayRestoreTest, WhoIsOnLinkIsNotKnownWhileTheLanHasNoAddress) {
  auto network = home_network();
  network.lan.front().addresses.clear();
  (void)begin(rebooted({stored(3, kInside, 40001, kStart + Seconds(60))}), {}, kStart, network);
  EXPECT_EQ(house_->mappings(), 1U);
}

TEST_F(GatewayRestoreTest, StaticMappingsKeepTheirIds) {
  GatewayOptions options;
  options.static_mappings = {{"web", Protocol::tcp, {kHostA, 80}, 80}};
  (void)begin({}, options);
  (void)test::map(*house_, PcpWish{.suggested_port = 40001});
  const auto before = all_mappings(*house_);
  const auto turn = begin_again(Seconds(5), options);
  EXPECT_THAT(told(turn), ElementsAre(std::pair(Kind::opened, before[0].id),
                                      std::pair(Kind::opened, before[1].id)));
  EXPECT_EQ(house_->mappings(), 2U);
  EXPECT_EQ(all_mappings(*house_)[0].created, before[0].created);
  EXPECT_EQ(turn.events[0].cause, Cause::administered);
}

TEST_F(GatewayRestoreTest, AStaticMappingThatIsNoLongerConfiguredGoes) {
  GatewayOptions options;
  options.static_mappings = {{"web", Protocol::tcp, {kHostA, 80}, 80}};
  (void)begin({}, options);
  const auto turn = begin_again();
  ASSERT_EQ(turn.events.size(), 1U);
  EXPECT_EQ(turn.events.front().kind, Kind::closed);
  EXPECT_EQ(turn.events.front().cause, Cause::administered);
  EXPECT_EQ(house_->doors(), 0U);
  EXPECT_EQ(epoch(), 0U) << "clients may have been told that they have it";
}

TEST_F(GatewayRestoreTest, OperatorMappingsComeBack) {
  (void)begin({});
  Turn turn;
  ASSERT_TRUE(house_->gateway.add({"x", Protocol::tcp, {kHostA, 80}, 80}, house_->now, turn));
  (void)begin_again(Seconds(7200));
  ASSERT_EQ(house_->mappings(), 1U);
  EXPECT_EQ(all_mappings(*house_).front().claims.front().claimant.frontend, kOperator);
  EXPECT_EQ(house_->doors(), 3U);
}

TEST_F(GatewayRestoreTest, ListsThemInTheOrderOfTheirCreation) {
  GatewayOptions options;
  options.static_mappings = {{"web", Protocol::tcp, {kHostA, 80}, 80}};
  (void)begin(rebooted({stored(3, kInside, 40001, kStart + Seconds(60)),
                        stored(4, {kHostB, 5000}, 40002, kStart + Seconds(60))}),
              options);
  ASSERT_EQ(table().listed_count(), 3U);
  EXPECT_EQ(table().listed(0)->id, 3U);
  EXPECT_EQ(table().listed(1)->id, 4U);
  EXPECT_EQ(table().listed(2)->external.port, 80);
}

TEST_F(GatewayRestoreTest, WhoSendsWithWhichPortStays) {
  auto second = stored(4, kInside, 40002, kStart + Seconds(60));
  auto first = stored(3, kInside, 40001, kStart + Seconds(60));
  first.is_primary = false;
  (void)begin(rebooted({first, second}));
  EXPECT_EQ(table().find_by_internal(Protocol::udp, kInside)->id, 4U);
}

TEST_F(GatewayRestoreTest, AStaticMappingDoesNotTakeTheOutboundPortOfOneThatWasFirst) {
  (void)begin({});
  (void)test::map(*house_, PcpWish{.suggested_port = 40001});
  GatewayOptions options;
  options.static_mappings = {{"game", Protocol::udp, kInside, 40002}};
  (void)house_->gateway.reload(Policy(), options.static_mappings, house_->now);
  ASSERT_EQ(house_->mappings(), 2U);
  ASSERT_EQ(table().find_by_internal(Protocol::udp, kInside)->external.port, 40001);
  const auto sends_with = [&] { return firewall_->open_doors(house_->now).value(); };
  const TimedDoor outbound{Outbound4{Protocol::udp, kInside, {kWan, 40001}},
                           table().find_by_external_port(Protocol::udp, 40001)->ends()};
  ASSERT_THAT(sends_with(), testing::Contains(outbound));
  (void)begin_again(Seconds(5), options);
  EXPECT_EQ(house_->mappings(), 2U);
  EXPECT_EQ(table().find_by_internal(Protocol::udp, kInside)->external.port, 40001);
  EXPECT_THAT(sends_with(), testing::Contains(outbound));
}

TEST_F(GatewayRestoreTest, AStaticMappingThatWasFirstIsAgain) {
  GatewayOptions options;
  options.static_mappings = {{"game", Protocol::udp, kInside, 40002}};
  (void)begin(rebooted({}), options);
  auto own = stored(9, kInside, 40001, house_->now + Seconds(600));
  own.is_primary = false;
  auto mappings = all_mappings(*house_);
  mappings.push_back(own);
  (void)begin(rebooted(mappings), options);
  ASSERT_EQ(house_->mappings(), 2U);
  EXPECT_EQ(table().find_by_internal(Protocol::udp, kInside)->external.port, 40002);
}

TEST_F(GatewayRestoreTest, WithoutDoorsNoneComesBeforeAStaticOneThatHasThem) {
  GatewayOptions options;
  options.static_mappings = {{"game", Protocol::udp, kInside, 40002}};
  auto shut = stored(9, kInside, 40001, kStart + Seconds(600));
  shut.claims.front().is_enabled = false;
  (void)begin(rebooted({shut}), options);
  ASSERT_EQ(house_->mappings(), 2U);
  EXPECT_EQ(table().find_by_internal(Protocol::udp, kInside)->external.port, 40002);
}

TEST_F(GatewayRestoreTest, ClaimsWithOtherFiltersThanAStaticMappingDoNotComeBack) {
  GatewayOptions options;
  options.static_mappings = {{"game", Protocol::udp, kInside, 40001}};
  auto filtered = stored(9, kInside, 40001, kStart + Seconds(600));
  filtered.filters = {{*Prefix::parse("203.0.113.1")}};
  filtered.claims.front().is_filtering = true;
  (void)begin(rebooted({filtered}), options);
  ASSERT_EQ(house_->mappings(), 1U);
  EXPECT_EQ(all_mappings(*house_).front().claims.size(), 1U);
  EXPECT_EQ(epoch(), 0U) << "the client must ask again";
  (void)house_->gateway.reload(Policy(), {}, house_->now);
  EXPECT_EQ(house_->doors(), 0U) << "nobody is let in who was not";
}

// --- Epochs -----------------------------------------------------------------------------------

TEST_F(GatewayRestoreTest, EpochsGoOnWhenNothingIsLost) {
  auto state = state_of({});
  (void)begin(state);
  EXPECT_EQ(epoch(), 0U) << "our table was not there, so something may have been lost";
  (void)begin(state);
  EXPECT_EQ(epoch(), 700U) << "now it was";
  EXPECT_EQ(house_->gateway.state().pinhole_epoch.seconds(kStart), 300U);
  firewall_->take_away();
  state.is_complete = true;
  (void)begin(state);
  EXPECT_EQ(epoch(), 700U);
  state.epochs.reset();
  (void)begin(state);
  EXPECT_EQ(epoch(), 0U);
}

TEST_F(GatewayRestoreTest, TheEpochBeginsAnewWhenAClaimFallsThoughItsMappingLives) {
  auto mapping = stored(3, kInside, 40001, kStart + Seconds(60));
  (void)begin(rebooted({mapping}));
  EXPECT_EQ(epoch(), 700U);
  // Nobody may ask for others.
  mapping.claims.push_back({{"upnp", kHostB}, {Seconds(600), kStart + Seconds(60)}});
  (void)begin(rebooted({mapping}));
  ASSERT_EQ(house_->mappings(), 1U);
  EXPECT_EQ(all_mappings(*house_).front().claims.size(), 1U);
  EXPECT_EQ(epoch(), 0U);
  mapping.claims.back().lease.ends = kStart - Seconds(1);
  (void)begin(rebooted({mapping}));
  EXPECT_EQ(epoch(), 700U) << "this one had ended";
}

TEST_F(GatewayRestoreTest, TheEpochBeginsAnewWhenSleepMayHideARenewal) {
  (void)begin({});
  (void)test::map(*house_, PcpWish{.suggested_port = 40001, .lifetime = 600});
  auto state = kept();
  state.epochs->epoch = kStart - Seconds(700);
  state.asleep = Seconds(3600);
  (void)begin(state);
  EXPECT_EQ(epoch(), 700U);
  state.mappings.front().claims.front().lease.ends -= Seconds(30);
  (void)begin(state);
  EXPECT_EQ(epoch(), 0U);
}

TEST_F(GatewayRestoreTest, TheEpochBeginsAnewWithAnotherAddress) {
  (void)begin(rebooted({}), {}, kStart, dual_network(kOtherWan));
  EXPECT_EQ(epoch(), 0U);
  EXPECT_EQ(house_->gateway.state().pinhole_epoch.seconds(kStart), 300U);
}

TEST_F(GatewayRestoreTest, TheAddressMayComeLater) {
  (void)begin(rebooted({stored(3, kInside, 40001, kStart + Seconds(60))}), {}, kStart,
              dual_network(std::nullopt));
  EXPECT_EQ(epoch(), 700U);
  EXPECT_EQ(house_->mappings(), 1U);
  (void)house_->change_network(dual_network());
  EXPECT_EQ(epoch(), 700U) << "the same as then";
  (void)begin(rebooted({stored(3, kInside, 40001, kStart + Seconds(60))}), {}, kStart,
              dual_network(std::nullopt));
  (void)house_->change_network(dual_network(kOtherWan));
  EXPECT_EQ(epoch(), 0U);
  EXPECT_EQ(all_mappings(*house_).front().external.address, kOtherWan);
}

TEST_F(GatewayRestoreTest, TellsTheStoreWhatToContinueWith) {
  (void)begin(rebooted({}));
  EXPECT_EQ(house_->gateway.epoch_starts(),
            (EpochStarts{kStart - Seconds(700), kStart - Seconds(300), {kWan}}));
}

}  // namespace
}  // namespace postern
