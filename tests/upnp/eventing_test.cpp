#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/upnp/eventing_fixture.h"

// Subscriptions: who may have one, and for how long.
namespace postern::upnp {
namespace {

using namespace test;
using testing::IsEmpty;
using testing::SizeIs;

// GENA-01, Q-66
TEST_F(EventingTest, GivesASubscription) {
  const auto reply = subscribe();
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(header_of(reply, "TIMEOUT"), "Second-1800");
  EXPECT_EQ(header_of(reply, "SID"), "uuid:00000000-0000-4000-8000-000000000001");
  EXPECT_EQ(reply.body, "");
}

// GENA-04
TEST_F(EventingTest, GrantsWhatIsAskedFor) {
  const auto reply = subscribe(kHostA, events_of(), {{"TIMEOUT", "Second-7200"}});
  EXPECT_EQ(header_of(reply, "TIMEOUT"), "Second-7200");
  (void)pass(Seconds(7199));
  EXPECT_EQ(renew(header_of(reply, "SID")).status, 200);
  (void)pass(Seconds(1800));
  EXPECT_EQ(renew(header_of(reply, "SID")).status, 412);
}

// GENA-06
TEST_F(EventingTest, GivesEachASidOfItsOwn) {
  std::set<std::string> sids;
  for (int i = 0; i < 8; ++i) sids.insert(subscribed());
  EXPECT_THAT(sids, SizeIs(8));
}

// GENA-02
TEST_F(EventingTest, RefusesWhatIsNoSubscription) {
  EXPECT_EQ(ask(kHostA, "SUBSCRIBE", {{"NT", "upnp:event"}}).status, 412);
  EXPECT_EQ(ask(kHostA, "SUBSCRIBE", {{"SID", "uuid:1"}, {"NT", "upnp:event"}}).status, 400);
  EXPECT_EQ(subscribe(kHostA, events_of(), {{"CALLBACK", callback_at(kHostB)}}).status, 412);
  EXPECT_EQ(eventing_.size(), 0U);
  EXPECT_FALSE(eventing_.next_timeout());
  EXPECT_THAT(due(), IsEmpty());
}

// GENA-03, Q-66
TEST_F(EventingTest, RenewsWithoutAnEvent) {
  const auto sid = subscribed();
  EXPECT_THAT(deliver(), SizeIs(1));
  now_ += Seconds(1700);
  const auto reply = renew(sid);
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(header_of(reply, "SID"), sid);
  EXPECT_EQ(header_of(reply, "TIMEOUT"), "Second-1800");
  EXPECT_THAT(pass(Seconds(1799)), IsEmpty());
  set(VariableId::external_ip_address, "198.51.100.9");
  const auto events = deliver();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].seq(), "1") << "SEQ continues";
}

// GENA-06
TEST_F(EventingTest, KeepsSubscriptionsFromOtherHosts) {
  const auto sid = subscribed();
  EXPECT_EQ(ask(kHostB, "SUBSCRIBE", {{"SID", sid}}).status, 412);
  EXPECT_EQ(ask(kHostB, "UNSUBSCRIBE", {{"SID", sid}}).status, 412);
  EXPECT_EQ(eventing_.size(), 1U);
  EXPECT_EQ(renew(sid).status, 200);
}

// GENA-03
TEST_F(EventingTest, KnowsNoSidThatExpired) {
  const auto sid = subscribed();
  (void)deliver();
  EXPECT_EQ(eventing_.next_timeout(), now_ + Seconds(1800) - Eventing::kFirstPause);
  now_ += Seconds(1800);
  EXPECT_EQ(renew(sid).status, 412);
  EXPECT_EQ(unsubscribe(sid).status, 412);
  EXPECT_EQ(eventing_.size(), 0U);
  EXPECT_EQ(renew("uuid:00000000-0000-4000-8000-000000000009").status, 412);
  EXPECT_EQ(renew("").status, 412);
}

TEST_F(EventingTest, ForgetsWhoDoesNotRenew) {
  (void)subscribed();
  (void)deliver();
  (void)pass(Seconds(1800));
  EXPECT_EQ(eventing_.size(), 0U);
  EXPECT_FALSE(eventing_.next_timeout());
}

// GENA-05
TEST_F(EventingTest, EndsASubscription) {
  const auto sid = subscribed();
  const auto other = subscribed(kHostB);
  EXPECT_THAT(deliver(), SizeIs(2));
  set(VariableId::external_ip_address, "198.51.100.9");
  EXPECT_EQ(unsubscribe(sid).status, 200);
  EXPECT_EQ(unsubscribe(sid).status, 412);
  EXPECT_EQ(renew(sid).status, 412);
  EXPECT_EQ(ask(kHostA, "UNSUBSCRIBE", {}).status, 412);
  EXPECT_EQ(ask(kHostA, "UNSUBSCRIBE", {{"SID", other}, {"NT", "upnp:event"}}).status, 400);
  const auto events = pass(Seconds(10));
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].sid(), other);
}

