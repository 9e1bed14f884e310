#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/pcp/pcp_house.h"
#include "tests/support/natpmp_client.h"

// FILTER: only these remote peers may come in.
namespace postern::pcp {
namespace {

class PcpFilter : public PcpHouse {
 protected:
  /// Whom the one mapping's forward lets in.
  [[nodiscard]] RemoteFilters admitted() const {
    const auto forwards = open<Forward4>();
    EXPECT_EQ(forwards.size(), 1U);
    return forwards.empty() ? RemoteFilters() : forwards.front().filters;
  }
};

PcpWish with(Options options) {
  return {.suggested_port = 40001, .options = std::move(options)};
}

const Filter kOnlyPeer{128, 0, kPeer};
const Filter kOnlyOther{128, 0, kOtherPeer};
const Filter kRemoveAll{0, 0, kAny4};
const RemoteFilter kPeerMayIn{Prefix::of(kPeer)};
const RemoteFilter kOtherMayIn{Prefix::of(kOtherPeer)};

// PCP-148, 151
TEST_F(PcpFilter, NarrowsTheDoor) {
  const auto granted = map(with({kOnlyPeer}));
  EXPECT_EQ(granted.options, Options{kOnlyPeer});
  EXPECT_THAT(admitted(), testing::ElementsAre(kPeerMayIn));
}

// PCP-148, 151
TEST_F(PcpFilter, MayNameAPortOrAPrefix) {
  (void)map(with({Filter{128, 443, kPeer}, Filter{120, 0, kOtherPeer}}));
  EXPECT_THAT(admitted(),
              testing::UnorderedElementsAre(RemoteFilter{Prefix::of(kPeer), 443, 443},
                                            RemoteFilter{*Prefix::parse("9.9.9.0/24")}));
}

// PCP-069: without one everybody may come in.
TEST_F(PcpFilter, IsAbsentFromAPlainMapping) {
  (void)map(with({}));
  EXPECT_TRUE(admitted().empty());
}

// PCP-150
TEST_F(PcpFilter, AddsToTheEarlierOnes) {
  (void)map(with({kOnlyPeer}));
  (void)map(with({kOnlyOther}));
  EXPECT_THAT(admitted(), testing::UnorderedElementsAre(kPeerMayIn, kOtherMayIn));
  const auto before = all_mappings(*house_);
  (void)map(with({kOnlyOther}));
  EXPECT_EQ(all_mappings(*house_), before) << "the same again";
}

// PCP-040, 150
TEST_F(PcpFilter, AreProcessedInTheirOrder) {
  (void)map(with({kOnlyPeer}));
  (void)map(with({kRemoveAll, kOnlyOther}));
  EXPECT_THAT(admitted(), testing::ElementsAre(kOtherMayIn));
  (void)map(with({kOnlyPeer, kRemoveAll}));
  EXPECT_TRUE(admitted().empty());
  (void)map(with({kOnlyPeer, kRemoveAll, kOnlyOther}));
  EXPECT_THAT(admitted(), testing::ElementsAre(kOtherMayIn));
}

// PCP-150
TEST_F(PcpFilter, OfLengthZeroOpensToEverybody) {
  (void)map(with({kOnlyPeer, kOnlyOther}));
  (void)map(with({kRemoveAll}));
  EXPECT_TRUE(admitted().empty());
  EXPECT_TRUE(find({})->filters.empty());
}

// PCP-152
TEST_F(PcpFilter, AreAtMostEight) {
  Options eight;
  for (std::uint8_t i = 1; i <= 8; ++i) {
    eight.emplace_back(Filter{128, 0, Address::v4({8, 8, 8, i})});
  }
  auto nine = eight;
  nine.emplace_back(kOnlyOther);
  EXPECT_EQ(error_of(with(nine)), kExcessivePeers);
  EXPECT_EQ(house_->mappings(), 0U);
  EXPECT_EQ(error_of(with(eight)), kGranted);
  EXPECT_EQ(error_of(with({kOnlyOther})), kExcessivePeers);
  EXPECT_EQ(error_of(with(eight)), kGranted);
  EXPECT_EQ(error_of(with({kRemoveAll, kOnlyOther})), kGranted);
  EXPECT_THAT(admitted(), testing::ElementsAre(kOtherMayIn));
}

// PCP-152: and what one host uses up is not what others lack.
TEST_F(PcpFilter, OfOneHostAreLimitedAsWell) {
  Options eight;
  for (std::uint8_t i = 1; i <= 8; ++i) {
    eight.emplace_back(Filter{128, 0, Address::v4({8, 8, 8, i})});
  }
  for (std::uint16_t i = 0; i < kMostFiltersOfClient / 8; ++i) {
    auto wish = with(eight);
    wish.internal_port = static_cast<std::uint16_t>(2000 + i);
    ASSERT_EQ(error_of(wish), kGranted) << i;
  }
  auto more = with({kOnlyPeer});
  EXPECT_EQ(error_of(more), kExcessivePeers);
  more.client = kHostB;
  EXPECT_EQ(error_of(more), kGranted);
}

// PCP-153
TEST_F(PcpFilter, StaysWhenARenewalNamesNone) {
  (void)map(with({kOnlyPeer}));
  (void)house_->pass(Seconds(100));
  (void)map(with({}));
  EXPECT_THAT(admitted(), testing::ElementsAre(kPeerMayIn));
}

// PCP-153
TEST_F(PcpFilter, NarrowsAMappingThatHadNone) {
  (void)map(with({}));
  (void)map(with({kOnlyPeer}));
  EXPECT_THAT(admitted(), testing::ElementsAre(kPeerMayIn));
}

// PCP-148, 200: the filter is the mapping's, whoever else claims it.
TEST_F(PcpFilter, NarrowsWhatNatPmpMappedToo) {
  (void)test::map(*house_, kHostA, Protocol::udp, 8080, 40001, 600);
  (void)map(with({kOnlyPeer}));
  EXPECT_THAT(admitted(), testing::ElementsAre(kPeerMayIn));
  (void)test::map(*house_, kHostA, Protocol::udp, 8080, 40001, 600);
  EXPECT_THAT(admitted(), testing::ElementsAre(kPeerMayIn));
}

// PCP-086, 148
TEST_F(PcpFilter, StaysAsItWasWhenTheFirewallRefuses) {
  (void)map(with({kOnlyPeer}));
  house_->backend->fail_next(3);
  EXPECT_EQ(error_of(with({kRemoveAll})), kNoResources);
  house_->backend->heal();
  (void)house_->pass(Seconds(2));
  EXPECT_THAT(admitted(), testing::ElementsAre(kPeerMayIn));
}

// PCP-149
TEST_F(PcpFilter, IsOfTheFamilyOfTheHost) {
  EXPECT_EQ(error_of(with({Filter{128, 0, kPeer6}})), kMalformedOption);
  EXPECT_EQ(error_of(with({Filter{95, 0, kPeer}})), kMalformedOption);
}

// PCP-154
TEST_F(PcpFilter, MovesWithTheMapping) {
  (void)map(with({kOnlyPeer, Filter{120, 443, kOtherPeer}}));
  (void)house_->pass(Seconds(300));
  const auto turn = house_->change_network(dual_network(kOtherWan));
  const auto forwards = open<Forward4>();
  ASSERT_EQ(forwards.size(), 1U);
  EXPECT_EQ(forwards.front().external, (Endpoint{kOtherWan, 40001}));
  EXPECT_THAT(forwards.front().filters,
              testing::UnorderedElementsAre(kPeerMayIn,
                                            RemoteFilter{*Prefix::parse("9.9.9.0/24"), 443, 443}));
  Options told;
  for (const auto& datagram : turn.send) {
    if (datagram.destination.address != kHostA) continue;
    told = success_as<MapResponse>(read_pcp(datagram.payload)).options;
  }
  EXPECT_THAT(told, testing::UnorderedElementsAre(
                        Option{kOnlyPeer}, Option{Filter{120, 443, Address::v4({9, 9, 9, 0})}}));
}

// PCP-151: a second filter, or none any more, ends no connection of the first one's peers.
TEST_F(PcpFilter, ThatLetsMoreInEndsOnlyWhatWentPastTheDoor) {
  for (const auto& more : {kOnlyOther, Filter{120, 0, kPeer}, kRemoveAll}) {
    (void)map(with({kRemoveAll, kOnlyPeer}));
    (void)house_->pass(Seconds(1));
    house_->flows.purged.clear();
    (void)map(with({more}));
    (void)house_->pass(Seconds(1));
    ASSERT_EQ(house_->flows.purged.size(), 1U);
    EXPECT_EQ(house_->flows.purged.front().which, FlowPurge::Which::past_door);
  }
}

// PCP-151
TEST_F(PcpFilter, ThatNarrowsEndsConnections) {
  (void)map(with({}));
  (void)house_->pass(Seconds(1));
  house_->flows.purged.clear();
  (void)map(with({kOnlyPeer}));
  (void)house_->pass(Seconds(1));
  const Door everybody = Forward4{Protocol::udp, {kWan, 40001}, {kHostA, 8080}};
  EXPECT_THAT(house_->flows.purged,
              testing::Contains(FlowPurge{FlowPurge::Which::through_door, everybody}));
}

}  // namespace
}  // namespace postern::pcp
