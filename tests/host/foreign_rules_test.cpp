#include "host/foreign_rules.h"

#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/host/rule_words.h"

// Rules as people write them with nft, and what is read of them.

namespace postern::test {
namespace {

using host::Family;
using host::ForeignChain;
using host::ForeignRule;
using host::Hook;
using host::InterfaceMatch;
using host::MarkMatch;
using host::NatKind;
using host::PacketMatch;
using host::PortMatch;
using host::Verdict;
using testing::ElementsAre;
using testing::IsEmpty;

class ForeignRulesTest : public HostFixture {
 protected:
  /// The rules of the chain "c" in "inet t", which `rules` makes, one a line.
  [[nodiscard]] static std::vector<ForeignRule> rules_of(const std::string& rules,
                                                         const std::string& hook = "forward",
                                                         const std::string& type = "filter",
                                                         const std::string& more = "") {
    nft("table inet t {\n" + more + "\nchain other { }\nchain c {\ntype " + type + " hook " + hook +
        " priority 0; policy accept;\n" + rules + "\n}\n}\n");
    return rules_in(ruleset(), Family::inet, "t", "c");
  }
};

TEST_F(ForeignRulesTest, NothingIsThere) {
  EXPECT_THAT(ruleset().chains, IsEmpty());
}

TEST_F(ForeignRulesTest, ChainsOfAllFamiliesButOurOwn) {
  nft(R"(
table inet filter { chain input { type filter hook input priority -5; policy drop; }
chain plain { }
}
table ip nat { chain dstnat { type nat hook prerouting priority dstnat; }
}
table ip6 x { chain out { type route hook output priority mangle; }
chain f { type filter hook forward priority 0; }
chain post { type nat hook postrouting priority 0; }
}
table ip postern { chain theirs { }
}
table inet postern { chain forward { type filter hook forward priority 0; policy drop; accept; }
})");
  const auto all = ruleset();
  ASSERT_EQ(all.chains.size(), 7U);

  const auto* input = all.find(Family::inet, "filter", "input");
  ASSERT_NE(input, nullptr);
  EXPECT_TRUE(input->is_base);
  EXPECT_EQ(input->type, "filter");
  EXPECT_EQ(input->hook, Hook::input);
  EXPECT_EQ(input->priority, -5);
  EXPECT_TRUE(input->policy_drop);

  const auto* plain = all.find(Family::inet, "filter", "plain");
  ASSERT_NE(plain, nullptr);
  EXPECT_FALSE(plain->is_base);

  const auto* dstnat = all.find(Family::ip, "nat", "dstnat");
  ASSERT_NE(dstnat, nullptr);
  EXPECT_EQ(dstnat->type, "nat");
  EXPECT_EQ(dstnat->hook, Hook::prerouting);
  EXPECT_EQ(dstnat->priority, -100);
  EXPECT_FALSE(dstnat->policy_drop);

  EXPECT_EQ(all.find(Family::ip6, "x", "out")->hook, Hook::output);
  EXPECT_EQ(all.find(Family::ip6, "x", "f")->hook, Hook::forward);
  EXPECT_EQ(all.find(Family::ip6, "x", "post")->hook, Hook::postrouting);
  EXPECT_NE(all.find(Family::ip, "postern", "theirs"), nullptr);
  EXPECT_EQ(all.find(Family::inet, "postern", "forward"), nullptr);
}

// `queue` is not in every kernel, so there is no rule with it.
TEST_F(ForeignRulesTest, Verdicts) {
  const auto reject = ForeignRule{{}, Verdict::reject, "", NatKind::none};
  EXPECT_THAT(rules_of("counter accept\n drop\n reject\n jump other\n goto other\n return\n"
                       "counter\n log prefix \"x\""),
              ElementsAre(ForeignRule{{}, Verdict::accept, "", NatKind::none},
                          ForeignRule{{}, Verdict::drop, "", NatKind::none}, reject,
                          ForeignRule{{}, Verdict::jump, "other", NatKind::none},
                          ForeignRule{{}, Verdict::go_to, "other", NatKind::none},
                          ForeignRule{{}, Verdict::leave_chain, "", NatKind::none}, ForeignRule{},
                          ForeignRule{}));
}

TEST_F(ForeignRulesTest, MarkMatches) {
  auto bit = some();
  bit.mark = MarkMatch{0x10000000, 0x10000000};
  auto whole = some();
  whole.mark = MarkMatch{0xffffffff, 7};
  auto masked = some();
  masked.mark = MarkMatch{0xff, 0x12};
  EXPECT_THAT(rules_of("meta mark & 0x10000000 == 0x10000000 accept\n"
                       "meta mark & 0x10000000 != 0 accept\n"
                       "meta mark 7 drop\n"
                       "meta mark & 0xff == 0x12 accept\n"
                       "meta mark & 0x3 != 0 accept\n"
                       "meta mark != 7 accept\n"
                       "meta mark 1-7 accept\n"
                       "meta mark { 1, 2 } accept\n"
                       "meta mark set meta mark | 0x10 accept"),
              ElementsAre(ForeignRule{bit, Verdict::accept, "", NatKind::none},
                          ForeignRule{bit, Verdict::accept, "", NatKind::none},
                          ForeignRule{whole, Verdict::drop, "", NatKind::none},
                          ForeignRule{masked, Verdict::accept, "", NatKind::none},
                          ForeignRule{with_others(some()), Verdict::accept, "", NatKind::none},
                          ForeignRule{with_others(some()), Verdict::accept, "", NatKind::none},
                          ForeignRule{with_others(some()), Verdict::accept, "", NatKind::none},
                          ForeignRule{with_others(some()), Verdict::accept, "", NatKind::none},
                          ForeignRule{{}, Verdict::accept, "", NatKind::none}));
}

TEST_F(ForeignRulesTest, ConnectionTracking) {
  auto translated = some();
  translated.is_dnat = true;
  auto running = some();
  running.ct_states = kEstablished | kRelated;
  auto invalid = some();
  invalid.ct_states = kInvalid;
  auto established = some();
  established.ct_states = kEstablished;
  EXPECT_THAT(rules_of("ct status dnat accept\n"
                       "ct status dnat,snat accept\n"
                       "ct status snat accept\n"
                       "ct state established,related accept\n"
                       "ct state invalid drop\n"
                       "ct state { established, related } accept\n"
                       "ct state vmap { established : accept, invalid : drop }\n"
                       "ct mark 7 accept"),
              ElementsAre(ForeignRule{translated, Verdict::accept, "", NatKind::none},
                          ForeignRule{translated, Verdict::accept, "", NatKind::none},
                          ForeignRule{with_others(some()), Verdict::accept, "", NatKind::none},
                          ForeignRule{running, Verdict::accept, "", NatKind::none},
                          ForeignRule{invalid, Verdict::drop, "", NatKind::none},
                          ForeignRule{running, Verdict::accept, "", NatKind::none},
                          ForeignRule{established, Verdict::accept, "", NatKind::none},
                          ForeignRule{invalid, Verdict::drop, "", NatKind::none},
                          ForeignRule{with_others(some()), Verdict::accept, "", NatKind::none}));
}

TEST_F(ForeignRulesTest, Interfaces) {
  run("ip link set lo up");
  const auto in = [](std::vector<std::string> names, bool is_negated = false) {
    auto match = some();
    match.in = InterfaceMatch{std::move(names), is_negated};
    return ForeignRule{match, Verdict::accept, "", NatKind::none};
  };
  auto pairs = tcp_to("80-90, 99");
  pairs.in = InterfaceMatch{{"dmz", "lan"}, false};
  auto both = some();
  both.in = InterfaceMatch{{"br-lan"}, false};
  both.out = InterfaceMatch{{"wan*"}, false};
  EXPECT_THAT(
      rules_of("iifname \"br-lan\" oifname \"wan*\" accept\n"
               "iifname != \"docker0\" accept\n"
               "iifname { \"a\", \"b*\" } accept\n"
               "iifname != { \"a\", \"b\" } accept\n"
               "iif lo accept\n"
               "iifname \"fifteen-letters\" accept\n"
               "iifname . tcp dport @pairs accept",
               "forward", "filter",
               "set pairs { typeof iifname . tcp dport; flags interval; elements = { "
               "\"lan\" . 80-90, \"dmz\" . 99 }; }"),
      ElementsAre(ForeignRule{both, Verdict::accept, "", NatKind::none}, in({"docker0"}, true),
                  in({"a", "b*"}), in({"a", "b"}, true), in({"lo"}), in({"fifteen-letters"}),
                  ForeignRule{pairs, Verdict::accept, "", NatKind::none}));
}

TEST(InterfaceMatch, AdmitsNames) {
  EXPECT_TRUE((InterfaceMatch{{"wan", "eth*"}, false}.admits("eth0")));
  EXPECT_TRUE((InterfaceMatch{{"wan", "eth*"}, false}.admits("wan")));
  EXPECT_FALSE((InterfaceMatch{{"wan", "eth*"}, false}.admits("wan0")));
  EXPECT_FALSE((InterfaceMatch{{"docker0"}, true}.admits("docker0")));
  EXPECT_TRUE((InterfaceMatch{{"docker0"}, true}.admits("wan")));
}

TEST_F(ForeignRulesTest, ProtocolsAndVersions) {
  auto icmp = some();
  icmp.tcp = icmp.udp = never();
  auto tcp = some();
  tcp.udp = never();
  auto ipv4 = in_ipv4(some());
  auto ipv6 = some();
  ipv6.ipv4 = false;
  EXPECT_THAT(
      rules_of(
          "meta l4proto icmp drop\n meta l4proto { tcp, udp } drop\n meta l4proto != udp drop\n"
          "ip protocol tcp drop\n ip6 nexthdr tcp drop\n meta nfproto ipv6 drop\n"
          "meta protocol ip drop\n meta nfproto != ipv4 drop\n ip saddr 10.0.0.0/8 drop"),
      testing::ElementsAreArray({
          ForeignRule{icmp, Verdict::drop, "", NatKind::none},
          ForeignRule{some(), Verdict::drop, "", NatKind::none},
          ForeignRule{tcp, Verdict::drop, "", NatKind::none},
          ForeignRule{in_ipv4(tcp), Verdict::drop, "", NatKind::none},
          ForeignRule{[&] {
                        auto m = tcp;
                        m.ipv4 = false;
                        return m;
                      }(),
                      Verdict::drop, "", NatKind::none},
          ForeignRule{ipv6, Verdict::drop, "", NatKind::none},
          ForeignRule{ipv4, Verdict::drop, "", NatKind::none},
          ForeignRule{ipv6, Verdict::drop, "", NatKind::none},
          ForeignRule{with_others(ipv4), Verdict::drop, "", NatKind::none},
      }));
}

TEST_F(ForeignRulesTest, DestinationPorts) {
  auto both = some();
  both.tcp = both.udp = named("53, 5353");
  auto all_but = some();
  all_but.tcp = {*PortSet::parse("1-21, 23-79, 81-65535"), false};
  all_but.udp = never();
  auto sources = some();
  sources.udp = never();
  const auto accept = [](const PacketMatch& match) {
    return ForeignRule{match, Verdict::accept, "", NatKind::none};
  };
  EXPECT_THAT(rules_of("tcp dport 80 accept\n"
                       "udp dport 1000-2000 accept\n"
                       "tcp dport { 22, 80-90 } accept\n"
                       "tcp dport != { 22, 80 } accept\n"
                       "meta l4proto { tcp, udp } th dport { 53, 5353 } accept\n"
                       "tcp dport >= 60000 accept\n"
                       "tcp dport > 60000 accept\n"
                       "tcp dport < 3 accept\n"
                       "tcp dport <= 3 accept\n"
                       "tcp dport @named accept\n"
                       "tcp dport & 0xfffe == 8080 accept\n"
                       "tcp sport 7 tcp dport 80 accept\n"
                       "tcp sport 7 accept",
                       "forward", "filter",
                       "set named { type inet_service; flags interval; elements = { 0-5, 9, "
                       "65000-65535 }; }"),
              testing::ElementsAreArray({
                  accept(tcp_to("80")),
                  accept(udp_to("1000-2000")),
                  accept(tcp_to("22, 80-90")),
                  accept(all_but),
                  accept(both),
                  accept(tcp_to("60000-65535")),
                  accept(tcp_to("60001-65535")),
                  accept(tcp_to("1-2")),
                  accept(tcp_to("1-3")),
                  accept(tcp_to("1-5, 9, 65000-65535")),
                  accept(tcp_to("8080-8081")),
                  accept(with_others(tcp_to("80"))),
                  accept(with_others(sources)),
              }));
}

TEST_F(ForeignRulesTest, NumbersThatAreNotPorts) {
  auto tcp = some();
  tcp.udp.ports = {};
  EXPECT_THAT(
      rules_of("meta l4proto tcp @th,0,32 >= 100000 accept\n"
               "meta mark . tcp dport @marked accept\n"
               "meta l4proto . th dport != { tcp . 80, udp . 53 } accept",
               "forward", "filter",
               "set marked { typeof meta mark . tcp dport; flags interval; elements = { 1 "
               ". 80 }; }"),
      ElementsAre(ForeignRule{with_others(tcp), Verdict::accept, "", NatKind::none},
                  ForeignRule{with_others(tcp_to("80")), Verdict::accept, "", NatKind::none},
                  ForeignRule{with_others(some()), Verdict::accept, "", NatKind::none}));
}

TEST_F(ForeignRulesTest, IntervalsThatTouch) {
  EXPECT_THAT(rules_of("tcp dport @touching accept", "forward", "filter",
                       "set touching { type inet_service; flags interval; elements = { 10-19, "
                       "20-29, 30, 31, 32-39, 50-59, 60 }; }"),
              ElementsAre(ForeignRule{tcp_to("10-39, 50-60"), Verdict::accept, "", NatKind::none}));
}

TEST_F(ForeignRulesTest, VerdictMapsAreToldAsRules) {
  EXPECT_THAT(
      rules_of("tcp dport vmap { 22 : accept, 80 : jump other, 90-99 : accept }\n"
               "iifname vmap { \"lan\" : goto other }\n"
               "ip saddr vmap { 10.0.0.1 : drop }\n"
               "tcp dport vmap @mine",
               "forward", "filter",
               "map mine { type inet_service : verdict; elements = { 7 : drop }; }"),
      ElementsAre(ForeignRule{tcp_to("22, 90-99"), Verdict::accept, "", NatKind::none},
                  ForeignRule{tcp_to("80"), Verdict::jump, "other", NatKind::none},
                  ForeignRule{[] {
                                auto m = some();
                                m.in = InterfaceMatch{{"lan"}, false};
                                return m;
                              }(),
                              Verdict::go_to, "other", NatKind::none},
                  ForeignRule{with_others(in_ipv4(some())), Verdict::drop, "", NatKind::none},
                  ForeignRule{tcp_to("7"), Verdict::drop, "", NatKind::none}));
}

TEST_F(ForeignRulesTest, LimitsAndWhatElseThereIs) {
  EXPECT_THAT(rules_of("limit rate 5/second accept\n"
                       "fib daddr type local accept\n"
                       "add @seen { ip saddr } accept\n"
                       "tcp flags syn / syn,rst accept\n"
                       "tcp option maxseg size 500 accept\n"
                       "counter name hits accept\n"
                       "limit name slow accept\n"
                       "rt classid 3 accept\n"
                       "numgen random mod 2 0 accept\n"
                       "ether saddr 00:00:00:00:00:01 accept",
                       "forward", "filter",
                       "set seen { type ipv4_addr; flags dynamic; size 9; timeout 1s; }\n"
                       "counter hits { }\n limit slow { rate 5/second; }"),
              testing::Each(testing::Field(&ForeignRule::verdict, Verdict::accept)));
  const auto rules = rules_in(ruleset(), Family::inet, "t", "c");
  ASSERT_EQ(rules.size(), 10U);
  for (std::size_t i = 0; i < rules.size(); ++i) {
    EXPECT_EQ(rules[i].match.has_others, i != 5) << i;
    EXPECT_EQ(rules[i].match.is_conditional, i != 5) << i;
  }
}

TEST_F(ForeignRulesTest, Translations) {
  const auto nat = [](const PacketMatch& match, NatKind kind) {
    return ForeignRule{match, Verdict::accept, "", kind};
  };
  EXPECT_THAT(rules_of("meta nfproto ipv4 tcp dport 2222 counter dnat ip to 192.168.1.5:22\n"
                       "dnat ip to tcp dport map { 1000 : 10.0.0.1, 2000-2010 : 10.0.0.2 }\n"
                       "meta l4proto { tcp, udp } dnat ip to meta l4proto . th dport map @ports\n"
                       "dnat ip to ip daddr . tcp dport map { 192.0.2.1 . 80 : 10.0.0.1 . 8080 }\n"
                       "tcp dport 8080 redirect to :80",
                       "prerouting", "nat",
                       "map ports { type inet_proto . inet_service : ipv4_addr . inet_service; "
                       "flags interval; elements = { tcp . 5000-5010 : 192.168.1.2 . 80, "
                       "udp . 53 : 192.168.1.2 . 53 }; }"),
              ElementsAre(nat(in_ipv4(tcp_to("2222")), NatKind::dnat),
                          nat(tcp_to("1000, 2000-2010"), NatKind::dnat),
                          nat(
                              [] {
                                auto m = some();
                                m.tcp = named("5000-5010");
                                m.udp = named("53");
                                return m;
                              }(),
                              NatKind::dnat),
                          nat(with_others(in_ipv4(tcp_to("80"))), NatKind::dnat),
                          nat(tcp_to("8080"), NatKind::redirect)));
}

TEST_F(ForeignRulesTest, SourceTranslations) {
  auto out = some();
  out.out = InterfaceMatch{{"wan"}, false};
  EXPECT_THAT(rules_of("oifname \"wan\" masquerade\n snat ip to 192.0.2.1", "postrouting", "nat"),
              ElementsAre(ForeignRule{out, Verdict::accept, "", NatKind::masquerade},
                          ForeignRule{{}, Verdict::accept, "", NatKind::snat}));
}

TEST_F(ForeignRulesTest, TenThousandRules) {
  std::string rules;
  for (int i = 0; i < 10'000; ++i) {
    rules += "tcp dport " + std::to_string(i + 1) + " accept\n";
  }
  const auto read = rules_of(rules);
  ASSERT_EQ(read.size(), 10'000U);
  for (std::size_t i = 0; i < read.size(); ++i) {
    ASSERT_EQ(read[i].match, tcp_to(std::to_string(i + 1).c_str())) << i;
  }
}

}  // namespace
}  // namespace postern::test
