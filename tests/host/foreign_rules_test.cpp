#include "host/foreign_rules.h"

#include <filesystem>
#include <fstream>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/host/host_fixture.h"

// Rules as people and programs write them, and what is read of them.

namespace postern::host {

void PrintTo(const PacketMatch& match, std::ostream* out) {
  *out << "tcp " << match.tcp.ports.to_string() << (match.tcp.is_named ? " named" : "") << "; udp "
       << match.udp.ports.to_string() << (match.udp.is_named ? " named" : "") << "; v4 "
       << match.ipv4 << " v6 " << match.ipv6;
  for (const auto& [label, interfaces] : {std::pair{"in", match.in}, {"out", match.out}}) {
    if (!interfaces) continue;
    *out << "; " << label << (interfaces->is_negated ? " not" : "");
    for (const auto& name : interfaces->names) *out << " " << name;
  }
  if (match.mark) *out << "; mark " << match.mark->value << "/" << match.mark->mask;
  if (match.ct_states) *out << "; states " << *match.ct_states;
  *out << "; dnat " << match.is_dnat << " others " << match.has_others << " conditional "
       << match.is_conditional;
}

void PrintTo(const ForeignRule& rule, std::ostream* out) {
  PrintTo(rule.match, out);
  *out << "; verdict " << static_cast<int>(rule.verdict) << " " << rule.target << " nat "
       << static_cast<int>(rule.nat);
}

}  // namespace postern::host

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

constexpr std::uint32_t kInvalid = 1;
constexpr std::uint32_t kEstablished = 2;
constexpr std::uint32_t kRelated = 4;

[[nodiscard]] PortMatch named(const char* ports) {
  return {*PortSet::parse(ports), true};
}
[[nodiscard]] PortMatch never() {
  return {PortSet(), false};
}
[[nodiscard]] PacketMatch some() {
  PacketMatch match;
  match.is_conditional = true;
  return match;
}
[[nodiscard]] PacketMatch tcp_to(const char* ports) {
  auto match = some();
  match.tcp = named(ports);
  match.udp = never();
  match.udp.is_named = true;
  return match;
}
[[nodiscard]] PacketMatch udp_to(const char* ports) {
  auto match = some();
  match.udp = named(ports);
  match.tcp = never();
  match.tcp.is_named = true;
  return match;
}
[[nodiscard]] PacketMatch in_ipv4(PacketMatch match) {
  match.ipv6 = false;
  return match;
}
[[nodiscard]] PacketMatch with_others(PacketMatch match) {
  match.has_others = true;
  return match;
}

