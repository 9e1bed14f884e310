#include "protocols/pcp/mapping_updates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/pcp/pcp_house.h"

// When clients are told, unasked, that their mappings moved, and what they are told.
namespace postern::pcp {
namespace {

// --- The schedule
// ---------------------------------------------------------------------------------

/// When each of these is told of, in milliseconds since the start.
std::vector<std::pair<MappingId, int>> run(MappingUpdates& updates) {
  std::vector<std::pair<MappingId, int>> told;
  while (const auto next = updates.next()) {
    for (const auto& due : updates.take_due(*next)) {
      told.emplace_back(due.id, static_cast<int>((*next - kStart).count()));
    }
  }
  return told;
}

// PCP-181
TEST(MappingUpdateSchedule, TellsThreeTimes) {
  MappingUpdates updates;
  EXPECT_FALSE(updates.next());
  updates.start(7, kStart);
  EXPECT_THAT(run(updates),
              testing::ElementsAre(std::pair(MappingId{7}, 0), std::pair(MappingId{7}, 250),
                                   std::pair(MappingId{7}, 750)));
}

// PCP-181
TEST(MappingUpdateSchedule, BeginsAnewWhenItMovesAgain) {
  MappingUpdates updates;
  updates.start(7, kStart);
  (void)updates.take_due(kStart);
  const Moment again = kStart + Milliseconds(100);
  updates.start(7, again);
  EXPECT_EQ(updates.take_due(again), (std::vector<MappingUpdates::Due>{{7, again}}));
  EXPECT_EQ(run(updates).size(), 2U);
}

// PCP-181
TEST(MappingUpdateSchedule, SendsNoBurstAfterALongSleep) {
  MappingUpdates updates;
  updates.start(7, kStart);
  const Moment late = kStart + Seconds(60);
  EXPECT_EQ(updates.take_due(late).size(), 1U);
  EXPECT_TRUE(updates.take_due(late + Milliseconds(249)).empty());
  EXPECT_EQ(updates.take_due(late + Milliseconds(250)).size(), 1U);
}

// PCP-176
TEST(MappingUpdateSchedule, SpreadsManyMappings) {
  MappingUpdates updates;
  constexpr MappingId kMany = 1000;
  for (MappingId id = 1; id <= kMany; ++id) updates.start(id, kStart);
  std::map<int, std::size_t> at_once;
  std::map<MappingId, int> copies;
  for (const auto& [id, moment] : run(updates)) {
    ++at_once[moment];
    ++copies[id];
  }
  EXPECT_EQ(copies.size(), kMany);
  for (const auto& [id, count] : copies) EXPECT_EQ(count, 3) << id;
  for (const auto& [moment, count] : at_once) {
    // The second copy of one group may meet the first one of another.
    EXPECT_LE(count, 3 * MappingUpdates::kMostAtOnce) << moment;
  }
  EXPECT_GE(at_once.size(), 3 * kMany / MappingUpdates::kMostAtOnce / 2);
}

// PCP-176
TEST(MappingUpdateSchedule, TellsOfFewAtOnceAfterALongSleep) {
  MappingUpdates updates;
  for (MappingId id = 1; id <= 1000; ++id) updates.start(id, kStart);
  const Moment late = kStart + Seconds(60);
  EXPECT_EQ(updates.take_due(late).size(), MappingUpdates::kMostAtOnce);
  EXPECT_EQ(updates.take_due(late).size(), MappingUpdates::kMostAtOnce);
}

// --- What a house sends
// ---------------------------------------------------------------------------

constexpr Endpoint kAsker{kHostA, 40123};

class PcpUpdate : public PcpHouse {
 protected:
  /// The mapping updates among what was sent.
  [[nodiscard]] static std::vector<OutgoingDatagram> updates_in(const Turn& turn) {
    std::vector<OutgoingDatagram> updates;
    for (const auto& datagram : turn.send) {
      if (!datagram.destination.address.is_multicast()) updates.push_back(datagram);
    }
    return updates;
  }
  /// The WAN gets another address, 300 seconds later, when the announcements of the start are over.
  std::vector<OutgoingDatagram> renumber(const Address& wan = kOtherWan) {
    (void)house_->pass(Seconds(300));
    return updates_in(house_->change_network(dual_network(wan)));
  }
};

// PCP-171, 180
TEST_F(PcpUpdate, TellsTheNewAddressToWhoAsked) {
  (void)map({.suggested_port = 40001, .options = {Description{"game"}}});
  const auto sent = renumber();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent.front().interface_index, kLanIndex);
  EXPECT_EQ(sent.front().source, (Endpoint{kGateway, 5351}));
  EXPECT_EQ(sent.front().destination, kAsker);
  EXPECT_EQ(to_hex(sent.front().payload),
            to_hex(from_hex("02 81 00 00 00000ce4 00000000 000000000000000000000000"  // 3300 s
                            "0102030405060708090a0b0c 11 000000 1f90 9c41"
                            "00000000000000000000ffff cb007109")));  // 203.0.113.9
  ASSERT_EQ(open<Forward4>().size(), 1U);
  EXPECT_EQ(open<Forward4>().front().external, (Endpoint{kOtherWan, 40001}));
}

// PCP-180
TEST_F(PcpUpdate, GoesWhereTheLastAnswerWent) {
  const auto request = emit(map_of({}));
  (void)house_->send_all({from(kHostA, request, 1111)});
  (void)house_->send_all({from(kHostA, request, 2222)});
  const auto sent = renumber();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent.front().destination, (Endpoint{kHostA, 2222}));
}

