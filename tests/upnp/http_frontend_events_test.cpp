#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/upnp/http_house.h"

// From a change of the gateway to the message that a subscriber gets.
namespace postern::upnp {
namespace {

using namespace test;
using testing::IsEmpty;
using testing::SizeIs;

class UpnpEventsTest : public testing::Test {
 protected:
  UpnpEventsTest() {
    house_.start();
    // Nothing is due but what a test does.
    (void)house_.pass(Seconds(600));
  }
  ~UpnpEventsTest() override { EXPECT_TRUE(house_.gateway.is_consistent(house_.now)); }

  /// The one event that leaves within the next moments.
  Properties next_event() {
    const auto events = house_.pass(Seconds(1));
    if (events.size() != 1) ADD_FAILURE() << events.size() << " events";
    return events.empty() ? Properties() : events[0].properties;
  }

  HttpHouse house_;
};

// GENA-01, 07, IGD-130
TEST_F(UpnpEventsTest, BeginWithTheTurnThatSubscribes) {
  const auto first = house_.subscribe();
  EXPECT_EQ(first.seq(), "0");
  EXPECT_EQ(first.properties, (Properties{{"PossibleConnectionTypes", "IP_Routed"},
                                          {"ConnectionStatus", "Connected"},
                                          {"ExternalIPAddress", kWan.to_string()},
                                          {"PortMappingNumberOfEntries", "0"},
                                          {"SystemUpdateID", "0"}}));
  EXPECT_EQ(house_.count("subscribe", "success"), 1U);
}

TEST_F(UpnpEventsTest, AreCountedByHowTheyEnd) {
  const auto sid = house_.subscribe().sid();
  EXPECT_EQ(house_.renew(sid).status, 200);
  EXPECT_EQ(house_.count("subscribe", "success"), 2U);
  EXPECT_EQ(house_.renew("uuid:none").status, 412);
  EXPECT_EQ(house_.count("subscribe", "precondition failed"), 1U);
  const auto unsubscribe = [&](Headers headers) {
    return house_.ask(gena_request(kHostA, "UNSUBSCRIBE", std::move(headers))).status;
  };
  EXPECT_EQ(unsubscribe({{"SID", sid}, {"NT", "upnp:event"}}), 400);
  EXPECT_EQ(house_.count("unsubscribe", "incompatible headers"), 1U);
  EXPECT_EQ(unsubscribe({{"SID", sid}}), 200);
  EXPECT_EQ(house_.count("unsubscribe", "success"), 1U);
  EXPECT_EQ(house_.upnp.subscriptions(), 0U);
}

// GENA-19
TEST_F(UpnpEventsTest, AreBoundedInNumber) {
  for (int i = 0; i < 8; ++i) (void)house_.subscribe();
  EXPECT_EQ(house_
                .ask(gena_request(kHostA, "SUBSCRIBE",
                                  {{"CALLBACK", callback_at(kHostA)}, {"NT", "upnp:event"}}))
                .status,
            503);
  EXPECT_EQ(house_.count("subscribe", "too many subscriptions"), 1U);
}

// IGD-131, 133
TEST_F(UpnpEventsTest, TellOfMappingsOfOtherProtocols) {
  (void)house_.subscribe();
  house_.now += Seconds(1);
  house_.map(kHostB, 4000);
  EXPECT_LE(*house_.gateway.next_timeout(), house_.now);
  const auto events = house_.pass(Milliseconds(0));
  ASSERT_THAT(events, SizeIs(1)) << "not at once";
  EXPECT_EQ(events[0].properties,
            (Properties{{"PortMappingNumberOfEntries", "1"}, {"SystemUpdateID", "1"}}));
  house_.now += Seconds(1);
  house_.map(kHostB, 4000, 0);
  EXPECT_EQ(next_event(),
            (Properties{{"PortMappingNumberOfEntries", "0"}, {"SystemUpdateID", "2"}}));
}

// IGD-131
TEST_F(UpnpEventsTest, TellOfMappingsInTheTurnThatMakesThem) {
  (void)house_.subscribe();
  house_.now += Seconds(1);
  const auto events = house_.answered(house_.serve(HttpHouse::call_request(
      "AddPortMapping", with(kAddArguments, "192.168.77.2", kHostA.to_string()))));
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].seq(), "1");
  EXPECT_EQ(events[0].properties,
            (Properties{{"PortMappingNumberOfEntries", "1"}, {"SystemUpdateID", "1"}}));
}

// IGD-132
TEST_F(UpnpEventsTest, CountAChangeOfManyEntriesOnce) {
  house_.map(kHostA, 4000, 120);
  house_.map(kHostB, 4001, 120);
  EXPECT_EQ(house_.subscribe().properties.at("SystemUpdateID"), "2");
  const auto events = house_.pass(Seconds(121));
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].properties,
            (Properties{{"PortMappingNumberOfEntries", "0"}, {"SystemUpdateID", "3"}}));
}

