#include <gtest/gtest.h>

#include "core/explain.h"
#include "protocols/upnp/mapping_intent.h"
#include "tests/upnp/action_house.h"

// What is said of an action is what comes of it.
namespace postern::upnp {
namespace {

using namespace test;

class UpnpExplained : public testing::Test {
 protected:
  [[nodiscard]] Explanation explained(const Question& question) {
    const Kernel kernel{house.neighbours, house.wan, house.doors};
    const auto intent = intent_of(question, house.settings, kernel, house.state);
    return explain(house.state.table, intent, house.now);
  }
  [[nodiscard]] static Question about(std::uint16_t external, std::uint16_t internal,
                                      std::uint32_t lease = 3600) {
    return {kHostA, Protocol::tcp, {kHostA, internal}, external, lease};
  }
  [[nodiscard]] MappingId id_at(std::uint16_t port) const {
    return house.state.table.find_by_external_port(Protocol::tcp, port)->id;
  }

  ActionHouse house;
  Client a{house, kHostA};
  Client b{house, kHostB};
};

TEST_F(UpnpExplained, ALeaseOfZeroHasNoEnd) {
  const auto told = explained(about(7000, 6000, 0));
  ASSERT_TRUE(told.outcome);
  EXPECT_EQ(told.outcome->grant.lifetime, Seconds(0)) << "AddPortMapping";
  EXPECT_EQ(explained(about(0, 6000, 0)).outcome->grant.lifetime, Seconds(604800))
      << "AddAnyPortMapping";
}

TEST_F(UpnpExplained, OnesOwnPortIsRenewedOrMoved) {
  ASSERT_EQ(a.add({.external = 7000, .internal = 6000}).code, 0);
  for (const std::uint16_t internal : {std::uint16_t{6000}, std::uint16_t{6001}}) {
    const auto told = explained(about(7000, internal));
    ASSERT_TRUE(told.outcome) << internal;
    EXPECT_EQ(told.outcome->existing, id_at(7000));
    EXPECT_EQ(told.outcome->external.port, 7000);
    EXPECT_EQ(a.add({.external = 7000, .internal = internal}).code, 0);
  }
}

TEST_F(UpnpExplained, AnothersPortIsTaken) {
  ASSERT_EQ(b.add({.external = 7000, .internal = 6000}).code, 0);
  const auto told = explained(about(7000, 6000));
  ASSERT_FALSE(told.outcome);
  EXPECT_EQ(told.outcome.error(), MapError::external_port_taken);
  EXPECT_NE(a.add({.external = 7000, .internal = 6000}).code, 0);
}

TEST_F(UpnpExplained, ThePolicyComesFirst) {
  ASSERT_EQ(b.add({.external = 7000, .internal = 6000}).code, 0);
  const auto told = explained(about(80, 6000));
  ASSERT_FALSE(told.outcome);
  EXPECT_EQ(told.outcome.error(), MapError::external_port_denied);
}

TEST_F(UpnpExplained, AnyPortIsTheOneThatTheInsideHas) {
  ASSERT_EQ(a.add({.external = 7000, .internal = 6000}).code, 0);
  const auto told = explained(about(0, 6000));
  ASSERT_TRUE(told.outcome);
  EXPECT_EQ(told.outcome->external.port, 7000);
  const auto other = explained(about(0, 6001));
  ASSERT_TRUE(other.outcome);
  EXPECT_FALSE(other.outcome->existing);
  EXPECT_EQ(a.add_any({.external = 0, .internal = 6001}).number(0), other.outcome->external.port);
}

TEST_F(UpnpExplained, OnlyHostsOfTheLanAreOpened) {
  auto asked = about(7000, 6000);
  asked.internal.address = kGateway;
  EXPECT_EQ(explained(asked).own_word, "no_lan_host");
  asked.internal.address = kHostB;
  const auto told = explained(asked);
  EXPECT_EQ(told.outcome.error(), MapError::not_authorized);
  EXPECT_EQ(told.rules[0].match, RuleMatch::for_another_host);
  house.neighbours.link(kHostA, kHostB);
  EXPECT_TRUE(explained(asked).outcome) << "it is the same machine";
}

TEST_F(UpnpExplained, APinholeThatOthersFilterIsNotOpened) {
  const Question asked{kHostA6, Protocol::tcp, {kHostA6, 6000}, 0, 3600};
  EXPECT_TRUE(explained(asked).outcome);
  MapRequest filtered;
  filtered.claimant = {"pcp", kHostA6};
  filtered.protocol = Protocol::tcp;
  filtered.internal = {kHostA6, 6000};
  filtered.lifetime = Seconds(60);
  filtered.filters = RemoteFilters{{Prefix::of(*Address::parse("2001:db8:9::9"))}};
  ASSERT_TRUE(house.state.table.request(filtered, house.now));
  EXPECT_EQ(explained(asked).outcome.error(), MapError::not_authorized);
}

}  // namespace
}  // namespace postern::upnp
