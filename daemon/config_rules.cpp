#include "daemon/config_rules.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

#include "core/mac_address.h"
#include "daemon/config_rule_warnings.h"
#include "protocols/natpmp/frontend.h"
#include "protocols/pcp/decision.h"
#include "protocols/upnp/invocation.h"

namespace postern {
namespace {

constexpr std::array<std::string_view, 3> kFrontends{natpmp::kFrontendName, pcp::kFrontendName,
                                                     upnp::kFrontendName};
/// More than any administrator can oversee.
constexpr std::size_t kMostRules = 1000;

void read_clients(TomlTable& table, Rule& rule) {
  const auto clients = table.texts("clients", "lan");
  if (!clients) return;
  rule.lan_clients = false;
  for (const auto& client : *clients) {
    if (client == "lan") {
      rule.lan_clients = true;
    } else if (const auto prefix = Prefix::parse(client)) {
      rule.client_prefixes.push_back(*prefix);
    } else {
      table.reject("clients", "contains \"" + client +
                                  "\"; write \"lan\" or a prefix such as \"192.168.1.0/24\"");
    }
  }
}

void read_interfaces(TomlTable& table, Rule& rule, const std::vector<std::string>& lan) {
  auto interfaces = table.texts("interfaces", "br-lan");
  if (!interfaces) return;
  for (const auto& name : *interfaces) {
    const bool is_lan = lan.empty() || std::find(lan.begin(), lan.end(), name) != lan.end();
    if (is_lan) continue;
    table.reject("interfaces", "names \"" + name +
                                   "\", which is none of those in lan; add it there, or mend the "
                                   "name");
  }
  rule.interfaces = std::move(*interfaces);
}

void read_macs(TomlTable& table, Rule& rule) {
  const auto macs = table.texts("macs", "02:00:5e:10:00:0a");
  if (!macs) return;
  for (const auto& text : *macs) {
    if (const auto mac = MacAddress::parse(text)) {
      rule.macs.push_back(*mac);
    } else {
      table.reject("macs", "contains \"" + text +
                               "\"; write six octets in hexadecimal, for example "
                               "\"02:00:5e:10:00:0a\"");
    }
  }
}

void read_protocols(TomlTable& table, Rule& rule) {
  auto frontends = table.texts("protocols", "natpmp");
  if (frontends) {
    for (const auto& name : *frontends) {
      if (std::find(kFrontends.begin(), kFrontends.end(), name) != kFrontends.end()) continue;
      table.reject("protocols",
                   "contains \"" + name + "\"; write \"natpmp\", \"pcp\" or \"upnp\"" +
                       (name == "tcp" || name == "udp" ? ", or transport = \"" + name + "\"" : ""));
    }
    rule.frontends = std::move(*frontends);
  }
  const auto transport = table.text("transport", "udp");
  if (!transport) return;
  for (const auto protocol : {Protocol::tcp, Protocol::udp}) {
    if (*transport == to_string(protocol)) rule.protocol = protocol;
  }
  if (!rule.protocol) {
    table.reject("transport",
                 "is \"" + *transport + "\"; write \"tcp\" or \"udp\", or leave it out for both");
  }
}

void read_ports(TomlTable& table, Rule& rule, const PortSet& sensitive_ports) {
  if (const auto ports = table.ports("external_ports")) rule.external_ports = united(*ports);
  const auto internal = table.ports("internal_ports");
  if (!internal) return;
  rule.internal_ports = united(*internal);
  for (const auto& item : *internal) {
    if (!item.is_within(sensitive_ports)) continue;
    rule.named_sensitive_ports = rule.named_sensitive_ports.united_with(item);
  }
}

/// What a rule grants, which one that denies must not say.
void read_grants(TomlTable& table, Rule& rule, const Limits& limits) {
  rule.min_lifetime = table.duration("min_lifetime", kLongestLifetime);
  rule.max_lifetime = table.duration("max_lifetime", kLongestLifetime);
  if (const auto quota = table.number("quota", 1, kMostMappings)) {
    rule.quota = static_cast<std::uint32_t>(*quota);
  }
  if (const auto for_others = table.boolean("for_others")) rule.for_others = *for_others;
  const Seconds longest = rule.max_lifetime.value_or(limits.max_lifetime);
  if (rule.min_lifetime && *rule.min_lifetime > longest) {
    table.reject("min_lifetime", rule.max_lifetime
                                     ? "is more than the rule's max_lifetime; write a shorter one"
                                     : "is more than lifetime.max; give the rule a max_lifetime");
  }
  if (rule.action == Rule::Action::allow) return;
  const std::array<std::pair<std::string_view, bool>, 4> said{
      {{"min_lifetime", rule.min_lifetime.has_value()},
       {"max_lifetime", rule.max_lifetime.has_value()},
       {"quota", rule.quota.has_value()},
       {"for_others", rule.for_others}}};
  for (const auto& [key, is_said] : said) {
    if (is_said) table.reject(key, "means nothing in a rule that denies; remove it");
  }
}

[[nodiscard]] Rule read_rule(TomlTable& table, std::size_t number, const Limits& limits,
                             const std::vector<std::string>& lan) {
  Rule rule;
  rule.external_ports = rule.internal_ports = PortSet::all();
  rule.name = table.text("name", "game consoles").value_or("rule " + std::to_string(number));
  const auto action = table.text("action", "allow");
  if (action == "deny") {
    rule.action = Rule::Action::deny;
  } else if (action != "allow") {
    table.reject("action", "is missing or unknown; write \"allow\" or \"deny\"");
  }
  read_clients(table, rule);
  read_interfaces(table, rule, lan);
  read_macs(table, rule);
  read_protocols(table, rule);
  read_ports(table, rule, limits.never_internal_ports);
  read_grants(table, rule, limits);
  table.reject_unknown_keys();
  return rule;
}

}  // namespace

std::vector<Rule> read_rules(TomlTable& top, const Limits& limits,
                             const std::vector<std::string>& lan, RuleReview review) {
  auto tables = top.tables("rule");
  if (tables.empty()) return {default_rule()};
  if (tables.size() > kMostRules) {
    top.reject("rule", "has more than 1000 tables; join some of them");
    return {};
  }
  std::vector<Rule> rules;
  for (auto& table : tables) rules.push_back(read_rule(table, rules.size() + 1, limits, lan));
  if (review == RuleReview::of_few && rules.size() > kFewRules) {
    top.warn("there are more than " + std::to_string(kFewRules) +
             " rules; only posternd --check-config tells which of them can never decide");
    return rules;
  }
  const UselessRules useless(rules, limits.never_internal_ports);
  for (std::size_t i = 0; i < rules.size(); ++i) {
    if (const auto why = useless.why(i)) tables[i].warn("rule \"" + rules[i].name + "\" " + *why);
  }
  return rules;
}

}  // namespace postern