// PCP-180
TEST_F(PcpUpdate, TellsOfAPeerToo) {
  (void)peer({.suggested_port = 40001}, {kPeer, 443});
  const auto sent = renumber();
  ASSERT_EQ(sent.size(), 1U);
  const auto update = success_as<PeerResponse>(read_pcp(sent.front().payload));
  EXPECT_EQ(update.external_address, kOtherWan);
  EXPECT_EQ(update.external_port, 40001);
  EXPECT_EQ(update.remote, (Endpoint{kPeer, 443}));
  EXPECT_EQ(update.lifetime, 3300U);
}

// PCP-154, 180
TEST_F(PcpUpdate, TellsOfFiltersOnlyWhoMayAskForThem) {
  (void)peer({}, {kPeer, 443});
  (void)map({.options = {Filter{128, 0, kOtherPeer}}});
  for (const auto& datagram : renumber()) {
    const auto response = read_pcp(datagram.payload);
    if (const auto* update = std::get_if<PeerResponse>(&response.body)) {
      EXPECT_EQ(update->options, Options{});
    } else {
      EXPECT_EQ(std::get<MapResponse>(response.body).options,
                (Options{Filter{128, 0, kOtherPeer}}));
    }
  }
}

// PCP-061, 180
TEST_F(PcpUpdate, TellsTheConfiguredAddressBehindAnotherNat) {
  GatewayOptions options;
  options.external_address = kPeer;
  become(options);
  (void)map({});
  const auto sent = renumber();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(success_as<MapResponse>(read_pcp(sent.front().payload)).external_address, kPeer);
}

// PCP-181
TEST_F(PcpUpdate, IsSentThreeTimesWithTheEpochOfTheMoment) {
  (void)map({});
  EXPECT_EQ(renumber().size(), 1U);
  EXPECT_TRUE(updates_in(house_->pass(Milliseconds(249))).empty());
  EXPECT_EQ(updates_in(house_->pass(Milliseconds(1))).size(), 1U);
  EXPECT_TRUE(updates_in(house_->pass(Milliseconds(499))).empty());
  const auto last = updates_in(house_->pass(Milliseconds(1)));
  ASSERT_EQ(last.size(), 1U);
  const auto update = read_pcp(last.front().payload);
  EXPECT_EQ(update.epoch, 0U);
  EXPECT_EQ(update.lifetime, 3299U);
  EXPECT_TRUE(updates_in(house_->pass(Seconds(200))).empty());
}

// PCP-181
TEST_F(PcpUpdate, StopsWhenTheClientAsksAgain) {
  (void)map({});
  EXPECT_EQ(renumber().size(), 1U);
  (void)house_->pass(Milliseconds(100));
  EXPECT_EQ(map({}).external_address, kOtherWan);
  EXPECT_TRUE(updates_in(house_->pass(Seconds(10))).empty());
}