class ForeignRulesTest : public HostFixture {
 protected:
  /// The rules of the chain "c" in "inet t", which `rules` makes, one a line.
  [[nodiscard]] static std::vector<ForeignRule> rules_of(const std::string& rules,
                                                         const std::string& hook = "forward",
                                                         const std::string& type = "filter",
                                                         const std::string& more = "") {
    nft("table inet t {\n" + more + "\nchain other { }\nchain c {\ntype " + type + " hook " + hook +
        " priority 0; policy accept;\n" + rules + "\n}\n}\n");
    return rules_in(Family::inet, "t", "c");
  }
  [[nodiscard]] static std::vector<ForeignRule> rules_in(Family family, const char* table,
                                                         const char* chain) {
    const auto all = ruleset();
    const auto* found = all.find(family, table, chain);
    EXPECT_NE(found, nullptr) << table << " " << chain;
    return found != nullptr ? found->rules : std::vector<ForeignRule>{};
  }
  /// The single rule that iptables appends.
  [[nodiscard]] static std::vector<ForeignRule> iptables_rules(const std::string& arguments) {
    iptables("-A FORWARD " + arguments);
    return rules_in(Family::ip, "filter", "FORWARD");
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
  auto both = some();
  both.in = InterfaceMatch{{"br-lan"}, false};
  both.out = InterfaceMatch{{"wan*"}, false};
  EXPECT_THAT(
      rules_of("iifname \"br-lan\" oifname \"wan*\" accept\n"
               "iifname != \"docker0\" accept\n"
               "iifname { \"a\", \"b*\" } accept\n"
               "iifname != { \"a\", \"b\" } accept\n"
               "iif lo accept\n"
               "iifname \"fifteen-letters\" accept"),
      ElementsAre(ForeignRule{both, Verdict::accept, "", NatKind::none}, in({"docker0"}, true),
                  in({"a", "b*"}), in({"a", "b"}, true), in({"lo"}), in({"fifteen-letters"})));
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
  const auto rules = rules_in(Family::inet, "t", "c");
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

TEST_F(ForeignRulesTest, IptablesFilter) {
  const auto one = [](PacketMatch match, Verdict verdict) {
    return ElementsAre(ForeignRule{std::move(match), verdict, "", NatKind::none});
  };
  const auto read = [](const std::string& arguments) {
    iptables("-F FORWARD");
    return iptables_rules(arguments);
  };
  auto bit = some();
  bit.mark = MarkMatch{0x10000000, 0x10000000};
  EXPECT_THAT(read("-m mark --mark 0x10000000/0x10000000 -m comment --comment postern -j ACCEPT"),
              one(bit, Verdict::accept));
  auto translated = some();
  translated.is_dnat = true;
  EXPECT_THAT(read("-m conntrack --ctstate ESTABLISHED,RELATED,DNAT -j ACCEPT"),
              one(translated, Verdict::accept));
  auto running = some();
  running.ct_states = kEstablished | kRelated;
  EXPECT_THAT(read("-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT"),
              one(running, Verdict::accept));
  EXPECT_THAT(read("-m state --state RELATED,ESTABLISHED -j ACCEPT"),
              one(running, Verdict::accept));
  EXPECT_THAT(read("-m conntrack ! --ctstate ESTABLISHED -j DROP"),
              one(with_others(some()), Verdict::drop));
  EXPECT_THAT(read("-m conntrack --ctstate ESTABLISHED --ctstatus ASSURED -j ACCEPT"),
              one(
                  [] {
                    auto m = with_others(some());
                    m.ct_states = kEstablished;
                    return m;
                  }(),
                  Verdict::accept));
  auto in = some();
  in.in = InterfaceMatch{{"eth*"}, false};
  EXPECT_THAT(read("-i eth+ -j REJECT"), one(in, Verdict::reject));
  EXPECT_THAT(read("-p tcp -m tcp --dport 8080 -j ACCEPT"), one(tcp_to("8080"), Verdict::accept));
  EXPECT_THAT(read("-p udp -m multiport --dports 53,100:200 -j ACCEPT"),
              one(udp_to("53, 100-200"), Verdict::accept));
  // A TCP option is what this version of iptables writes as an extension, port and all.
  EXPECT_THAT(read("-p tcp --tcp-option 8 --dport 90:91 -j ACCEPT"),
              one(with_others(tcp_to("90-91")), Verdict::accept));
  EXPECT_THAT(read("-m addrtype --dst-type LOCAL -j ACCEPT"),
              one(with_others(some()), Verdict::accept));
  EXPECT_THAT(read("-m comment --comment x -j DROP"), one({}, Verdict::drop));
  iptables("-P FORWARD DROP");
  EXPECT_TRUE(ruleset().find(Family::ip, "filter", "FORWARD")->policy_drop);
}

TEST_F(ForeignRulesTest, IptablesNat) {
  const auto read = [](const std::string& chain, const std::string& arguments) {
    iptables("-t nat -F " + chain);
    iptables("-t nat -A " + chain + " " + arguments);
    return rules_in(Family::ip, "nat", chain.c_str());
  };
  auto docker = tcp_to("8080");
  docker.in = InterfaceMatch{{"docker0"}, true};
  EXPECT_THAT(read("PREROUTING",
                   "! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT "
                   "--to-destination 172.17.0.2:80"),
              ElementsAre(ForeignRule{docker, Verdict::accept, "", NatKind::dnat}));
  EXPECT_THAT(read("PREROUTING", "-p udp --dport 53 -j REDIRECT --to-ports 5353"),
              ElementsAre(ForeignRule{udp_to("53"), Verdict::accept, "", NatKind::redirect}));
  auto out = some();
  out.out = InterfaceMatch{{"eth0"}, false};
  EXPECT_THAT(read("POSTROUTING", "-o eth0 -j MASQUERADE"),
              ElementsAre(ForeignRule{out, Verdict::accept, "", NatKind::masquerade}));
  EXPECT_THAT(read("POSTROUTING", "-j SNAT --to-source 192.0.2.1"),
              ElementsAre(ForeignRule{{}, Verdict::accept, "", NatKind::snat}));
  EXPECT_THAT(read("PREROUTING", "-j LOG"), ElementsAre(ForeignRule{}));
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

class LegacyIptablesTest : public testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(directory_); }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  void write(const char* name, const char* text) const { std::ofstream(directory_ + name) << text; }

  const std::string directory_ =
      testing::TempDir() + "legacy_iptables_" + std::to_string(::getpid());
};

TEST_F(LegacyIptablesTest, NotThere) {
  EXPECT_EQ(host::has_legacy_iptables(directory_), false);
}

TEST_F(LegacyIptablesTest, LoadedButNotUsed) {
  write("/ip_tables_names", "");
  EXPECT_EQ(host::has_legacy_iptables(directory_), false);
}

TEST_F(LegacyIptablesTest, InUse) {
  write("/ip_tables_names", "");
  write("/ip6_tables_names", "filter\n");
  EXPECT_EQ(host::has_legacy_iptables(directory_), true);
}

TEST_F(LegacyIptablesTest, HidesFromUs) {
  EXPECT_EQ(host::has_legacy_iptables("/proc/self/status"), std::nullopt);
}

}  // namespace
}  // namespace postern::test
