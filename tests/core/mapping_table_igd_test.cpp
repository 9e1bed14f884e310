#include <gtest/gtest.h>

#include "tests/core/igd_table.h"

// Claims as only UPnP IGD has them: permanent and disabled ones.
namespace postern {
namespace {

using namespace test;

constexpr auto kHalfHold = kPermanentHold / 2;

class MappingTableIgdTest : public IgdTable {};

TEST_F(MappingTableIgdTest, APermanentClaimIsGrantedZeroAndHeldForAnHour) {
  const auto grant = ask(permanent(40001));
  EXPECT_EQ(grant.lifetime, Seconds(0));
  const auto& lease = on(40001)->claims[0].lease;
  EXPECT_TRUE(lease.is_permanent);
  EXPECT_EQ(lease.granted, Seconds(0));
  EXPECT_EQ(doors(), whole(40001, 8080, kStart + kPermanentHold));
  EXPECT_EQ(table_.next_expiry(), kStart + kHalfHold);
}

TEST_F(MappingTableIgdTest, APermanentClaimIsProlongedAtHalfOfItsHoldForEver) {
  (void)ask(permanent(40001));
  Moment now = kStart;
  for (int i = 0; i < 100; ++i) {
    now += kHalfHold - Seconds(1);
    table_.expire(now);
    EXPECT_TRUE(table_.staged_changes().empty()) << "not yet";
    now += Seconds(1);
    table_.expire(now);
    const auto changes = table_.staged_changes();
    ASSERT_EQ(changes.size(), 3U);
    for (const auto& change : changes) EXPECT_TRUE(change.is_renewal());
    accept();
    EXPECT_EQ(changes_, std::vector{ListChange::none});
    ASSERT_EQ(doors(), whole(40001, 8080, now + kPermanentHold));
  }
}

TEST_F(MappingTableIgdTest, ARefusedProlongationIsTriedAgain) {
  (void)ask(permanent(40001));
  Moment now = kStart + kHalfHold;
  table_.expire(now);
  table_.roll_back();
  table_.refuse(forward_key(40001));
  table_.expire(now);
  EXPECT_TRUE(table_.staged_changes().empty());
  accept();
  ASSERT_TRUE(table_.is_consistent());
  EXPECT_EQ(table_.next_expiry(), now + Seconds(1));

  // Not even after the kernel has ended the doors is it given up.
  now = kStart + kPermanentHold + Seconds(5);
  table_.refuse_all();
  table_.expire(now);
  accept();
  ASSERT_TRUE(on(40001));
  ASSERT_TRUE(table_.is_consistent());
  now += Seconds(1);
  EXPECT_EQ(table_.next_expiry(), now);
  table_.expire(now);
  EXPECT_EQ(table_.staged_changes().size(), 3U);
  accept();
  EXPECT_EQ(doors(), whole(40001, 8080, now + kPermanentHold));
}

TEST_F(MappingTableIgdTest, APermanentClaimOutlivesTheOthers) {
  (void)ask(permanent(40001));
  (void)ask(wish(kHostA, Protocol::udp, 8080, 40001, Seconds(60)));
  ASSERT_EQ(on(40001)->claims.size(), 2U);
  table_.expire(kStart + Seconds(60));
  accept();
  ASSERT_EQ(on(40001)->claims.size(), 1U);
  EXPECT_EQ(on(40001)->ends(), kStart + kPermanentHold) << "it was not due yet";
}

TEST_F(MappingTableIgdTest, APermanentClaimGetsAnEndAndLosesIt) {
  (void)ask(permanent(40001));
  EXPECT_EQ(ask(igd(40001)).lifetime, Seconds(60));
  EXPECT_EQ(changes_, std::vector{ListChange::entry});
  EXPECT_EQ(doors(), whole(40001));
  EXPECT_EQ(ask(permanent(40001)).lifetime, Seconds(0));
  table_.expire(kStart + Seconds(60));
  EXPECT_TRUE(on(40001));
  EXPECT_FALSE(error_of(igd(40001)));
  table_.expire(kStart + Seconds(120));
  EXPECT_FALSE(on(40001));
}

TEST_F(MappingTableIgdTest, ALeaseHasALimitOfItsOwn) {
  auto request = igd(40001);
  request.lifetime = Seconds(2592000);
  EXPECT_EQ(ask(request).lifetime, Seconds(604800));
  request.lifetime_limit = LifetimeLimit::max_lifetime;
  EXPECT_EQ(ask(request).lifetime, Seconds(86400));
}

TEST_F(MappingTableIgdTest, ADisabledMappingKeepsItsPortAndHasNoDoors) {
  (void)ask(disabled(40001));
  EXPECT_TRUE(doors().empty());
  EXPECT_EQ(error_of(igd(40001, 8080, kHostB)), MapError::external_port_taken);
  EXPECT_EQ(table_.listed(0), on(40001));

  (void)ask(igd(40001));
  EXPECT_EQ(changes_, std::vector{ListChange::entry});
  EXPECT_EQ(doors(), whole(40001));
  (void)ask(disabled(40001));
  EXPECT_EQ(changes_, std::vector{ListChange::entry});
  EXPECT_TRUE(doors().empty());
}

TEST_F(MappingTableIgdTest, ADisabledMappingEndsInTime) {
  (void)ask(disabled(40001));
  table_.expire(kStart + Seconds(60));
  EXPECT_TRUE(table_.staged_changes().empty());
  accept();
  EXPECT_EQ(changes_, std::vector{ListChange::count});
  EXPECT_FALSE(on(40001));
}

TEST_F(MappingTableIgdTest, AnotherClaimOpensADisabledMappingForItsOwnTime) {
  auto request = disabled(40001);
  request.lifetime = Seconds(600);
  (void)ask(request);
  (void)ask(wish(kHostA, Protocol::udp, 8080, 0, Seconds(60)));
  EXPECT_EQ(doors(), whole(40001)) << "the disabled claim's end holds no door open";
  table_.expire(kStart + Seconds(60));
  accept();
  EXPECT_TRUE(doors().empty());
  EXPECT_TRUE(on(40001));
}

TEST_F(MappingTableIgdTest, BesideADisabledClaimOnlyTheRemotePeersComeIn) {
  (void)ask(disabled(40001));
  (void)ask(peer());
  ASSERT_EQ(on(40001)->claims.size(), 2U);
  const RemoteFilters only_peer{{*Prefix::parse("192.0.2.1"), 9000, 9000}};
  EXPECT_EQ(std::get<Forward4>(doors().front().door).filters, only_peer);
  (void)ask(igd(40001));
  EXPECT_TRUE(std::get<Forward4>(doors().front().door).filters.empty());
}

TEST_F(MappingTableIgdTest, ADisabledOldestLeavesTheOutboundPortToAYoungerOne) {
  (void)ask(disabled(40001));
  (void)ask(igd(40002));
  EXPECT_EQ(doors(), whole(40002));
  EXPECT_EQ(table_.find_by_internal(Protocol::udp, {kHostA, 8080}), on(40002));
  (void)ask(disabled(40003));
  EXPECT_EQ(doors(), whole(40002));
}

TEST_F(MappingTableIgdTest, TheOutboundPortStaysWhenAnOlderOneIsEnabledAgain) {
  (void)ask(disabled(40001));
  (void)ask(igd(40002));
  (void)ask(igd(40001));
  auto expected = whole(40002);
  expected.push_back(forward(40001));
  EXPECT_EQ(doors(), sorted(expected));
}

TEST_F(MappingTableIgdTest, WhoIsDisabledHandsTheOutboundPortOn) {
  (void)ask(igd(40001));
  (void)ask(igd(40002));
  (void)ask(igd(40003));
  (void)ask(disabled(40002));
  ASSERT_TRUE(table_.request(disabled(40001), kStart));
  const auto changes = table_.staged_changes();
  const auto* outbound = staged(changes, outbound_key());
  ASSERT_TRUE(outbound && outbound->before && outbound->after);
  EXPECT_EQ(std::get<Outbound4>(outbound->after->door).external, (Endpoint{kWan, 40003}));
  accept();
  EXPECT_EQ(doors(), whole(40003)) << "the next oldest is disabled, too";

  (void)ask(disabled(40003));
  EXPECT_TRUE(doors().empty());
  (void)ask(igd(40002));
  EXPECT_EQ(doors(), whole(40002));
}

TEST_F(MappingTableIgdTest, WhenTheOnlyOpenOneEndsADisabledOneStandsForTheInside) {
  (void)ask(igd(40001));
  (void)ask(disabled(40002));
  ASSERT_TRUE(table_.release(on(40001)->id, kUpnpA));
  accept();
  EXPECT_EQ(table_.find_by_internal(Protocol::udp, {kHostA, 8080}), on(40002));
  EXPECT_TRUE(doors().empty());
}

TEST_F(MappingTableIgdTest, ARefusedChangeOfEnabledChangesNothing) {
  (void)ask(disabled(40001));
  (void)ask(disabled(40002));
  // The younger one would take over from the first.
  for (const auto& key : {forward_key(40002), outbound_key()}) {
    table_.refuse(key);
    EXPECT_EQ(error_of(igd(40002)), MapError::backend_refused);
    EXPECT_TRUE(table_.staged_changes().empty());
    accept();
    EXPECT_TRUE(changes_.empty());
    EXPECT_TRUE(on(40001)->is_primary);
    ASSERT_TRUE(table_.is_consistent());
  }
  (void)ask(igd(40002));
  (void)ask(igd(40001));
  for (const auto& key : {forward_key(40002), outbound_key()}) {
    table_.refuse(key);
    EXPECT_EQ(error_of(disabled(40002)), MapError::backend_refused);
    EXPECT_TRUE(table_.staged_changes().empty());
    accept();
    EXPECT_TRUE(on(40002)->is_primary);
    ASSERT_TRUE(table_.is_consistent());
  }
}

TEST_F(MappingTableIgdTest, ARollBackGivesTheOutboundPortBack) {
  (void)ask(igd(40001));
  (void)ask(igd(40002));
  const auto before = doors();
  ASSERT_TRUE(table_.request(disabled(40001), kStart));
  ASSERT_TRUE(table_.request(disabled(40002), kStart));
  ASSERT_TRUE(table_.request(igd(40003), kStart));
  EXPECT_EQ(doors(), whole(40003));
  table_.roll_back();
  EXPECT_EQ(doors(), before);
  EXPECT_TRUE(table_.is_consistent());
}

}  // namespace
}  // namespace postern
