#include "daemon/network_facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

[[nodiscard]] Link link(std::uint32_t index, const std::string& name, std::string_view address,
                        bool is_up = true) {
  Link made;
  made.interface = {name, index, {}};
  if (!address.empty()) {
    made.interface.addresses.push_back({Address::parse(address).value(), 24});
  }
  made.is_up = is_up;
  made.is_loopback = name == "lo";
  return made;
}

[[nodiscard]] NetworkFacts home_router() {
  return {{link(1, "lo", "127.0.0.1"), link(2, "wan0", "203.0.113.1"),
           link(3, "br-lan", "192.168.1.1"), link(4, "port1", "")},
          2};
}

[[nodiscard]] FoundAddress found(std::string_view address, bool is_global = true,
                                 bool is_preferred = true) {
  return {{Address::parse(address).value(), 24}, is_global, is_preferred};
}

[[nodiscard]] std::vector<std::string> ordered(std::vector<FoundAddress> all,
                                               std::optional<Address> preferred_source = {}) {
  std::vector<std::string> texts;
  for (const auto& own : in_order_of_use(std::move(all), preferred_source)) {
    texts.push_back(own.address.to_string());
  }
  return texts;
}

TEST(InOrderOfUse, AmongEqualsTheKernelsOrderStays) {
  EXPECT_THAT(ordered({found("203.0.113.9"), found("203.0.113.1"), found("198.51.100.1")}),
              ElementsAre("203.0.113.9", "203.0.113.1", "198.51.100.1"));
}

TEST(InOrderOfUse, GlobalAddressesComeBeforeThoseOfTheLink) {
  EXPECT_THAT(ordered({found("10.0.0.1", false), found("203.0.113.1")}),
              ElementsAre("203.0.113.1", "10.0.0.1"));
  EXPECT_THAT(ordered({found("169.254.7.7"), found("203.0.113.1")}),
              ElementsAre("203.0.113.1", "169.254.7.7"))
      << "ip address add gives it the global scope";
  EXPECT_THAT(ordered({found("169.254.7.7", false)}), ElementsAre("169.254.7.7"));
}

TEST(InOrderOfUse, DeprecatedAndTentativeOnesComeAfterPreferredOnes) {
  EXPECT_THAT(ordered({found("169.254.7.7", false), found("203.0.113.1", true, false),
                       found("203.0.113.2")}),
              ElementsAre("203.0.113.2", "203.0.113.1", "169.254.7.7"));
}

TEST(InOrderOfUse, TheSourceThatTheDefaultRouteNamesIsFirst) {
  const auto source = Address::parse("203.0.113.2");
  EXPECT_THAT(ordered({found("203.0.113.1"), found("203.0.113.2", true, false)}, source),
              ElementsAre("203.0.113.2", "203.0.113.1"));
  EXPECT_THAT(ordered({found("203.0.113.1")}, source), ElementsAre("203.0.113.1"))
      << "it belongs to another interface";
}

TEST(ChooseLan, TakesWhatIsConfigured) {
  EXPECT_THAT(choose_lan({}, std::nullopt, {"br-lan"}).value(), ElementsAre("br-lan"));
}

TEST(ChooseLan, TakesTheOnlyOtherInterfaceWithAnAddress) {
  EXPECT_THAT(choose_lan(home_router(), std::nullopt, {}).value(), ElementsAre("br-lan"));
}

TEST(ChooseLan, NamesTheCandidatesWhenThereAreSeveral) {
  auto facts = home_router();
  facts.links.push_back(link(5, "br-guest", "192.168.2.1"));
  EXPECT_EQ(choose_lan(facts, std::nullopt, {}).error(),
            "lan is not set and may be any of br-lan, br-guest");
}

TEST(ChooseLan, CannotGuessWithoutAWan) {
  auto facts = home_router();
  facts.default_route_index.reset();
  EXPECT_THAT(choose_lan(facts, std::nullopt, {}).error(), HasSubstr("no default route"));
  EXPECT_THAT(choose_lan(facts, "wan0", {}).value(), ElementsAre("br-lan"));
}

TEST(ChooseLan, SaysWhenThereIsNoCandidate) {
  const NetworkFacts facts{{link(2, "wan0", "203.0.113.1")}, 2};
  EXPECT_EQ(choose_lan(facts, std::nullopt, {}).error(),
            "lan is not set and no interface but wan0 has an address");
}

TEST(ChooseNetwork, FollowsTheDefaultRoute) {
  auto facts = home_router();
  const auto before = choose_network(facts, std::nullopt, {"br-lan"});
  ASSERT_TRUE(before.wan);
  EXPECT_EQ(before.wan->name, "wan0");
  EXPECT_EQ(before.lan[0].index, 3U);

  facts.links.push_back(link(9, "ppp0", "198.51.100.4"));
  facts.default_route_index = 9;
  EXPECT_EQ(choose_network(facts, std::nullopt, {"br-lan"}).wan->name, "ppp0");
  facts.default_route_index.reset();
  EXPECT_FALSE(choose_network(facts, std::nullopt, {"br-lan"}).wan);
}

TEST(ChooseNetwork, ConfiguredWanNeedsNoRoute) {
  auto facts = home_router();
  facts.default_route_index.reset();
  EXPECT_EQ(choose_network(facts, "wan0", {"br-lan"}).wan->first_v4(),
            Address::parse("203.0.113.1"));
}

TEST(ChooseNetwork, DefaultRouteThroughTheLanIsNoWan) {
  auto facts = home_router();
  facts.default_route_index = 3;
  EXPECT_FALSE(choose_network(facts, std::nullopt, {"br-lan"}).wan);
}

TEST(ChooseNetwork, MissingInterfaceHasNoIndex) {
  const auto network = choose_network(home_router(), "ppp0", {"br-lan", "br-guest"});
  EXPECT_EQ(network.wan->index, 0U);
  EXPECT_FALSE(network.wan->first_v4());
  EXPECT_EQ(network.lan[1], (Interface{"br-guest", 0, {}, /*is_running=*/false}));
}

TEST(ChooseNetwork, InterfaceThatIsDownHasNoAddresses) {
  auto facts = home_router();
  facts.links[1].is_up = false;
  const auto network = choose_network(facts, "wan0", {"br-lan"});
  EXPECT_EQ(network.wan->index, 2U);
  EXPECT_FALSE(network.wan->first_v4());  // NPMP-31
  EXPECT_FALSE(network.wan->is_running);
}

}  // namespace
}  // namespace postern
