#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "host/doctor.h"
#include "host/foreign_rules.h"

namespace postern::test {

inline constexpr std::uint32_t kMark = 0x10000000;

// --- Rules ------------------------------------------------------------------------------------

[[nodiscard]] inline host::ForeignRule rule(host::Verdict verdict, host::PacketMatch match = {}) {
  return {std::move(match), verdict, "", host::NatKind::none};
}
[[nodiscard]] inline host::ForeignRule rule_to(host::Verdict verdict, std::string target,
                                               host::PacketMatch match = {}) {
  return {std::move(match), verdict, std::move(target), host::NatKind::none};
}
[[nodiscard]] inline host::PacketMatch marked() {
  host::PacketMatch match;
  match.mark = host::MarkMatch{kMark, kMark};
  return match;
}
[[nodiscard]] inline host::PacketMatch in_states(std::uint32_t states) {
  host::PacketMatch match;
  match.ct_states = states;
  return match;
}
[[nodiscard]] inline host::PacketMatch for_some() {
  host::PacketMatch match;
  match.has_others = true;
  return match;
}
[[nodiscard]] inline host::PacketMatch translated() {
  host::PacketMatch match;
  match.is_dnat = true;
  return match;
}
[[nodiscard]] inline host::PacketMatch between(const char* in, const char* out) {
  host::PacketMatch match;
  if (in != nullptr) match.in = host::InterfaceMatch{{in}, false};
  if (out != nullptr) match.out = host::InterfaceMatch{{out}, false};
  return match;
}
[[nodiscard]] inline host::PacketMatch to_udp(const char* ports) {
  host::PacketMatch match;
  match.udp = {*PortSet::parse(ports), true};
  match.tcp = {PortSet(), true};
  return match;
}

// --- Chains -----------------------------------------------------------------------------------

[[nodiscard]] inline host::ForeignChain chain(std::string name,
                                              std::vector<host::ForeignRule> rules) {
  host::ForeignChain made;
  made.family = host::Family::inet;
  made.table = "host";
  made.name = std::move(name);
  made.rules = std::move(rules);
  return made;
}
[[nodiscard]] inline host::ForeignChain base(host::Hook hook, bool policy_drop,
                                             std::vector<host::ForeignRule> rules) {
  auto made = chain(std::string(to_string(hook)), std::move(rules));
  made.is_base = true;
  made.type = hook == host::Hook::postrouting ? "nat" : "filter";
  made.hook = hook;
  made.policy_drop = policy_drop;
  return made;
}
[[nodiscard]] inline host::ForeignChain in_table(host::ForeignChain chain, host::Family family,
                                                 std::string table, std::string name) {
  chain.family = family;
  chain.table = std::move(table);
  chain.name = std::move(name);
  return chain;
}

// --- A gateway --------------------------------------------------------------------------------

[[nodiscard]] inline host::HostLink link_with(std::string name,
                                              std::vector<std::string_view> addresses) {
  host::HostLink link;
  link.interface.name = std::move(name);
  link.interface.index = 1;
  link.is_up = true;
  for (const auto address : addresses) {
    link.interface.addresses.push_back({*Address::parse(address), 24});
  }
  return link;
}

/// One on which everything is as it should be.
[[nodiscard]] inline host::HostFacts healthy() {
  using host::Hook;
  using host::Verdict;
  host::ForeignRule masquerade{between(nullptr, "wan0"), Verdict::accept, "",
                               host::NatKind::masquerade};
  host::HostFacts facts;
  facts.links = {link_with("wan0", {"203.0.113.1"}), link_with("br-lan", {"192.168.1.1"})};
  facts.default_route = "wan0";
  facts.forwards_ipv4 = true;
  facts.forwards_ipv6 = true;
  facts.bridge_calls_iptables = false;
  facts.has_net_admin = true;
  facts.has_own_table = true;
  facts.has_legacy_iptables = false;
  facts.posternd_runs = true;
  facts.posternd_has_net_admin = true;
  facts.holders = {{Protocol::udp, 5351, host::Process{7, "posternd"}}};
  facts.ruleset = host::ForeignRuleset{{
      base(Hook::forward, true, {rule(Verdict::accept, marked())}),
      base(Hook::input, true, {rule(Verdict::accept, marked())}),
      base(Hook::postrouting, false, {masquerade}),
  }};
  return facts;
}

[[nodiscard]] inline host::ForeignChain& chain_in(host::HostFacts& facts, std::string_view name) {
  auto& chains = facts.ruleset->chains;
  const auto found = std::find_if(chains.begin(), chains.end(),
                                  [&](const auto& chain) { return chain.name == name; });
  EXPECT_NE(found, chains.end()) << name;
  return *found;
}

/// "error forward-drops", one for each finding.
[[nodiscard]] inline std::vector<std::string> words_of(const std::vector<host::Finding>& findings) {
  std::vector<std::string> words;
  for (const auto& finding : findings) {
    words.push_back(std::string(to_string(finding.severity)) + " " + std::string(finding.id));
  }
  return words;
}

}  // namespace postern::test
