#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/upnp/eventing_fixture.h"

// Events: what subscribers are told, and when.
namespace postern::upnp {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Key;
using testing::SizeIs;
using testing::UnorderedElementsAre;

const Resource kEvents1 = events_of(ServiceId::wan_ip_connection, View::igd1);

// GENA-07, 08, IGD-130
TEST_F(EventingTest, TellsEverythingFirst) {
  set(VariableId::possible_connection_types, "IP_Routed");
  set(VariableId::connection_status, "Connected");
  set(VariableId::external_ip_address, "198.51.100.7");
  set(VariableId::port_mapping_number_of_entries, 3U);
  set(VariableId::system_update_id, 4294967295U);
  const auto sid = subscribed();
  EXPECT_LE(*eventing_.next_timeout(), now_);
  const auto events = due();
  ASSERT_THAT(events, SizeIs(1));
  const auto& event = events[0];
  EXPECT_EQ(event.sid(), sid);
  EXPECT_EQ(event.seq(), "0");
  EXPECT_EQ(event.properties, (Properties{{"PossibleConnectionTypes", "IP_Routed"},
                                          {"ConnectionStatus", "Connected"},
                                          {"ExternalIPAddress", "198.51.100.7"},
                                          {"PortMappingNumberOfEntries", "3"},
                                          {"SystemUpdateID", "4294967295"}}));
}

// GENA-15
TEST_F(EventingTest, TellsTheCallbackFromTheAddressThatWasAsked) {
  (void)subscribed(kHostALinkLocal);
  const auto events = due();
  ASSERT_THAT(events, SizeIs(1));
  const auto& callout = events[0].callout;
  EXPECT_EQ(callout.to, (Endpoint{kHostALinkLocal, 8000}));
  EXPECT_EQ(callout.from, (Endpoint{kGatewayLinkLocal, 0}));
  EXPECT_EQ(callout.interface_index, kLanIndex);
  EXPECT_EQ(events[0].request.target, "/events");
}

// IGD-130, 139, 140
TEST_F(EventingTest, TellsWhatTheViewHas) {
  const auto names_of = [&](ServiceId service, View view) {
    (void)subscribed(kHostA, events_of(service, view));
    const auto events = deliver();
    std::string names;
    for (const auto& [name, value] : events.at(0).properties) names += name + " ";
    return names;
  };
  EXPECT_EQ(names_of(ServiceId::wan_ip_connection, View::igd1),
            "ConnectionStatus ExternalIPAddress PortMappingNumberOfEntries "
            "PossibleConnectionTypes ");
  EXPECT_EQ(names_of(ServiceId::wan_ppp_connection, View::igd1),
            "ConnectionStatus ExternalIPAddress PortMappingNumberOfEntries "
            "PossibleConnectionTypes ");
  EXPECT_EQ(names_of(ServiceId::wan_common_interface_config, View::igd2), "PhysicalLinkStatus ");
  EXPECT_EQ(names_of(ServiceId::layer3_forwarding, View::igd1), "DefaultConnectionService ");
  EXPECT_EQ(names_of(ServiceId::wan_ipv6_firewall_control, View::igd2),
            "FirewallEnabled InboundPinholeAllowed ");
}

// GENA-10, IGD-131
TEST_F(EventingTest, TellsTogetherWhatChangedTogether) {
  (void)subscribed(kHostA);
  (void)subscribed(kHostB);
  (void)subscribed(kHostC, events_of(ServiceId::wan_common_interface_config));
  (void)deliver();
  now_ += Seconds(1);
  set(VariableId::port_mapping_number_of_entries, 4U);
  set(VariableId::system_update_id, 8U);
  EXPECT_LE(*eventing_.next_timeout(), now_);
  const auto events = deliver();
  ASSERT_THAT(events, SizeIs(2)) << "all subscribers of the service, and no others";
  for (const auto& event : events) {
    EXPECT_EQ(event.seq(), "1");
    EXPECT_EQ(event.properties,
              (Properties{{"PortMappingNumberOfEntries", "4"}, {"SystemUpdateID", "8"}}));
  }
  EXPECT_EQ(events[0].callout.to.address, kHostA);
  EXPECT_EQ(events[1].callout.to.address, kHostB);
}

TEST_F(EventingTest, TellsNothingWhenNothingChanged) {
  (void)subscribed();
  (void)deliver();
  eventing_.note_change();
  EXPECT_LE(*eventing_.next_timeout(), now_);
  EXPECT_THAT(pass(Seconds(10)), IsEmpty());
}

TEST_F(EventingTest, KeepsTheViewsApart) {
  (void)subscribed(kHostA, kEvents1);
  (void)subscribed(kHostB);
  (void)deliver();
  now_ += Seconds(1);
  set(VariableId::port_mapping_number_of_entries, 4U, View::igd1);
  const auto events = deliver();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].callout.to.address, kHostA);
}

