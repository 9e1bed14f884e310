#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "host/foreign_rules.h"
#include "tests/host/host_fixture.h"

namespace postern::host {

inline void PrintTo(const PacketMatch& match, std::ostream* out) {
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

inline void PrintTo(const ForeignRule& rule, std::ostream* out) {
  PrintTo(rule.match, out);
  *out << "; verdict " << static_cast<int>(rule.verdict) << " " << rule.target << " nat "
       << static_cast<int>(rule.nat);
}

}  // namespace postern::host

namespace postern::test {

// NF_CT_STATE bits.
inline constexpr std::uint32_t kInvalid = 1;
inline constexpr std::uint32_t kEstablished = 2;
inline constexpr std::uint32_t kRelated = 4;

[[nodiscard]] inline host::PortMatch named(const char* ports) {
  return {*PortSet::parse(ports), true};
}
[[nodiscard]] inline host::PortMatch never() {
  return {PortSet(), false};
}
[[nodiscard]] inline host::PacketMatch some() {
  host::PacketMatch match;
  match.is_conditional = true;
  return match;
}
[[nodiscard]] inline host::PacketMatch tcp_to(const char* ports) {
  auto match = some();
  match.tcp = named(ports);
  match.udp = never();
  match.udp.is_named = true;
  return match;
}
[[nodiscard]] inline host::PacketMatch udp_to(const char* ports) {
  auto match = some();
  match.udp = named(ports);
  match.tcp = never();
  match.tcp.is_named = true;
  return match;
}
[[nodiscard]] inline host::PacketMatch in_ipv4(host::PacketMatch match) {
  match.ipv6 = false;
  return match;
}
[[nodiscard]] inline host::PacketMatch with_others(host::PacketMatch match) {
  match.has_others = true;
  return match;
}

[[nodiscard]] inline std::vector<host::ForeignRule> rules_in(const host::ForeignRuleset& ruleset,
                                                             host::Family family, const char* table,
                                                             const char* chain) {
  const auto* found = ruleset.find(family, table, chain);
  EXPECT_NE(found, nullptr) << table << " " << chain;
  return found != nullptr ? found->rules : std::vector<host::ForeignRule>{};
}

}  // namespace postern::test
