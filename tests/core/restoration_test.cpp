#include "core/restoration.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/stored_state.h"
#include "tests/support/table_fixture.h"

// Who is right about a mapping of an earlier run: the store or the firewall.
namespace postern {
namespace {

using namespace test;

const Endpoint kInside{kHostA, 4000};

/// A forward to 4000 of host A that ends so many seconds after the start.
[[nodiscard]] TimedDoor door(std::uint16_t port, int seconds, const Endpoint& inside = kInside) {
  return {Forward4{Protocol::udp, {kWan, port}, inside}, kStart + Seconds(seconds)};
}

[[nodiscard]] FoundDoors found(std::vector<TimedDoor> doors) {
  return {true, std::move(doors)};
}

[[nodiscard]] Mapping lease(int seconds) {
  return stored(1, kInside, 40001, kStart + Seconds(seconds));
}

const RemoteFilter kFriend{Prefix::of(Address::v4({8, 8, 8, 8}))};
const RemoteFilter kOtherFriend{Prefix::of(Address::v4({9, 9, 9, 9}))};

/// The same for these peers alone.
[[nodiscard]] TimedDoor only_for(RemoteFilters peers, TimedDoor door) {
  std::get<Forward4>(door.door).filters = std::move(peers);
  return door;
}

[[nodiscard]] Claim peer_claim(const RemoteFilter& peer, int seconds) {
  const Endpoint remote{peer.remote.network(), 0};
  return {{"pcp", kHostA, remote}, {Seconds(600), kStart + Seconds(seconds)}};
}

class Reconciliation : public testing::Test {
 protected:
  [[nodiscard]] Restoration bring(std::vector<Mapping> mappings, const FoundDoors& doors) const {
    return reconcile(state_of(std::move(mappings)), doors, true, kStart);
  }
  /// The one mapping that comes of a stored one and a door.
  [[nodiscard]] Mapping bring(const Mapping& mapping, const TimedDoor& door) const {
    auto all = bring(std::vector{mapping}, found({door}));
    EXPECT_EQ(all.mappings.size(), 1U);
    return all.mappings.at(0);
  }
};

TEST_F(Reconciliation, WhatBothHaveStays) {
  const auto all = bring({lease(60)}, found({door(40001, 60)}));
  EXPECT_THAT(all.mappings, testing::ElementsAre(lease(60)));
  EXPECT_TRUE(all.gone.empty());
  EXPECT_TRUE(all.unexplained.empty());
}

TEST_F(Reconciliation, WhatHasNoDoorWasClosed) {
  const auto all = bring({lease(60)}, found({}));
  EXPECT_TRUE(all.mappings.empty());
  EXPECT_THAT(all.gone, testing::ElementsAre(lease(60)));
}

TEST_F(Reconciliation, WhatHasItsDoorElsewhereWasClosed) {
  const auto other = door(40001, 60, {kHostB, 4000});
  const auto all = bring({lease(60)}, found({other}));
  EXPECT_EQ(all.gone.size(), 1U);
  EXPECT_THAT(all.unexplained, testing::ElementsAre(other));
}

TEST_F(Reconciliation, ALaterDoorIsARenewal) {
  const auto all = bring({lease(60)}, found({door(40001, 90)}));
  ASSERT_EQ(all.mappings.size(), 1U);
  EXPECT_EQ(all.mappings.front().claims.front().lease.ends, kStart + Seconds(90));
}

TEST_F(Reconciliation, ARenewalOfALeaseThatHadEndedIsFoundToo) {
  const auto all = bring({lease(-5)}, found({door(40001, 90)}));
  ASSERT_EQ(all.mappings.size(), 1U);
  EXPECT_EQ(all.mappings.front().claims.front().lease.ends, kStart + Seconds(90));
}

// The kernel's timers stand still while the machine sleeps.
TEST_F(Reconciliation, WhatSleepExplainsIsNoRenewal) {
  auto state = state_of({lease(60)});
  state.asleep = Seconds(3600);
  const auto end_with = [&](int seconds) {
    const auto all = reconcile(state, found({door(40001, seconds)}), true, kStart);
    EXPECT_TRUE(all.unexplained.empty());
    return all.mappings.at(0).doors_end();
  };
  EXPECT_EQ(end_with(60), kStart + Seconds(60));
  EXPECT_EQ(end_with(3660), kStart + Seconds(60));
  EXPECT_EQ(end_with(3700), kStart + Seconds(3700)) << "it can only be a renewal";
  EXPECT_EQ(end_with(30), kStart + Seconds(30)) << "sleep makes no door end earlier";
  state.asleep = Seconds(0);
  EXPECT_EQ(end_with(3660), kStart + Seconds(3660)) << "the machine has not slept";
}

TEST_F(Reconciliation, WhatSleepExplainsMayHaveBeenARenewal) {
  auto state = state_of({lease(60)});
  state.asleep = Seconds(3600);
  const auto may_lack = [&](int seconds) {
    return reconcile(state, found({door(40001, seconds)}), true, kStart).may_lack_renewals;
  };
  EXPECT_FALSE(may_lack(60));
  EXPECT_TRUE(may_lack(90));
  EXPECT_FALSE(may_lack(3700)) << "this one is not lost";
  EXPECT_FALSE(may_lack(30));
  state.is_complete = true;
  EXPECT_FALSE(may_lack(90)) << "every renewal is in the store";
  state.is_complete = false;
  state.asleep = Seconds(0);
  EXPECT_FALSE(may_lack(90));
}

TEST_F(Reconciliation, AfterASleepALeaseThatHasEndedIsOver) {
  auto state = state_of({lease(-5)});
  state.asleep = Seconds(3600);
  const auto all = reconcile(state, found({door(40001, 90)}), true, kStart);
  ASSERT_EQ(all.mappings.size(), 1U);
  EXPECT_EQ(all.mappings.front().ends(), kStart - Seconds(5)) << "and the table takes no such one";
  EXPECT_TRUE(all.unexplained.empty()) << "nor adopts its door";
}

// Granted for 600 seconds, and for 7200 it is another client's that came to it just before a crash.
TEST_F(Reconciliation, WhatIsLaterThanTheClaimCanEndIsSomebodyElses) {
  const auto mapping = bring(lease(60), door(40001, 7200));
  ASSERT_EQ(mapping.claims.size(), 2U);
  EXPECT_EQ(mapping.claims[0], lease(60).claims[0]);
  EXPECT_EQ(mapping.claims[1].claimant, (Claimant{kRecovered, kHostA}));
  EXPECT_EQ(mapping.claims[1].lease.ends, kStart + Seconds(7200));
  EXPECT_EQ(bring(lease(60), door(40001, 600)).claims.size(), 1U) << "it can be its own renewal";
}

TEST_F(Reconciliation, OfSeveralClaimsNobodyKnowsWhichWasRenewed) {
  auto mapping = lease(60);
  mapping.claims.push_back({{"pcp", kHostA}, {Seconds(600), kStart + Seconds(30)}});
  const auto all = bring({mapping}, found({door(40001, 90)}));
  ASSERT_EQ(all.mappings.size(), 1U);
  const auto& restored = all.mappings.front();
  ASSERT_EQ(restored.claims.size(), 3U);
  EXPECT_EQ(restored.claims[0].lease.ends, kStart + Seconds(60));
  EXPECT_EQ(restored.claims[2].claimant, (Claimant{kRecovered, kHostA}));
  EXPECT_EQ(restored.claims[2].lease.ends, kStart + Seconds(90));
}

TEST_F(Reconciliation, AnEarlierDoorIsAShorterLease) {
  const auto all = bring({lease(600)}, found({door(40001, 90)}));
  EXPECT_EQ(all.mappings.front().doors_end(), kStart + Seconds(90));
}

TEST_F(Reconciliation, AFirewallThatEndsNoLeasesTellsOnlyOfLaterEnds) {
  const auto state = state_of({lease(600), stored(2, {kHostB, 1}, 40002, kStart + Seconds(60)),
                               stored(3, {kHostC, 1}, 40003, kStart + Seconds(60))});
  const auto all =
      reconcile(state, found({door(40001, 90), door(40003, 90, {kHostC, 1})}), false, kStart);
  ASSERT_EQ(all.mappings.size(), 2U) << "one that has no rule was closed";
  EXPECT_EQ(all.mappings[0].doors_end(), kStart + Seconds(600));
  EXPECT_EQ(all.mappings[1].doors_end(), kStart + Seconds(90));
}

TEST_F(Reconciliation, WhatHasNoEndNeedsNoDoorOnceItsHoldIsOver) {
  auto mapping = lease(-10);
  mapping.claims.front().lease = {Seconds(0), kStart - Seconds(10), true};
  EXPECT_EQ(bring({mapping}, found({})).mappings.size(), 1U);
  mapping.claims.front().lease.ends = kStart + Seconds(10);
  EXPECT_EQ(bring({mapping}, found({})).gone.size(), 1U);
}

TEST_F(Reconciliation, WhatIsShutHasNoDoor) {
  auto mapping = lease(60);
  mapping.claims.front().is_enabled = false;
  EXPECT_THAT(bring({mapping}, found({})).mappings, testing::ElementsAre(mapping));
  const auto opened = bring({mapping}, found({door(40001, 90)})).mappings;
  ASSERT_EQ(opened.size(), 1U);
  EXPECT_TRUE(opened.front().has_doors()) << "opened since then";
}

TEST_F(Reconciliation, FollowsAnAddressThatChangedMeanwhile) {
  auto moved = door(40001, 60);
  std::get<Forward4>(moved.door).external.address = kOtherWan;
  const auto all = bring({lease(60)}, found({moved}));
  ASSERT_EQ(all.mappings.size(), 1U);
  EXPECT_EQ(all.mappings.front().external.address, kOtherWan);
  EXPECT_TRUE(all.unexplained.empty());
}

TEST_F(Reconciliation, WithoutOurTableTheStoreIsRight) {
  const auto all = bring({lease(60)}, {false, {}});
  EXPECT_EQ(all.mappings.size(), 1U);
  EXPECT_TRUE(all.gone.empty());
}

TEST_F(Reconciliation, AfterARebootTheStoreIsRight) {
  const auto all = reconcile(rebooted({lease(60)}), found({}), true, kStart);
  EXPECT_EQ(all.mappings.size(), 1U);
}

TEST_F(Reconciliation, OutboundDoorsAreAlwaysLeft) {
  const TimedDoor outbound{Outbound4{Protocol::udp, kInside, {kWan, 40001}}, kStart + Seconds(60)};
  const auto all = bring({lease(60)}, found({door(40001, 60), outbound, door(40002, 60)}));
  EXPECT_THAT(all.unexplained, testing::UnorderedElementsAre(outbound, door(40002, 60)));
}

TEST_F(Reconciliation, KnowsPinholesByTheirInside) {
  auto mapping = stored(1, {kHostA6, 22}, 22, kStart + Seconds(60));
  mapping.external = mapping.internal;
  const TimedDoor pinhole{Pinhole6{Protocol::udp, {kHostA6, 22}}, kStart + Seconds(60)};
  const auto all = bring({mapping}, found({pinhole}));
  EXPECT_EQ(all.mappings.size(), 1U);
  EXPECT_TRUE(all.unexplained.empty());
}

// --- Who may come in ---------------------------------------------------------------------------

TEST_F(Reconciliation, AMappingThatWasNarrowedSinceThenStaysNarrow) {
  const auto mapping = bring(lease(60), only_for({kFriend}, door(40001, 60)));
  EXPECT_THAT(mapping.admitted(), testing::ElementsAre(kFriend));
  ASSERT_EQ(mapping.claims.size(), 1U);
  EXPECT_TRUE(mapping.claims[0].is_filtering) << "or the table would let everybody in";
}

TEST_F(Reconciliation, AMappingThatWasWidenedSinceThenStaysWide) {
  auto narrow = lease(60);
  narrow.filters = {kFriend};
  narrow.claims[0].is_filtering = true;
  const auto wide = bring(narrow, door(40001, 60));
  EXPECT_TRUE(wide.admitted().empty());
  EXPECT_FALSE(wide.claims[0].is_filtering);
  EXPECT_THAT(bring(narrow, only_for({kOtherFriend}, door(40001, 90))).admitted(),
              testing::ElementsAre(kOtherFriend));
}

TEST_F(Reconciliation, OfSeveralClaimsNobodyKnowsWhichNarrowed) {
  auto mapping = lease(60);
  mapping.claims.push_back({{"pcp", kHostA}, {Seconds(600), kStart + Seconds(60)}});
  for (const int ends : {60, 90}) {
    const auto narrow = bring(mapping, only_for({kFriend}, door(40001, ends)));
    EXPECT_THAT(narrow.admitted(), testing::ElementsAre(kFriend));
    ASSERT_EQ(narrow.claims.size(), 3U);
    EXPECT_EQ(narrow.claims[2].claimant, (Claimant{kRecovered, kHostA}));
    EXPECT_TRUE(narrow.claims[2].is_filtering);
    EXPECT_EQ(narrow.doors_end(), kStart + Seconds(ends));
  }
}

TEST_F(Reconciliation, APeerThatCameSinceThenIsLetIn) {
  auto mapping = lease(60);
  mapping.claims = {peer_claim(kFriend, 60)};
  const auto both = bring(mapping, only_for({kFriend, kOtherFriend}, door(40001, 60)));
  EXPECT_THAT(both.admitted(), testing::ElementsAre(kFriend, kOtherFriend));
  EXPECT_THAT(both.filters, testing::ElementsAre(kOtherFriend)) << "the other ends with its claim";
  EXPECT_TRUE(bring(mapping, door(40001, 60)).admitted().empty());
}

TEST_F(Reconciliation, APeerThatWentSinceThenIsNotLetIn) {
  auto mapping = lease(60);
  mapping.claims = {peer_claim(kFriend, 60), peer_claim(kOtherFriend, 60)};
  const auto left = bring(mapping, only_for({kFriend}, door(40001, 60)));
  EXPECT_THAT(left.claims, testing::ElementsAre(peer_claim(kFriend, 60)));
  EXPECT_THAT(left.admitted(), testing::ElementsAre(kFriend));
}

// A claim that stands for a later end must not open the door to everybody.
TEST_F(Reconciliation, ARenewalForOneOfSeveralPeersIsNotForEverybody) {
  auto mapping = lease(60);
  mapping.claims = {peer_claim(kFriend, 60), peer_claim(kOtherFriend, 60)};
  const auto renewed = bring(mapping, only_for({kFriend, kOtherFriend}, door(40001, 90)));
  EXPECT_THAT(renewed.admitted(), testing::ElementsAre(kFriend, kOtherFriend));
  EXPECT_EQ(renewed.doors_end(), kStart + Seconds(90));
}

TEST_F(Reconciliation, TheAdministratorsFiltersAreHis) {
  auto mapping = stored(1, kInside, 40001, kStart + Seconds(60), kStatic);
  mapping.filters = {kFriend};
  mapping.claims[0].is_filtering = true;
  EXPECT_THAT(bring(mapping, door(40001, 60)).admitted(), testing::ElementsAre(kFriend));
}

TEST_F(Reconciliation, WithoutOurTableTheStoresFiltersAreRight) {
  auto mapping = lease(60);
  mapping.filters = {kFriend};
  mapping.claims[0].is_filtering = true;
  const auto all = bring({mapping}, {false, {}});
  EXPECT_THAT(all.mappings.at(0).admitted(), testing::ElementsAre(kFriend));
}

}  // namespace
}  // namespace postern