// IGD-132: an update is a change, too.
TEST_F(UpnpEventsTest, CountRenewals) {
  house_.map(kHostA, 4000);
  (void)house_.subscribe();
  house_.now += Seconds(100);
  house_.map(kHostA, 4000);
  EXPECT_EQ(next_event(), (Properties{{"SystemUpdateID", "2"}}));
}

// IGD-132
TEST_F(UpnpEventsTest, DoNotCountWhatNoListShows) {
  (void)house_.subscribe();
  const TableEvent pinhole{};
  ASSERT_EQ(pinhole.list_change, TableEvent::ListChange::none);
  house_.upnp.on_table_events({&pinhole, 1}, house_.gateway.state(), house_.now);
  EXPECT_THAT(house_.pass(Seconds(1)), IsEmpty());
}

// IGD-134, 142
TEST_F(UpnpEventsTest, TellOfTheExternalAddress) {
  house_.map(kHostA, 4000);
  (void)house_.subscribe();
  house_.now += Seconds(1);
  auto events = house_.change_network(dual_network(kOtherWan));
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].properties,
            (Properties{{"ExternalIPAddress", kOtherWan.to_string()}, {"SystemUpdateID", "2"}}));
  house_.now += Seconds(1);
  events = house_.change_network(dual_network(std::nullopt));
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].properties,
            (Properties{{"ConnectionStatus", "Disconnected"}, {"ExternalIPAddress", ""}}))
      << "the mapping is still there";
  house_.now += Seconds(1);
  events = house_.change_network(dual_network(kOtherWan));
  ASSERT_THAT(events, SizeIs(1));
  EXPECT_EQ(events[0].properties, (Properties{{"ConnectionStatus", "Connected"},
                                              {"ExternalIPAddress", kOtherWan.to_string()}}));
}

TEST_F(UpnpEventsTest, AreLookedForWhenTheGatewayTellsOfAnything) {
  (void)house_.subscribe();
  const auto tell = [&](GatewayEvent event) {
    EXPECT_GT(*house_.upnp.next_timeout(), house_.now);
    house_.upnp.on_event(event, house_.gateway.state(), house_.now);
    EXPECT_LE(*house_.upnp.next_timeout(), house_.now);
    EXPECT_THAT(house_.pass(Seconds(1)), IsEmpty());
  };
  tell(GatewayEvent::external_address_changed);
  tell(GatewayEvent::lan_changed);
  tell(GatewayEvent::pinholes_lost);
}

// GENA-16
TEST_F(UpnpEventsTest, EndWithTheLanAddress) {
  const auto sid = house_.subscribe().sid();
  (void)house_.subscribe(events_of(), kHostA6);
  EXPECT_EQ(house_.upnp.subscriptions(), 2U);
  (void)house_.change_network(home_network());
  EXPECT_EQ(house_.upnp.subscriptions(), 1U);
  EXPECT_EQ(house_.renew(sid).status, 200);
}

// GENA-12
TEST_F(UpnpEventsTest, GoToTheNextUrlAtOnce) {
  auto turn = house_.serve(gena_request(
      kHostA, "SUBSCRIBE",
      {{"CALLBACK", callback_at(kHostA, 1) + callback_at(kHostA, 2)}, {"NT", "upnp:event"}}));
  house_.now += Eventing::kFirstPause;
  turn = house_.gateway.on_timeout(house_.now);
  ASSERT_THAT(turn.callouts, SizeIs(1));
  turn =
      house_.gateway.on_callout_done(turn.callouts[0].id, CalloutOutcome::unreachable, house_.now);
  ASSERT_THAT(turn.callouts, SizeIs(1));
  EXPECT_EQ(turn.callouts[0].to.port, 2);
}

// IGD-139, 140
TEST_F(UpnpEventsTest, TellOfEveryService) {
  for (const auto view : kViews) {
    for (const auto& service : services()) {
      if (service.version_in(view) == 0) continue;
      const auto first =
          house_.subscribe(events_of(service.id, view),
                           home_v6(static_cast<std::uint8_t>(20 + static_cast<int>(service.id))));
      EXPECT_FALSE(first.properties.empty());
      for (const auto& [name, value] : first.properties) {
        const auto* variable = service.find_variable(name, service.version_in(view));
        ASSERT_NE(variable, nullptr);
        EXPECT_TRUE(variable->allowed.empty() || std::ranges::count(variable->allowed, value) == 1)
            << name << " = " << value;
      }
    }
  }
}

}  // namespace
}  // namespace postern::upnp