// GENA-06
TEST_F(EventingTest, KnowsASidOnlyAtItsUrl) {
  const auto sid = subscribed();
  for (const auto& other : {events_of(ServiceId::wan_ip_connection, View::igd1),
                            events_of(ServiceId::layer3_forwarding, View::igd2)}) {
    EXPECT_EQ(renew(sid, other).status, 412);
    EXPECT_EQ(unsubscribe(sid, other).status, 412);
  }
  EXPECT_EQ(renew(sid).status, 200);
}

// GENA-14, 19
TEST_F(EventingTest, HasRoomForEightOfAHost) {
  std::string sid;
  for (int i = 0; i < 8; ++i) sid = subscribed();
  EXPECT_EQ(subscribe().status, 503);
  EXPECT_EQ(subscribe(kHostB).status, 200);
  EXPECT_EQ(subscribe(kHostA6).status, 200) << "nobody knows whose address that is";
  (void)deliver();
  EXPECT_EQ(unsubscribe(sid).status, 200);
  EXPECT_EQ(subscribe().status, 200);
  EXPECT_EQ(subscribe().status, 503);
  EXPECT_EQ(renew(sid).status, 412);
}

// GENA-14, 19
TEST_F(EventingTest, KnowsAHostByItsHardwareAddress) {
  const Address first = home_v6(20);
  for (std::uint8_t i = 0; i < 9; ++i) neighbours_.link(first, home_v6(20 + i));
  (void)subscribed(first);
  for (std::uint8_t i = 1; i < 8; ++i) {
    // Each of them is linked to the first alone, so only that one sees eight.
    (void)subscribed(home_v6(20 + i));
  }
  EXPECT_EQ(subscribe(first).status, 503);
  EXPECT_EQ(subscribe(kHostB).status, 200);
}

// GENA-14, 19
TEST_F(EventingTest, HasRoomForSixtyFourInAll) {
  for (std::uint8_t i = 0; i < 64; ++i) {
    (void)subscribed(home_v6(static_cast<std::uint8_t>(20 + i)));
  }
  EXPECT_EQ(subscribe(kHostA).status, 503);
  EXPECT_EQ(subscribe(home_v6(20)).status, 503);
  EXPECT_EQ(eventing_.size(), Eventing::kMostSubscriptions);
  EXPECT_THAT(deliver(), SizeIs(64));
  (void)pass(Seconds(1800));
  EXPECT_EQ(subscribe(kHostA).status, 200);
}

// GENA-14, 15: whoever does not answer cannot collect messages that are under way.
TEST_F(EventingTest, CountsWhoIsStillBeingTold) {
  std::vector<Notify> waiting;
  for (int i = 0; i < 8; ++i) {
    const auto sid = subscribed();
    for (auto& notify : due()) waiting.push_back(std::move(notify));
    EXPECT_EQ(unsubscribe(sid).status, 200);
    EXPECT_EQ(renew(sid).status, 412);
  }
  EXPECT_THAT(waiting, SizeIs(8));
  EXPECT_EQ(subscribe().status, 503);
  done(waiting[0], CalloutOutcome::unanswered);
  EXPECT_EQ(subscribe().status, 200);
}

// GENA-16
TEST_F(EventingTest, EndsWithTheAddressItWasMadeOn) {
  const auto sid = subscribed(kHostA);
  const auto sid6 = subscribed(kHostA6);
  const auto renew6 = [&] { return ask(kHostA6, "SUBSCRIBE", {{"SID", sid6}}).status; };
  (void)deliver();
  eventing_.on_lan_changed(dual_network());
  EXPECT_EQ(renew(sid).status, 200);
  EXPECT_EQ(renew6(), 200);
  eventing_.on_lan_changed(home_network());
  EXPECT_EQ(renew(sid).status, 200);
  EXPECT_EQ(renew6(), 412);
  auto moved = home_network();
  moved.lan[0].addresses = {{kHostC, 24}};
  eventing_.on_lan_changed(moved);
  EXPECT_EQ(renew(sid).status, 412);
  EXPECT_EQ(eventing_.size(), 0U);
}

// GENA-16
TEST_F(EventingTest, EndsWithTheInterfaceItWasMadeOn) {
  const auto sid = subscribed(kHostALinkLocal);
  (void)deliver();
  auto network = dual_network();
  // The same address on another link.
  network.lan[0].index = kLanIndex + 1;
  eventing_.on_lan_changed(network);
  EXPECT_EQ(renew(sid).status, 412);
}

TEST_F(EventingTest, ReadsNothingWhileNobodySubscribes) {
  set(VariableId::external_ip_address, "198.51.100.9");
  EXPECT_FALSE(eventing_.next_timeout());
  EXPECT_THAT(due(), IsEmpty());
  EXPECT_EQ(reads_, 0);
  const auto sid = subscribed();
  (void)deliver();
  EXPECT_EQ(reads_, 5);
  (void)unsubscribe(sid);
  set(VariableId::external_ip_address, "198.51.100.10");
  EXPECT_FALSE(eventing_.next_timeout());
  EXPECT_THAT(due(), IsEmpty());
  EXPECT_EQ(reads_, 5);
}

}  // namespace
}  // namespace postern::upnp
