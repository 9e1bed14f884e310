#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/upnp/action_house.h"

// What is noted of actions that the table, or the action itself, refuses.
namespace postern::upnp {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::IsEmpty;

class UpnpRefusals : public testing::Test {
 protected:
  [[nodiscard]] static std::vector<Rule> rules() {
    Rule taboo;
    taboo.name = "taboo";
    taboo.action = Rule::Action::deny;
    taboo.external_ports = PortSet({{7000, 7009}});
    taboo.internal_ports = PortSet::all();
    Rule none_for_b = taboo;
    none_for_b.name = "not b";
    none_for_b.lan_clients = false;
    none_for_b.client_prefixes = {Prefix::of(kHostB)};
    none_for_b.external_ports = PortSet::all();
    return {none_for_b, taboo, default_rule()};
  }
  [[nodiscard]] std::vector<std::pair<MapError, std::string>> refusals() {
    std::vector<std::pair<MapError, std::string>> told;
    for (const auto& refusal : house.state.table.take_refusals()) {
      EXPECT_EQ(refusal.claimant.frontend, "upnp");
      told.emplace_back(refusal.error, refusal.rule);
    }
    return told;
  }

  ActionHouse house{{}, rules()};
  Client a{house, kHostA};
  Client b{house, kHostB};
};

TEST_F(UpnpRefusals, NameTheRule) {
  EXPECT_EQ(b.add({.external = 8000}).code, 606);
  EXPECT_EQ(a.add({.external = 7000}).code, 606);
  EXPECT_THAT(refusals(), ElementsAre(std::pair{MapError::not_authorized, "not b"},
                                      std::pair{MapError::external_port_denied, "taboo"}));
}

TEST_F(UpnpRefusals, NameNoRuleForAConflict) {
  ASSERT_EQ(a.add({.external = 8000}).code, 0);
  house.map("natpmp", kHostC, 8001, 8001);
  EXPECT_NE(a.add({.external = 8001}).code, 0);
  EXPECT_THAT(refusals(), ElementsAre(std::pair{MapError::external_port_taken, ""}));
}

TEST_F(UpnpRefusals, AnotherPortInsteadIsNone) {
  EXPECT_EQ(a.add_any({.external = 7000}).code, 0);
  EXPECT_THAT(refusals(), IsEmpty());
}

TEST_F(UpnpRefusals, OfSeveralTriesIsOne) {
  house.set_wan(std::nullopt);
  EXPECT_NE(a.add_any({.external = 7000}).code, 0);
  EXPECT_THAT(refusals(), ElementsAre(std::pair{MapError::no_external_address, ""}));
  EXPECT_NE(b.add_any({.external = 8000}).code, 0);
  EXPECT_THAT(refusals(), ElementsAre(std::pair{MapError::not_authorized, "not b"}));
}

TEST_F(UpnpRefusals, TellWhoTriedToDeleteWhatIsAnothers) {
  ASSERT_EQ(a.add({.external = 8000}).code, 0);
  EXPECT_EQ(b.erase(8000).code, 606);
  const auto told = house.state.table.take_refusals();
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].claimant, (Claimant{"upnp", kHostB}));
  EXPECT_EQ(told[0].internal.address, kHostA);
  EXPECT_EQ(told[0].suggested_external_port, 8000);
}

TEST_F(UpnpRefusals, TellOfHostsThatAreNone) {
  EXPECT_NE(a.add({.external = 8000, .client = kGateway.to_string()}).code, 0);
  EXPECT_THAT(refusals(), ElementsAre(std::pair{MapError::not_authorized, ""}));
}

}  // namespace
}  // namespace postern::upnp