// GENA-10
TEST_F(EventingTest, TellsALaterSubscriberWhatIsTrueThen) {
  set(VariableId::external_ip_address, "198.51.100.7");
  (void)subscribed(kHostA);
  (void)deliver();
  now_ += Seconds(1);
  // Nobody told of this change.
  values_[{View::igd2, VariableId::external_ip_address}] = "198.51.100.9";
  (void)subscribed(kHostB);
  const auto events = deliver();
  ASSERT_THAT(events, SizeIs(2));
  EXPECT_EQ(events[0].properties, (Properties{{"ExternalIPAddress", "198.51.100.9"}}));
  EXPECT_EQ(events[1].seq(), "0");
  EXPECT_EQ(events[1].properties.at("ExternalIPAddress"), "198.51.100.9");
}

// GENA-10, 18
TEST_F(EventingTest, TellsTheLastOfManyValues) {
  (void)subscribed();
  (void)deliver();
  std::vector<Notify> events;
  for (std::uint32_t i = 1; i <= 1000; ++i) {
    set(VariableId::system_update_id, i);
    for (auto& event : pass(Milliseconds(1))) events.push_back(std::move(event));
  }
  for (auto& event : pass(Seconds(10))) events.push_back(std::move(event));
  EXPECT_THAT(events, SizeIs(5));
  for (std::size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].seq(), std::to_string(i + 1));
  }
  EXPECT_EQ(events.back().properties.at("SystemUpdateID"), "1000");
}

// GENA-15
TEST_F(EventingTest, DoesNotLetASlowReceiverDelayOthers) {
  (void)subscribed(kHostA);
  (void)subscribed(kHostB);
  auto first = due();
  ASSERT_THAT(first, SizeIs(2));
  done(first[1], CalloutOutcome::answered);
  now_ += Seconds(1);
  set(VariableId::external_ip_address, "198.51.100.8");
  auto next = deliver();
  ASSERT_THAT(next, SizeIs(1));
  EXPECT_EQ(next[0].callout.to.address, kHostB);
  now_ += Seconds(20);
  set(VariableId::external_ip_address, "198.51.100.9");
  set(VariableId::connection_status, "Disconnected");
  next = deliver();
  ASSERT_THAT(next, SizeIs(1));
  EXPECT_EQ(next[0].seq(), "2");
  // Now the slow one gets everything in one message.
  done(first[0], CalloutOutcome::answered);
  next = deliver();
  ASSERT_THAT(next, SizeIs(1));
  EXPECT_EQ(next[0].callout.to.address, kHostA);
  EXPECT_EQ(next[0].seq(), "1");
  EXPECT_EQ(next[0].properties, (Properties{{"ExternalIPAddress", "198.51.100.9"},
                                            {"ConnectionStatus", "Disconnected"}}));
}

// GENA-11
TEST_F(EventingTest, TriesAgainWithTheValueOfThen) {
  (void)subscribed();
  set(VariableId::external_ip_address, "198.51.100.7");
  done(due().at(0), CalloutOutcome::unreachable);
  EXPECT_EQ(eventing_.next_timeout(), now_ + Seconds(1));
  now_ += Seconds(1);
  set(VariableId::external_ip_address, "198.51.100.8");
  const auto again = deliver();
  ASSERT_THAT(again, SizeIs(1));
  EXPECT_EQ(again[0].seq(), "0");
  EXPECT_EQ(again[0].properties.at("ExternalIPAddress"), "198.51.100.8");
  EXPECT_THAT(pass(Seconds(60)), IsEmpty());
}

