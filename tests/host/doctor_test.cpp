#include "host/doctor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/host/doctor_fixture.h"

namespace postern::test {
namespace {

using host::DoctorSettings;
using host::Family;
using host::Finding;
using host::Hook;
using host::HostFacts;
using host::Process;
using host::Severity;
using host::Verdict;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

[[nodiscard]] std::vector<std::string> found(const HostFacts& facts,
                                             const DoctorSettings& settings = {}) {
  return words_of(diagnose(facts, settings));
}

/// The only finding there is.
[[nodiscard]] Finding only(const HostFacts& facts, const DoctorSettings& settings = {}) {
  auto findings = diagnose(facts, settings);
  EXPECT_EQ(findings.size(), 1U) << testing::PrintToString(words_of(findings));
  return findings.empty() ? Finding{} : std::move(findings.front());
}

TEST(Doctor, HealthyGateway) {
  EXPECT_THAT(found(healthy()), IsEmpty());
}

TEST(Doctor, WorstComesFirst) {
  auto facts = healthy();
  facts.posternd_runs = false;
  facts.holders.clear();
  facts.forwards_ipv4 = false;
  EXPECT_THAT(found(facts),
              ElementsAre("error ipv4-forwarding-off", "warning posternd-not-running"));
}

// --- Processes --------------------------------------------------------------------------------

TEST(Doctor, UnreadableRules) {
  auto facts = healthy();
  facts.ruleset.reset();
  facts.has_net_admin = false;
  EXPECT_THAT(only(facts).what, HasSubstr("CAP_NET_ADMIN"));
  facts.has_net_admin = true;
  facts.ruleset_error = "for another reason";
  EXPECT_EQ(only(facts).id, "firewall-unreadable");
  EXPECT_THAT(only(facts).what, HasSubstr("for another reason"));
}

TEST(Doctor, PosterndWithoutPrivilege) {
  auto facts = healthy();
  facts.posternd_has_net_admin = false;
  EXPECT_THAT(found(facts), ElementsAre("error posternd-no-privilege"));
}

TEST(Doctor, PosterndNotRunning) {
  auto facts = healthy();
  facts.posternd_runs = false;
  facts.posternd_has_net_admin.reset();
  facts.has_own_table = false;
  facts.holders.clear();
  EXPECT_THAT(found(facts), ElementsAre("warning posternd-not-running"));
}

TEST(Doctor, OwnTableAbsent) {
  auto facts = healthy();
  facts.has_own_table = false;
  EXPECT_THAT(found(facts), ElementsAre("error own-table-absent"));
  DoctorSettings settings;
  settings.backend = "iptables";
  EXPECT_THAT(found(facts, settings), IsEmpty());
}

TEST(Doctor, AnotherDaemon) {
  auto facts = healthy();
  facts.rivals = {Process{42, "miniupnpd"}};
  const auto finding = only(facts);
  EXPECT_EQ(finding.id, "rival-running");
  EXPECT_THAT(finding.what, HasSubstr("miniupnpd (process 42)"));
  EXPECT_THAT(finding.mend, ElementsAre("systemctl disable --now miniupnpd"));
}

TEST(Doctor, PortTaken) {
  auto facts = healthy();
  facts.holders.push_back({Protocol::udp, 5351, Process{42, "python3"}});
  auto finding = only(facts);
  EXPECT_EQ(finding.id, "port-taken");
  EXPECT_EQ(finding.severity, Severity::error);
  EXPECT_THAT(finding.what, HasSubstr("UDP port 5351 is taken by python3 (process 42)"));
  EXPECT_THAT(finding.mend, ElementsAre("kill 42"));
  facts.holders = {{Protocol::udp, 1900, Process{42, "minidlnad"}}};
  EXPECT_THAT(found(facts), ElementsAre("warning port-taken"));
  facts.holders = {{Protocol::tcp, 5351, Process{42, "nginx"}}};
  EXPECT_THAT(found(facts), ElementsAre("warning port-taken"));
}

TEST(Doctor, PortTakenBySomebodyHidden) {
  auto facts = healthy();
  facts.holders = {{Protocol::udp, 5351, std::nullopt}};
  // It is most probably posternd itself, under another user.
  EXPECT_THAT(found(facts), IsEmpty());
  facts.posternd_runs = false;
  EXPECT_THAT(found(facts), ElementsAre("error port-taken", "warning posternd-not-running"));
  EXPECT_THAT(diagnose(facts, {})[0].advice, HasSubstr("ss -nlp -u 'sport = :5351'"));
}

// --- The network ------------------------------------------------------------------------------

TEST(Doctor, NoDefaultRoute) {
  auto facts = healthy();
  facts.default_route.reset();
  DoctorSettings settings;
  settings.lan = {"br-lan"};
  EXPECT_THAT(found(facts, settings), ElementsAre("error no-default-route"));
  settings.wan = "wan0";
  EXPECT_THAT(found(facts, settings), ElementsAre("warning no-default-route"));
}

TEST(Doctor, InterfacesAbsentOrDown) {
  DoctorSettings settings;
  settings.wan = "wan7";
  settings.lan = {"br-lan", "br-guest"};
  auto facts = healthy();
  chain_in(facts, "postrouting").rules[0].match.out.reset();
  EXPECT_THAT(found(facts, settings), ElementsAre("error wan-absent", "error lan-absent"));
  settings.wan = "wan0";
  settings.lan = {"br-lan"};
  facts.links[0].is_up = false;
  facts.links[1].is_up = false;
  const auto findings = diagnose(facts, settings);
  EXPECT_THAT(words_of(findings), ElementsAre("error wan-down", "error lan-not-ready"));
  EXPECT_THAT(findings[0].mend, ElementsAre("ip link set wan0 up"));
  EXPECT_THAT(findings[1].mend, ElementsAre("ip link set br-lan up"));
}

TEST(Doctor, LanWithoutAddressOrName) {
  auto facts = healthy();
  facts.links[1].interface.addresses.clear();
  EXPECT_THAT(found(facts), ElementsAre("error lan-unknown"));
  DoctorSettings settings;
  settings.lan = {"br-lan"};
  EXPECT_THAT(found(facts, settings), ElementsAre("error lan-not-ready"));
}

TEST(Doctor, WanAddress) {
  const auto with = [](std::vector<std::string_view> addresses) {
    auto facts = healthy();
    facts.links[0] = link_with("wan0", std::move(addresses));
    return found(facts);
  };
  EXPECT_THAT(with({}), ElementsAre("error wan-no-address"));
  EXPECT_THAT(with({"2001:db8::1"}), ElementsAre("error wan-no-address"));
  for (const auto* address : {"10.0.0.2", "172.16.0.2", "172.31.255.2", "192.168.178.2"}) {
    EXPECT_THAT(with({address}), ElementsAre("warning wan-private")) << address;
  }
  EXPECT_THAT(with({"169.254.1.1"}), ElementsAre("warning wan-private"));
  EXPECT_THAT(with({"100.64.0.1"}), ElementsAre("warning wan-cgnat"));
  EXPECT_THAT(with({"100.127.255.1"}), ElementsAre("warning wan-cgnat"));
  EXPECT_THAT(with({"192.0.0.2"}), ElementsAre("warning wan-cgnat"));
  for (const auto* address : {"100.128.0.1", "172.32.0.1", "192.169.0.1", "11.0.0.1"}) {
    EXPECT_THAT(with({address}), IsEmpty()) << address;
  }
}

TEST(Doctor, ExternalAddressExplainsAPrivateOne) {
  auto facts = healthy();
  facts.links[0] = link_with("wan0", {"10.0.0.2"});
  DoctorSettings settings;
  settings.external_address = Address::parse("198.51.100.7");
  EXPECT_THAT(found(facts, settings), IsEmpty());
}

TEST(Doctor, Forwarding) {
  auto facts = healthy();
  facts.forwards_ipv4 = false;
  facts.forwards_ipv6 = false;
  // The LAN has no public IPv6 addresses, so nobody misses that.
  EXPECT_EQ(only(facts).id, "ipv4-forwarding-off");
  EXPECT_THAT(only(facts).mend, ElementsAre("sysctl -w net.ipv4.ip_forward=1"));
  facts.forwards_ipv4 = true;
  facts.links[1] = link_with("br-lan", {"192.168.1.1", "2001:db8::1", "fe80::1"});
  EXPECT_THAT(found(facts), ElementsAre("warning ipv6-forwarding-off"));
  facts.forwards_ipv4.reset();
  facts.forwards_ipv6.reset();
  EXPECT_THAT(found(facts), IsEmpty());
}

TEST(Doctor, BridgeNetfilter) {
  auto facts = healthy();
  facts.bridge_calls_iptables = true;
  EXPECT_THAT(found(facts), ElementsAre("warning bridge-netfilter"));
  facts.bridge_calls_iptables.reset();
  EXPECT_THAT(found(facts), IsEmpty());
}

// --- The firewall -----------------------------------------------------------------------------

TEST(Doctor, ForwardDrops) {
  auto facts = healthy();
  chain_in(facts, "forward").rules.clear();
  const auto finding = only(facts);
  EXPECT_EQ(finding.id, "forward-drops");
  EXPECT_THAT(finding.what, HasSubstr("table inet host, chain forward (policy drop)"));
  EXPECT_THAT(finding.what, HasSubstr("(IPv4)"));
  EXPECT_THAT(finding.mend, ElementsAre("nft insert rule inet host forward "
                                        "meta mark and 0x10000000 == 0x10000000 accept"));
}

TEST(Doctor, ForwardDropsBothVersions) {
  auto facts = healthy();
  facts.links[1] = link_with("br-lan", {"192.168.1.1", "2001:db8::1"});
  chain_in(facts, "forward").rules.clear();
  EXPECT_THAT(only(facts).what, HasSubstr("(IPv4 and IPv6)"));
  chain_in(facts, "forward").rules = {rule(Verdict::accept, translated())};
  EXPECT_THAT(only(facts).what, HasSubstr("(IPv6)"));
}

TEST(Doctor, ForwardMarkIsTheConfiguredOne) {
  DoctorSettings settings;
  settings.forward_mark = 0x4;
  const auto findings = diagnose(healthy(), settings);
  ASSERT_THAT(words_of(findings), ElementsAre("error forward-drops", "error input-drops"));
  EXPECT_THAT(findings[0].mend[0], HasSubstr("meta mark and 0x00000004 == 0x00000004 accept"));
}

TEST(Doctor, ForwardMayDrop) {
  auto facts = healthy();
  auto& rules = chain_in(facts, "forward").rules;
  rules.insert(rules.begin(), rule_to(Verdict::jump, "blocklist"));
  facts.ruleset->chains.push_back(chain("blocklist", {rule(Verdict::drop, for_some())}));
  const auto finding = only(facts);
  EXPECT_EQ(finding.severity, Severity::warning);
  EXPECT_EQ(finding.id, "forward-may-drop");
  EXPECT_THAT(finding.what, HasSubstr("by a rule in chain blocklist"));
}

TEST(Doctor, EveryLanIsLookedAt) {
  auto facts = healthy();
  facts.links.push_back(link_with("br-guest", {"192.168.2.1"}));
  auto& rules = chain_in(facts, "forward").rules;
  rules.insert(rules.begin(), rule(Verdict::drop, between(nullptr, "br-guest")));
  EXPECT_THAT(found(facts), ElementsAre("error forward-drops"));
}

TEST(Doctor, ForwardBeforeTheMark) {
  auto facts = healthy();
  chain_in(facts, "forward").priority = -100;
  const auto finding = only(facts);
  EXPECT_EQ(finding.id, "forward-drops");
  EXPECT_THAT(finding.mend, ElementsAre("nft insert rule inet host forward ct status dnat accept"));
  EXPECT_THAT(finding.advice, HasSubstr("filter - 10"));
}

TEST(Doctor, InputDrops) {
  auto facts = healthy();
  chain_in(facts, "input").rules = {rule(Verdict::accept, between("lo", nullptr))};
  const auto finding = only(facts);
  EXPECT_EQ(finding.id, "input-drops");
  EXPECT_THAT(finding.what, HasSubstr("UDP 5351 from br-lan"));
  EXPECT_THAT(finding.mend, ElementsAre("nft insert rule inet host input "
                                        "meta mark and 0x10000000 == 0x10000000 accept"));
}

TEST(Doctor, InputThatLetsUsIn) {
  auto facts = healthy();
  for (const auto& match : {between("br-lan", nullptr), to_udp("53, 5351")}) {
    chain_in(facts, "input").rules = {rule(Verdict::accept, match)};
    EXPECT_THAT(found(facts), IsEmpty());
  }
  chain_in(facts, "input").rules = {rule(Verdict::accept, to_udp("53"))};
  EXPECT_THAT(found(facts), ElementsAre("error input-drops"));
  chain_in(facts, "input").rules = {rule(Verdict::drop, to_udp("53")), rule(Verdict::accept)};
  EXPECT_THAT(found(facts), IsEmpty());
  chain_in(facts, "input").rules = {rule(Verdict::drop, for_some()), rule(Verdict::accept)};
  EXPECT_THAT(found(facts), ElementsAre("warning input-may-drop"));
}

TEST(Doctor, InputBeforeTheMark) {
  auto facts = healthy();
  chain_in(facts, "input").priority = -10;
  EXPECT_THAT(only(facts).mend,
              ElementsAre("nft 'insert rule inet host input iifname \"br-lan\" udp dport 5351 "
                          "accept'"));
}

TEST(Doctor, AnyInterfaceNameCanStandInACommand) {
  auto facts = healthy();
  facts.links[1] = link_with("4g'0", {"192.168.1.1"});
  chain_in(facts, "forward").rules = {rule(Verdict::accept)};
  chain_in(facts, "input").priority = -10;
  EXPECT_THAT(only(facts).mend,
              ElementsAre("nft 'insert rule inet host input iifname \"4g'\\''0\" udp dport 5351 "
                          "accept'"));
}

TEST(Doctor, IptablesHost) {
  auto facts = healthy();
  auto& forward = chain_in(facts, "forward");
  forward = in_table(std::move(forward), Family::ip, "filter", "FORWARD");
  forward.rules.clear();
  auto finding = only(facts);
  EXPECT_EQ(finding.severity, Severity::error);
  EXPECT_THAT(finding.mend, ElementsAre("iptables -I FORWARD -m mark --mark 0x10000000/0x10000000 "
                                        "-m comment --comment postern -j ACCEPT"));
  // posternd will put it there when it starts.
  facts.posternd_runs = false;
  facts.holders.clear();
  EXPECT_THAT(found(facts), ElementsAre("warning posternd-not-running", "warning forward-drops"));
  DoctorSettings settings;
  settings.adapts_host_firewall = false;
  EXPECT_THAT(found(facts, settings),
              ElementsAre("error forward-drops", "warning posternd-not-running"));
}

// iptables itself refuses to touch such a chain, and posternd keeps no rule there.
TEST(Doctor, AChainOfIptablesNameAtAnotherPriorityIsNotItsOwn) {
  auto facts = healthy();
  auto& forward = chain_in(facts, "forward");
  forward = in_table(std::move(forward), Family::ip, "filter", "FORWARD");
  forward.rules.clear();
  forward.priority = 5;
  facts.posternd_runs = false;
  facts.holders.clear();
  EXPECT_THAT(found(facts), ElementsAre("error forward-drops", "warning posternd-not-running"));
  const auto findings = host::diagnose(facts, {});
  EXPECT_THAT(findings.front().mend, ElementsAre(HasSubstr("nft insert rule ip filter FORWARD")));
}

TEST(Doctor, IptablesBackend) {
  auto facts = healthy();
  facts.has_own_table = false;
  for (auto [from, to] : {std::pair{"forward", "FORWARD"}, {"input", "INPUT"}}) {
    auto& chain = chain_in(facts, from);
    chain = in_table(std::move(chain), Family::ip, "filter", to);
    chain.rules = {rule_to(Verdict::jump, std::string("POSTERN-") + to)};
    facts.ruleset->chains.push_back(
        in_table(test::chain("", {}), Family::ip, "filter", std::string("POSTERN-") + to));
  }
  DoctorSettings settings;
  settings.backend = "iptables";
  EXPECT_THAT(found(facts, settings), IsEmpty());
  chain_in(facts, "FORWARD").rules.clear();
  EXPECT_THAT(found(facts, settings), ElementsAre("error forward-drops"));
}

TEST(Doctor, Firewalld) {
  auto facts = healthy();
  auto& input = chain_in(facts, "input");
  input = in_table(std::move(input), Family::inet, "firewalld", "filter_INPUT");
  input.rules = {rule(Verdict::reject)};
  EXPECT_THAT(only(facts).mend, ElementsAre(HasSubstr("--add-port=5351/udp")));
  facts = healthy();
  facts.links[1] = link_with("br-lan", {"192.168.1.1", "2001:db8::1"});
  auto& forward = chain_in(facts, "forward");
  forward = in_table(std::move(forward), Family::inet, "firewalld", "filter_FORWARD");
  forward.rules = {rule(Verdict::accept, translated()), rule(Verdict::reject)};
  EXPECT_THAT(only(facts).mend, ElementsAre("systemctl enable --now postern-firewalld"));
  EXPECT_THAT(only(facts).advice, HasSubstr("packaging/firewall/firewalld/"));
  // The policy that this installs.
  facts.ruleset->chains.push_back(
      in_table(chain("", {}), Family::inet, "firewalld", "filter_FWD_policy_postern"));
  EXPECT_THAT(found(facts), IsEmpty());
}

TEST(Doctor, Fw4) {
  auto facts = healthy();
  auto& forward = chain_in(facts, "forward");
  forward.table = "fw4";
  forward.rules.clear();
  EXPECT_THAT(only(facts).mend,
              ElementsAre(HasSubstr("/usr/share/nftables.d/chain-pre/forward/50-postern.nft")));
}

TEST(Doctor, NoMasquerade) {
  auto facts = healthy();
  chain_in(facts, "postrouting").rules.clear();
  auto finding = only(facts);
  EXPECT_EQ(finding.id, "no-masquerade");
  EXPECT_THAT(finding.mend,
              ElementsAre("nft 'add rule inet host postrouting oifname \"wan0\" masquerade'"));
  facts.ruleset->chains.pop_back();
  EXPECT_EQ(only(facts).mend.size(), 3U);
  chain_in(facts, "input") = in_table(chain_in(facts, "input"), Family::ip, "filter", "INPUT");
  EXPECT_THAT(only(facts).mend,
              ElementsAre("iptables -t nat -A POSTROUTING -o wan0 -j MASQUERADE"));
  // Public addresses need no translation.
  facts.links[1] = link_with("br-lan", {"198.51.100.1"});
  DoctorSettings settings;
  settings.lan = {"br-lan"};
  EXPECT_THAT(found(facts, settings), IsEmpty());
}

TEST(Doctor, LegacyIptables) {
  auto facts = healthy();
  facts.has_legacy_iptables = true;
  // It may be they who translate.
  chain_in(facts, "postrouting").rules.clear();
  EXPECT_THAT(found(facts), ElementsAre("warning legacy-iptables"));
  EXPECT_THAT(only(facts).mend[0], HasSubstr("iptables-legacy -I FORWARD -m mark"));
  DoctorSettings settings;
  settings.backend = "iptables";
  EXPECT_THAT(found(facts, settings), ElementsAre("info legacy-iptables"));
  facts = healthy();
  facts.has_legacy_iptables.reset();
  EXPECT_THAT(found(facts), IsEmpty());
}

TEST(Doctor, CatchAllForward) {
  auto facts = healthy();
  auto dnat = base(Hook::prerouting, false, {rule(Verdict::accept, between("wan0", nullptr))});
  dnat.type = "nat";
  dnat.rules[0].nat = host::NatKind::dnat;
  facts.ruleset->chains.push_back(dnat);
  EXPECT_THAT(found(facts), ElementsAre("warning catch-all-forward"));
  EXPECT_THAT(only(facts).what, HasSubstr("inet host prerouting"));
  facts.ruleset->chains.back().rules[0].match = to_udp("80");
  EXPECT_THAT(found(facts), IsEmpty());
}

}  // namespace
}  // namespace postern::test