// PCP-181
TEST_F(PcpUpdate, GoesOnForOtherClaimsOnTheMapping) {
  (void)map({});
  (void)peer({}, {kPeer, 443});
  (void)test::ask_pcp(*house_, peer_of({}, {kOtherPeer, 443}));
  EXPECT_EQ(renumber().size(), 3U);
  (void)house_->pass(Milliseconds(100));
  (void)map({});
  EXPECT_EQ(updates_in(house_->pass(Milliseconds(150))).size(), 2U);
}

// PCP-124, 181
TEST_F(PcpUpdate, StopsWhenTheMappingIsDeleted) {
  (void)map({});
  EXPECT_EQ(renumber().size(), 1U);
  (void)map(deletion({}));
  EXPECT_TRUE(updates_in(house_->pass(Seconds(10))).empty());
}

// PCP-182
TEST_F(PcpUpdate, NamesTheHostWhenAnotherAskedForIt) {
  Settings settings;
  settings.third_party = {Prefix::of(kHostA), Prefix::of(kHostA6)};
  become({}, settings);
  (void)map({.options = {ThirdParty{kHostB}, Description{"camera"}}});
  const auto sent = renumber();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent.front().destination, kAsker);
  EXPECT_EQ(success_as<MapResponse>(read_pcp(sent.front().payload)).options,
            Options{ThirdParty{kHostB}});
}

// PCP-162, 182: the client follows the epoch that its own answers have.
TEST_F(PcpUpdate, HasTheEpochOfTheAskersFamily) {
  Settings settings;
  settings.third_party = {Prefix::of(kHostA6)};
  become({}, settings);
  (void)map({.client = kHostA6, .options = {ThirdParty{kHostB}}});
  const auto sent = renumber();
  ASSERT_EQ(sent.size(), 1U);
  EXPECT_EQ(sent.front().destination.address, kHostA6);
  EXPECT_EQ(sent.front().source, (Endpoint{kGateway6, 5351}));
  EXPECT_EQ(read_pcp(sent.front().payload).epoch, 342U);
}

// PCP-185
TEST_F(PcpUpdate, IsNotEvenPlannedForMappingsOfOtherProtocols) {
  RecordingFlowTable flows;
  Frontend frontend({}, flows);
  Mapping mapping;
  mapping.claims.push_back({{"natpmp", kHostA}, {}});
  const TableEvent moved{TableEvent::Kind::moved, mapping};
  frontend.on_table_events({{moved}}, house_->gateway.state(), kStart);
  EXPECT_FALSE(frontend.next_timeout());
}

// PCP-195
TEST_F(PcpUpdate, TellsNothingOfPinholes) {
  (void)map({.client = kHostA6});
  EXPECT_TRUE(renumber().empty());
}

// PCP-180
TEST_F(PcpUpdate, IsNotNeededWhenTheSameAddressComesBack) {
  (void)map({});
  (void)house_->pass(Seconds(300));
  EXPECT_TRUE(updates_in(house_->change_network(dual_network(std::nullopt))).empty());
  EXPECT_TRUE(updates_in(house_->change_network(dual_network())).empty());
}

// PCP-180
TEST_F(PcpUpdate, IsSentWhenAnotherAddressComesBack) {
  (void)map({});
  (void)house_->pass(Seconds(300));
  (void)house_->change_network(dual_network(std::nullopt));
  (void)house_->pass(Seconds(60));
  EXPECT_EQ(updates_in(house_->change_network(dual_network(kOtherWan))).size(), 1U);
}

// PCP-086, 180: nothing is promised before the doors stand at the new address.
TEST_F(PcpUpdate, WaitsForTheFirewall) {
  (void)map({});
  (void)house_->pass(Seconds(300));
  house_->backend->fail_next(1);
  EXPECT_TRUE(updates_in(house_->change_network(dual_network(kOtherWan))).empty());
  EXPECT_EQ(updates_in(house_->pass(Seconds(1))).size(), 1U);
}

}  // namespace
}  // namespace postern::pcp
