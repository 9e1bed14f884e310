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

class Reconciliation : public testing::Test {
 protected:
  [[nodiscard]] Restoration bring(std::vector<Mapping> mappings, const FoundDoors& doors) const {
    return reconcile(state_of(std::move(mappings)), doors, true, kStart);
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
    return all.mappings.at(0).claims.at(0).lease.ends;
  };
  EXPECT_EQ(end_with(60), kStart + Seconds(60));
  EXPECT_EQ(end_with(3660), kStart + Seconds(60));
  EXPECT_EQ(end_with(3700), kStart + Seconds(3700)) << "it can only be a renewal";
  EXPECT_EQ(end_with(30), kStart + Seconds(30)) << "sleep makes no door end earlier";
  state.asleep = Seconds(0);
  EXPECT_EQ(end_with(3660), kStart + Seconds(3660)) << "the machine has not slept";
}

TEST_F(Reconciliation, AfterASleepALeaseThatHasEndedIsOver) {
  auto state = state_of({lease(-5)});
  state.asleep = Seconds(3600);
  const auto all = reconcile(state, found({door(40001, 90)}), true, kStart);
  ASSERT_EQ(all.mappings.size(), 1U);
  EXPECT_EQ(all.mappings.front().ends(), kStart - Seconds(5)) << "and the table takes no such one";
  EXPECT_TRUE(all.unexplained.empty()) << "nor adopts its door";
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

}  // namespace
}  // namespace postern