// GENA-12
TEST_F(EventingTest, TriesTheNextUrl) {
  (void)ask(kHostA, "SUBSCRIBE",
            {{"NT", "upnp:event"},
             {"CALLBACK", callback_at(kHostA, 8000, "/a") + callback_at(kHostA, 9000, "/b")}});
  EXPECT_THAT(due(), IsEmpty()) << "it must not overtake the reply";
  now_ += Eventing::kFirstPause;
  const auto first = due();
  ASSERT_THAT(first, SizeIs(1));
  EXPECT_EQ(first[0].callout.to.port, 8000);
  done(first[0], CalloutOutcome::unreachable);
  EXPECT_LE(*eventing_.next_timeout(), now_);
  const auto second = due();
  ASSERT_THAT(second, SizeIs(1));
  EXPECT_EQ(second[0].callout.to.port, 9000);
  EXPECT_EQ(second[0].request.target, "/b");
  EXPECT_EQ(second[0].header("HOST"), "192.168.1.10:9000");
  EXPECT_EQ(second[0].seq(), "0");
  EXPECT_NE(second[0].callout.id, first[0].callout.id);
}

// GENA-11
TEST_F(EventingTest, ForgetsWhoIsNotThere) {
  const auto sid = subscribed();
  (void)subscribed(kHostB);
  int tries = 0;
  for (std::uint32_t i = 0; i < 10000; ++i) {
    set(VariableId::system_update_id, i);
    for (const auto& event : due()) {
      const bool is_gone = event.sid() == sid;
      tries += is_gone ? 1 : 0;
      done(event, is_gone ? CalloutOutcome::unreachable : CalloutOutcome::answered);
    }
    now_ += Milliseconds(10);
  }
  EXPECT_EQ(tries, Delivery::kMostUnreachable);
  EXPECT_EQ(renew(sid).status, 412);
  EXPECT_EQ(eventing_.size(), 1U);
}

// GENA-11
TEST_F(EventingTest, KeepsWhoIsSilentUntilItExpires) {
  const auto sid = subscribed();
  for (int i = 0; i < 3; ++i) {
    now_ = std::max(now_, *eventing_.next_timeout());
    const auto events = due();
    ASSERT_THAT(events, SizeIs(1));
    now_ += Seconds(30);
    done(events[0], CalloutOutcome::unanswered);
  }
  EXPECT_THAT(pass(Seconds(600)), IsEmpty());
  set(VariableId::external_ip_address, "198.51.100.9");
  const auto events = deliver();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].seq(), "1");
  EXPECT_THAT(events[0].properties, SizeIs(5)) << "what was never told is told with it";
  EXPECT_EQ(renew(sid).status, 200);
}

// GENA-07
TEST_F(EventingTest, TellsEverythingEvenWhenTheSubscriptionEndsAtOnce) {
  const auto sid = subscribed();
  EXPECT_EQ(unsubscribe(sid).status, 200);
  EXPECT_LE(*eventing_.next_timeout(), now_);
  const auto events = due();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].seq(), "0");
  EXPECT_EQ(events[0].sid(), sid);
  EXPECT_THAT(events[0].properties, SizeIs(5));
  set(VariableId::external_ip_address, "198.51.100.9");
  EXPECT_THAT(due(), IsEmpty());
  done(events[0], CalloutOutcome::answered);
  EXPECT_EQ(eventing_.size(), 0U);
  EXPECT_THAT(pass(Seconds(60)), IsEmpty());
}

TEST_F(EventingTest, IgnoresOutcomesOfMessagesThatAreOver) {
  (void)subscribed();
  const auto events = deliver();
  ASSERT_THAT(events, SizeIs(1));
  for (int i = 0; i < 10; ++i) done(events[0], CalloutOutcome::unreachable);
  eventing_.on_done(0, CalloutOutcome::unreachable, now_);
  eventing_.on_done(99, CalloutOutcome::unreachable, now_);
  EXPECT_EQ(eventing_.size(), 1U);
  EXPECT_EQ(eventing_.next_timeout(), now_ + Seconds(1800) - Eventing::kFirstPause);
}

TEST_F(EventingTest, LetsAMessageUnderWayOutliveItsSubscription) {
  (void)subscribed();
  (void)deliver();
  now_ += Seconds(1799);
  set(VariableId::external_ip_address, "198.51.100.9");
  const auto events = due();
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_THAT(pass(Seconds(2)), IsEmpty());
  EXPECT_EQ(eventing_.size(), 1U);
  EXPECT_FALSE(eventing_.next_timeout());
  done(events[0], CalloutOutcome::unanswered);
  EXPECT_EQ(eventing_.size(), 0U);
}

}  // namespace
}  // namespace postern::upnp
