#include "core/explain.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/known_clients.h"
#include "tests/support/table_fixture.h"

namespace postern {
namespace {

using namespace test;

Rule rule(const char* name, Rule::Action action) {
  Rule rule;
  rule.name = name;
  rule.action = action;
  rule.external_ports = rule.internal_ports = PortSet::all();
  return rule;
}

class Explain : public testing::Test {
 protected:
  [[nodiscard]] MappingTable table(std::vector<Rule> rules) {
    Limits limits;
    limits.never_internal_ports = PortSet({{22, 22}});
    MappingTable table(Policy(std::move(rules), limits, &clients_), {.pinholes = true}, 1);
    table.set_external_addresses({kWan});
    table.set_lan_prefixes({*Prefix::parse("192.168.1.0/24"), *Prefix::parse("2001:db8:77::/64")});
    return table;
  }
  [[nodiscard]] static std::vector<std::string> words(const Explanation& explanation) {
    std::vector<std::string> words;
    for (const auto& rule : explanation.rules) words.emplace_back(to_string(rule.match));
    return words;
  }

  KnownClients clients_;
};

TEST_F(Explain, TellsWhatANewMappingWouldBe) {
  auto table = this->table({rule("any", Rule::Action::allow)});
  const auto told = explain(table, wish(kHostA, Protocol::udp, 4000, 5000), kStart);
  ASSERT_TRUE(told.outcome);
  EXPECT_EQ(told.outcome->external, (Endpoint{kWan, 5000}));
  EXPECT_EQ(told.outcome->grant.lifetime, Seconds(60));
  EXPECT_FALSE(told.outcome->existing);
  EXPECT_EQ(told.decider, 0);
  EXPECT_EQ(table.size(), 0U);
  EXPECT_TRUE(table.staged_changes().empty());
}

TEST_F(Explain, TellsWhichMappingWouldBeRenewed) {
  auto table = this->table({rule("any", Rule::Action::allow)});
  for (const auto& host : {kHostA, kHostA6}) {
    const auto granted = table.request(wish(host, Protocol::udp, 4000, 4000), kStart);
    const auto told =
        explain(table, wish(host, Protocol::udp, 4000, 0, Seconds(90)), kStart + Seconds(5));
    ASSERT_TRUE(told.outcome);
    EXPECT_EQ(told.outcome->existing, granted->id);
    EXPECT_EQ(told.outcome->external.port, 4000);
    EXPECT_EQ(told.outcome->grant.lifetime, Seconds(90));
    EXPECT_EQ(table.find(granted->id)->ends(), kStart + Seconds(60)) << "nothing has changed";
  }
}

TEST_F(Explain, TellsWhyNotAndWhichRuleDecided) {
  Rule low = rule("low ones", Rule::Action::deny);
  low.external_ports = PortSet({{1, 4999}});
  auto table = this->table({low, rule("any", Rule::Action::allow)});
  auto exact = wish(kHostA, Protocol::udp, 4000, 4000);
  exact.placement = Placement::only_suggested;
  const auto told = explain(table, exact, kStart);
  ASSERT_FALSE(told.outcome);
  EXPECT_EQ(told.outcome.error(), MapError::external_port_denied);
  EXPECT_EQ(told.decider, 0);
  const auto pinhole = explain(table, wish(kHostA6, Protocol::udp, 4000), kStart);
  EXPECT_EQ(pinhole.outcome.error(), MapError::not_authorized);
  EXPECT_EQ(pinhole.decider, 0);
  EXPECT_THAT(table.take_refusals(), testing::IsEmpty()) << "nobody was refused anything";
}

TEST_F(Explain, TellsWhichPortsEachRuleDecides) {
  Rule low = rule("low ones", Rule::Action::deny);
  low.external_ports = PortSet({{1, 4999}});
  const auto table = this->table({low, rule("any", Rule::Action::allow)});
  const auto told = explain(table, wish(kHostA, Protocol::udp, 4000), kStart);
  ASSERT_EQ(told.rules.size(), 2U);
  EXPECT_EQ(told.rules[0].name, "low ones");
  EXPECT_FALSE(told.rules[0].allows);
  EXPECT_EQ(told.rules[0].decides.to_string(), "1-4999");
  EXPECT_TRUE(told.rules[1].allows);
  EXPECT_EQ(told.rules[1].decides.to_string(), "5000-65535");
  const auto pinhole = explain(table, wish(kHostA6, Protocol::udp, 6000), kStart);
  EXPECT_TRUE(pinhole.rules[0].decides.empty());
  EXPECT_EQ(pinhole.rules[1].decides.to_string(), "6000");
}

TEST_F(Explain, TellsOfEachRuleWhyItIsNotMeant) {
  std::vector<Rule> rules(9, rule("", Rule::Action::allow));
  rules[0].lan_clients = false;
  rules[1].frontends = {"upnp"};
  rules[2].protocol = Protocol::tcp;
  rules[3].internal_ports = PortSet({{4001, 4001}});
  rules[4].interfaces = {"br-guest"};
  rules[5].macs = {MacAddress({0x02, 0, 0, 0, 0, 0x0b})};
  rules[6].interfaces = {"br-lan"};
  rules[7].for_others = true;
  const auto table = this->table(rules);
  clients_.links[kHostA] = {"br-lan", MacAddress({0x02, 0, 0, 0, 0, 0x0a})};
  EXPECT_THAT(words(explain(table, wish(kHostA, Protocol::udp, 4000), kStart)),
              testing::ElementsAre("other_client", "other_frontend", "other_protocol",
                                   "other_internal_port", "other_interface", "other_mac", "matches",
                                   "matches", "matches"));
  auto for_b = wish(kHostA, Protocol::udp, 4000);
  for_b.internal.address = kHostB;
  EXPECT_THAT(words(explain(table, for_b, kStart)),
              testing::ElementsAre("other_client", "other_frontend", "other_protocol",
                                   "other_internal_port", "for_another_host", "for_another_host",
                                   "for_another_host", "matches", "for_another_host"));
  EXPECT_EQ(words(explain(table, wish(kHostA, Protocol::udp, 22), kStart)).back(),
            "sensitive_port");
  EXPECT_EQ(words(explain(table, wish(kHostB, Protocol::udp, 4000), kStart))[5], "unknown_link");
}

}  // namespace
}  // namespace postern
