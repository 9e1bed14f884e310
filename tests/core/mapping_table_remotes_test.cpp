#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/table_fixture.h"

// Inbound claims that let in one remote host or port each (UPnP IGD, AddPinhole).
namespace postern {
namespace {

using namespace test;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

constexpr Address kPeer = home_v6(0x99);
constexpr Address kAny;

class MappingTableRemotesTest : public testing::Test {
 protected:
  MappingTableRemotesTest() { table_.set_lan_prefixes({Prefix(kGateway6, 64)}); }

  [[nodiscard]] static Claimant admitting(const Endpoint& remote) {
    return {kFrontend, kHostA6, remote, true};
  }
  Result<Grant, MapError> ask(const Claimant& claimant, Seconds lifetime = Seconds(60)) {
    auto request = wish(kHostA6, Protocol::udp, 6000, 0, lifetime);
    request.claimant = claimant;
    const auto granted = table_.request(request, now_);
    (void)table_.accept();
    EXPECT_TRUE(table_.is_consistent());
    return granted;
  }
  [[nodiscard]] const Mapping* mapping() const {
    return table_.find_by_internal(Protocol::udp, {kHostA6, 6000});
  }

  MappingTable table_ = home_table();
  Moment now_ = kStart;
};

TEST_F(MappingTableRemotesTest, EachLetsInItsOwn) {
  ASSERT_TRUE(ask(admitting({kPeer, 80})));
  ASSERT_TRUE(ask(admitting({kHostB6, 0})));
  ASSERT_TRUE(ask(admitting({kAny, 53})));
  EXPECT_TRUE(mapping()->has_inbound_claim());
  EXPECT_EQ(mapping()->remote_count(), 3U);
  EXPECT_THAT(mapping()->admitted(),
              UnorderedElementsAre(RemoteFilter{Prefix(kAny, 0), 53, 53},
                                   RemoteFilter{Prefix::of(kPeer), 80, 80},
                                   RemoteFilter{Prefix::of(kHostB6), 0, 52},
                                   RemoteFilter{Prefix::of(kHostB6), 54, 65535}));
}

TEST_F(MappingTableRemotesTest, AreNotWhatAPeerIs) {
  ASSERT_TRUE(ask(admitting({kPeer, 80})));
  EXPECT_FALSE(mapping()->claim_of({kFrontend, kHostA6, Endpoint{kPeer, 80}}));
  // Unlike PEER's, a lease may become shorter.
  ASSERT_TRUE(ask(admitting({kPeer, 80}), Seconds(10)));
  EXPECT_EQ(mapping()->ends(), kStart + Seconds(10));
  EXPECT_EQ(mapping()->claims.size(), 1U);
}

TEST_F(MappingTableRemotesTest, TheFiltersOfOthersDoNotMatterToThem) {
  auto filtered = wish(kHostA6, Protocol::udp, 6000);
  filtered.claimant.frontend = kOtherFrontend;
  filtered.filters = RemoteFilters{{Prefix::of(kHostB6)}};
  ASSERT_TRUE(table_.request(filtered, now_));
  ASSERT_TRUE(ask(admitting({kPeer, 0}), Seconds(600)));
  EXPECT_THAT(mapping()->admitted(), UnorderedElementsAre(RemoteFilter{Prefix::of(kPeer)},
                                                          RemoteFilter{Prefix::of(kHostB6)}));
  table_.expire(kStart + Seconds(60));
  EXPECT_THAT(mapping()->filters, IsEmpty());
  EXPECT_THAT(mapping()->admitted(), UnorderedElementsAre(RemoteFilter{Prefix::of(kPeer)}));
}

TEST_F(MappingTableRemotesTest, LeaveWhatAnEarlierRunLeft) {
  const TimedDoor left{Pinhole6{Protocol::udp, {kHostA6, 6000}}, kStart + Seconds(600)};
  table_.adopt({&left, 1}, kStart);
  ASSERT_TRUE(ask(admitting({kPeer, 0})));
  EXPECT_EQ(mapping()->claims.size(), 2U);
  EXPECT_THAT(mapping()->admitted(), IsEmpty());
}

TEST_F(MappingTableRemotesTest, ATagStaysWithItsClaim) {
  auto request = wish(kHostA6, Protocol::udp, 6000);
  request.tag = 7;
  ASSERT_TRUE(table_.request(request, now_));
  EXPECT_EQ(mapping()->claims.at(0).details->tag, 7);
}

}  // namespace
}  // namespace postern
