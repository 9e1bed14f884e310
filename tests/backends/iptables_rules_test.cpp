#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/iptables/rule_text.h"
#include "backends/iptables/rules.h"
#include "tests/support/backend_conformance.h"

namespace postern::iptables {
namespace {

using test::forward;
using test::inside;
using test::kNow;
using test::outbound;
using test::outside;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

[[nodiscard]] RulesOptions house() {
  RulesOptions options;
  options.wan = "wan0";
  options.wan_address = Address::v4({203, 0, 113, 1});
  options.lan = {"br-lan"};
  options.lan_prefixes = {*Prefix::parse("192.168.78.0/24")};
  options.forward_mark = 0x10000000;
  return options;
}

[[nodiscard]] RemoteFilter from(const char* prefix, std::uint16_t first = 0,
                                std::uint16_t last = 0xffff) {
  return {*Prefix::parse(prefix), first, last};
}

/// The rules of one chain, as text.
[[nodiscard]] std::vector<std::string> chain(const Ruleset& rules, std::string_view name) {
  std::vector<std::string> texts;
  for (const auto& table : rules) {
    for (const auto& candidate : table.chains) {
      if (candidate.name != name) continue;
      for (const auto& rule : candidate.rules) texts.push_back(rule.text);
    }
  }
  return texts;
}

TEST(IptablesRules, AForwardIsTranslatedLetThroughAndMarked) {
  const std::vector doors{forward(1000, 5000)};
  const auto rules = rules_v4(house(), doors);
  EXPECT_THAT(chain(rules, "POSTERN-PREROUTING"),
              ElementsAre("-d 203.0.113.1/32 -p udp -m udp --dport 1000 -m comment --comment "
                          "\"postern 3603600.000\" -j DNAT --to-destination 192.168.78.2:5000"));
  const std::string ours =
      "-d 192.168.78.2/32 -p udp -m udp --dport 5000 -m conntrack --ctstate DNAT "
      "--ctorigdst 203.0.113.1 --ctorigdstport 1000 ";
  EXPECT_THAT(chain(rules, "POSTERN-FORWARD"), ElementsAre(ours + "-j ACCEPT"));
  EXPECT_THAT(chain(rules, "POSTERN-MARK"),
              ElementsAre(ours + "-j MARK --set-xmark 0x10000000/0x10000000"));
  EXPECT_THAT(chain(rules, "POSTERN-HAIRPIN"), ElementsAre(ours + "-j POSTERN-HAIRPIN-SOURCE"));
  EXPECT_THAT(chain(rules_v6(house(), doors), "POSTERN-FORWARD"), IsEmpty());
}

TEST(IptablesRules, FiltersAreRulesOfTheirOwn) {
  const std::vector<TimedDoor> doors{{Forward4{Protocol::tcp,
                                               outside(1000),
                                               inside(80),
                                               {from("198.51.100.0/24"), from("192.0.2.7", 7, 9)}},
                                      kNow}};
  const auto rules = rules_v4(house(), doors);
  EXPECT_THAT(
      chain(rules, "POSTERN-PREROUTING"),
      ElementsAre(HasSubstr("-s 198.51.100.0/24 -d 203.0.113.1/32 -p tcp -m tcp --dport 1000 "),
                  HasSubstr("-s 192.0.2.7/32 -d 203.0.113.1/32 -p tcp -m tcp --sport 7:9 "
                            "--dport 1000 ")));
  for (const auto* name : {"POSTERN-FORWARD", "POSTERN-MARK"}) {
    EXPECT_THAT(
        chain(rules, name),
        ElementsAre(HasSubstr("-s 198.51.100.0/24 -d 192.168.78.2/32 -p tcp -m tcp --dport 80 "),
                    HasSubstr("-s 192.0.2.7/32 -d 192.168.78.2/32 -p tcp -m tcp --sport 7:9 "
                              "--dport 80 ")));
  }
}

TEST(IptablesRules, AnOutboundDoorIsTheSourceOutsideAndInside) {
  const std::vector doors{outbound(5000, 1000)};
  const auto rules = rules_v4(house(), doors);
  EXPECT_THAT(chain(rules, "POSTERN-POSTROUTING"),
              ElementsAre("-s 192.168.78.2/32 -o wan0 -p udp -m udp --sport 5000 -m comment "
                          "--comment \"postern 3603600.000\" -j SNAT --to-source 203.0.113.1:1000",
                          "-s 192.168.78.0/24 ! -o wan0 -m conntrack --ctstate DNAT "
                          "-j POSTERN-HAIRPIN"));
  EXPECT_THAT(chain(rules, "POSTERN-HAIRPIN-SOURCE"),
              ElementsAre("-s 192.168.78.2/32 -p udp -m udp --sport 5000 "
                          "-j SNAT --to-source 203.0.113.1:1000",
                          "-j SNAT --to-source 203.0.113.1"));
  EXPECT_THAT(chain(rules, "POSTERN-FORWARD"), IsEmpty());
}

TEST(IptablesRules, WithoutAWanNothingIsTranslatedOnItsWayOut) {
  const std::vector doors{forward(1000, 5000), outbound(5000, 1000)};
  auto without = house();
  without.wan.clear();
  auto unnamed = test::one_lan();
  unnamed.wan = Interface{};
  for (const auto& options : {without, rules_options(unnamed)}) {
    const auto rules = rules_v4(options, doors);
    EXPECT_THAT(chain(rules, "POSTERN-POSTROUTING"), IsEmpty());
    EXPECT_THAT(chain(rules, "POSTERN-HAIRPIN"), IsEmpty());
    EXPECT_THAT(chain(rules, "POSTERN-HAIRPIN-SOURCE"), IsEmpty());
    EXPECT_EQ(chain(rules, "POSTERN-PREROUTING").size(), 1U);
  }
}

TEST(IptablesRules, WithoutAnAddressThereIsNoHairpin) {
  const std::vector doors{forward(1000, 5000), outbound(5000, 1000)};
  auto no_wan_address = house();
  no_wan_address.wan_address.reset();
  auto no_lan_address = house();
  no_lan_address.lan_prefixes.clear();
  for (const auto& options : {no_wan_address, no_lan_address}) {
    const auto rules = rules_v4(options, doors);
    EXPECT_EQ(chain(rules, "POSTERN-POSTROUTING").size(), 1U);
    EXPECT_THAT(chain(rules, "POSTERN-HAIRPIN"), IsEmpty());
    EXPECT_THAT(chain(rules, "POSTERN-HAIRPIN-SOURCE"), IsEmpty());
  }
}

TEST(IptablesRules, APinholeIsLetThroughAndMarked) {
  const Endpoint internal{*Address::parse("2001:db8::2"), 80};
  const std::vector<TimedDoor> doors{
      {Pinhole6{Protocol::tcp, internal, {}}, kNow},
      {Pinhole6{Protocol::udp, internal, {from("2001:db8:1::/48", 7, 9)}}, kNow}};
  const auto rules = rules_v6(house(), doors);
  EXPECT_THAT(
      chain(rules, "POSTERN-FORWARD"),
      ElementsAre("-d 2001:db8::2/128 -p tcp -m tcp --dport 80 -m comment --comment "
                  "\"postern 3600000.000\" -j ACCEPT",
                  "-s 2001:db8:1::/48 -d 2001:db8::2/128 -p udp -m udp --sport 7:9 --dport 80 "
                  "-m comment --comment \"postern 3600000.000\" -j ACCEPT"));
  EXPECT_THAT(chain(rules, "POSTERN-MARK"),
              ElementsAre("-d 2001:db8::2/128 -p tcp -m tcp --dport 80 "
                          "-j MARK --set-xmark 0x10000000/0x10000000",
                          "-s 2001:db8:1::/48 -d 2001:db8::2/128 -p udp -m udp --sport 7:9 "
                          "--dport 80 -j MARK --set-xmark 0x10000000/0x10000000"));
  EXPECT_THAT(chain(rules_v4(house(), doors), "POSTERN-FORWARD"), IsEmpty());
}

TEST(IptablesRules, EachLanReachesOurPorts) {
  auto options = house();
  options.lan = {"br-lan", "guests"};
  options.own_ports = {{Protocol::udp, 5351, true}, {Protocol::tcp, 5351}, {Protocol::udp, 1900}};
  options.forward_mark = 2;
  for (const auto& rules : {rules_v4(options, {}), rules_v6(options, {})}) {
    EXPECT_THAT(chain(rules, "POSTERN-INPUT"),
                ElementsAre("-i br-lan -p udp -m udp --dport 5351 -j ACCEPT",
                            "-i guests -p udp -m udp --dport 5351 -j ACCEPT",
                            "-p udp -m udp --dport 5351 -j DROP",
                            "-i br-lan -p tcp -m tcp --dport 5351 -j ACCEPT",
                            "-i guests -p tcp -m tcp --dport 5351 -j ACCEPT",
                            "-i br-lan -p udp -m udp --dport 1900 -j ACCEPT",
                            "-i guests -p udp -m udp --dport 1900 -j ACCEPT"));
    EXPECT_EQ(chain(rules, "POSTERN-MARK-INPUT").size(), 6U);
    EXPECT_EQ(chain(rules, "POSTERN-MARK-INPUT").back(),
              "-i guests -p udp -m udp --dport 1900 -j MARK --set-xmark 0x2/0x2");
  }
}

TEST(IptablesRules, WhoSendsTooFastIsDropped) {  // NPMP-91
  auto options = house();
  options.lan = {"br-lan"};
  options.own_ports = {{Protocol::udp, 5351, true}, {Protocol::tcp, 5351}};
  options.requests_per_second = 200;
  const std::string above =
      "-m hashlimit --hashlimit-above 200/sec --hashlimit-burst 400 --hashlimit-mode srcip "
      "--hashlimit-name postern-200 --hashlimit-htable-max 16384 --hashlimit-htable-expire 5000";
  options.lan_prefixes = {*Prefix::parse("192.168.1.0/24"), *Prefix::parse("10.0.0.0/8")};
  EXPECT_THAT(
      chain(rules_v4(options, {}), "POSTERN-INPUT"),
      ElementsAre("-s 192.168.1.0/24 -i br-lan -p udp -m udp --dport 5351 " + above + " -j DROP",
                  "-i br-lan -p udp -m udp --dport 5351 -j ACCEPT",
                  "-p udp -m udp --dport 5351 -j DROP",
                  "-s 192.168.1.0/24 -i br-lan -p tcp -m tcp --dport 5351 --tcp-flags "
                  "FIN,SYN,RST,ACK SYN " +
                      above + " -j DROP",
                  "-i br-lan -p tcp -m tcp --dport 5351 -j ACCEPT"));
  EXPECT_THAT(chain(rules_v6(options, {}), "POSTERN-INPUT"),
              testing::Each(testing::Not(testing::HasSubstr("hashlimit"))))
      << "one host could fill the table of buckets, which shuts out all others";
}

TEST(IptablesRules, TheNetworkTellsWhereTheRulesStand) {
  Network network = test::one_lan();
  network.wan->addresses = {{*Address::parse("2001:db8:f::1"), 64},
                            {*Address::parse("203.0.113.1"), 24}};
  network.lan.front().addresses = {{*Address::parse("192.168.78.1"), 24},
                                   {*Address::parse("2001:db8::1"), 64},
                                   {*Address::parse("10.0.0.1"), 8}};
  const auto options = rules_options(network);
  EXPECT_EQ(options.wan, "wan0");
  EXPECT_EQ(options.wan_address, Address::v4({203, 0, 113, 1}));
  EXPECT_THAT(options.lan, ElementsAre("br-lan"));
  EXPECT_THAT(options.lan_prefixes,
              ElementsAre(*Prefix::parse("192.168.78.0/24"), *Prefix::parse("10.0.0.0/8")));
  EXPECT_TRUE(options.has_lan_v6);
  network.wan.reset();
  network.lan.front().addresses.erase(network.lan.front().addresses.begin() + 1);
  EXPECT_EQ(rules_options(network).wan, "");
  EXPECT_FALSE(rules_options(network).has_lan_v6);
}

TEST(IptablesRules, OnlyPlainInterfaceNamesStandInRules) {
  for (const auto* name : {"wan0", "br-lan", "eth0.7", "a", "pppoe+wan", "fifteen-letters"}) {
    EXPECT_TRUE(is_usable_name(name)) << name;
  }
  for (const auto* name : {"", "lan+", "sixteen--letters", "a b", "a\nb", "a\"b", "a'b", "a\\b",
                           "-a", "!", "l\xc3\xa4n"}) {
    EXPECT_FALSE(is_usable_name(name)) << name;
  }
}

TEST(IptablesRules, DoorsSurviveTheirText) {
  auto filtered = forward(1001, 5001, Moment(Milliseconds(90'007)));
  std::get<Forward4>(filtered.door).filters =
      normalized({from("198.51.100.0/24"), from("192.0.2.7", 7, 7), from("0.0.0.0/0", 1, 2)});
  const std::vector doors{forward(1000, 5000, Moment::max()), filtered, outbound(5000, 1000)};
  EXPECT_EQ(doors_of_v4(rules_v4(house(), doors)), doors);
  const Endpoint internal{*Address::parse("2001:db8::2"), 80};
  const std::vector<TimedDoor> pinholes{
      {Pinhole6{Protocol::tcp, internal, {}}, kNow},
      {Pinhole6{Protocol::udp, internal, {from("2001:db8:1::/48", 7, 9)}}, kNow}};
  EXPECT_EQ(doors_of_v6(rules_v6(house(), pinholes)), pinholes);
}

TEST(IptablesRules, WhatIsNotADoorOfOursIsLeftOut) {
  const std::string good =
      "-d 203.0.113.1/32 -p udp -m udp --dport 1000 -m comment --comment "
      "\"postern 3603600.000\" -j DNAT --to-destination 192.168.78.2:5000";
  const auto doors_in = [](const std::string& rule) {
    return doors_of_v4({{"nat", {{"POSTERN-PREROUTING", {{rule, std::nullopt}}}}, {}}});
  };
  ASSERT_EQ(doors_in(good), std::vector{forward(1000, 5000)});
  const std::vector<std::pair<std::string, std::string>> wrong{
      {"203.0.113.1/32", "203.0.113.0/24"},    {"-p udp", "-p sctp"},
      {"--dport 1000", "--dport 1000:1001"},   {"--dport 1000", "--dport 99999"},
      {"postern 36", "somebody 36"},           {"3603600.000", "3603600"},
      {"3603600.000", "9223372036854775.808"}, {"3603600.000", "99999999999999999999.000"},
      {"3603600.000", "3603600.-01"},          {"192.168.78.2:5000", "192.168.78.2"},
      {"192.168.78.2:5000", "192.168.78.2:"},  {"-d 203", "-s nowhere -d 203"},
      {"--dport", "--sport 7:x --dport"}};
  for (const auto& [part, instead] : wrong) {
    auto rule = good;
    EXPECT_THAT(doors_in(rule.replace(rule.find(part), part.size(), instead)), IsEmpty()) << rule;
  }
}

}  // namespace
}  // namespace postern::iptables
