#include "daemon/config_rule_warnings.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <vector>

#include "protocols/natpmp/frontend.h"
#include "protocols/pcp/decision.h"
#include "protocols/upnp/invocation.h"

namespace postern {
namespace {

constexpr std::array kFrontends{natpmp::kFrontendName, pcp::kFrontendName, upnp::kFrontendName};

template <class Items, class Value>
[[nodiscard]] bool is_in(const Items& items, const Value& value) {
  return std::ranges::find(items, value) != items.end();
}

[[nodiscard]] bool may_ask(const Rule& rule, std::string_view frontend) {
  return rule.frontends.empty() || is_in(rule.frontends, frontend);
}

[[nodiscard]] bool is_within(const Prefix& inner, const Prefix& outer) {
  return inner.network().is_v4() == outer.network().is_v4() && inner.length() >= outer.length() &&
         outer.contains(inner.network());
}

[[nodiscard]] bool has_within(const Rule& rule, const Prefix& prefix) {
  return std::ranges::any_of(rule.client_prefixes,
                             [&](const Prefix& outer) { return is_within(prefix, outer); });
}

/// Of the ports that it lists, those about which it says something.
[[nodiscard]] PortSet internal_ports_of(const Rule& rule, const PortSet& never_internal_ports) {
  if (rule.action == Rule::Action::deny) return rule.internal_ports;
  const auto closed = never_internal_ports.without(rule.named_sensitive_ports);
  return rule.internal_ports.without(closed);
}

/// Whether it is about nobody but hosts that ask for themselves: over the other protocols, who asks
/// for another host is treated as that host.
[[nodiscard]] bool is_for_askers_alone(const Rule& rule) {
  const bool is_own = rule.action == Rule::Action::allow && !rule.for_others;
  return is_own || !may_ask(rule, upnp::kFrontendName);
}

[[nodiscard]] bool is_for_v6_alone(const Rule& rule) {
  return !rule.lan_clients && std::ranges::none_of(rule.client_prefixes, [](const Prefix& one) {
    return one.network().is_v4();
  });
}

[[nodiscard]] bool covers_clients(const Rule& first, const Rule& rule) {
  if (rule.lan_clients && !first.lan_clients) {
    const bool covers_everybody =
        has_within(first, Prefix(Address::v4(0), 0)) && has_within(first, Prefix(Address(), 0));
    if (!covers_everybody) return false;
  }
  return std::ranges::all_of(rule.client_prefixes,
                             [&](const Prefix& prefix) { return has_within(first, prefix); });
}

/// Who is not known is met by rules that deny and not by those that allow; so of two that differ in
/// this nothing can be said.
[[nodiscard]] bool covers_links(const Rule& first, const Rule& rule) {
  if (first.interfaces.empty() && first.macs.empty()) return true;
  const auto covers = [](const auto& outer, const auto& inner) {
    const bool is_narrower = !inner.empty() && std::ranges::all_of(inner, [&](const auto& one) {
      return is_in(outer, one);
    });
    return outer.empty() || is_narrower;
  };
  return first.action == rule.action && covers(first.interfaces, rule.interfaces) &&
         covers(first.macs, rule.macs);
}

[[nodiscard]] bool covers_frontends(const Rule& first, const Rule& rule) {
  return std::ranges::all_of(
      kFrontends, [&](auto name) { return may_ask(first, name) || !may_ask(rule, name); });
}

/// `internal`: the ports about which it says something.
[[nodiscard]] std::optional<std::string> contradiction_in(const Rule& rule,
                                                          const PortSet& internal) {
  if (internal.empty()) {
    return "its internal_ports are among limits.never_internal_ports; name them one by one";
  }
  if (!is_for_v6_alone(rule)) return std::nullopt;
  const bool is_natpmp_alone =
      !may_ask(rule, pcp::kFrontendName) && !may_ask(rule, upnp::kFrontendName);
  if (is_natpmp_alone) return "its clients have IPv6 addresses, and NAT-PMP is for IPv4 alone";
  if (is_for_askers_alone(rule) && internal.intersected_with(rule.external_ports).empty()) {
    return "a pinhole (IPv6) has the same port on both sides, and no port is both in "
           "internal_ports and in external_ports";
  }
  return std::nullopt;
}

}  // namespace

UselessRules::UselessRules(std::span<const Rule> rules, const PortSet& never_internal_ports)
    : rules_(rules) {
  internal_ports_.reserve(rules.size());
  for (const auto& rule : rules) {
    internal_ports_.push_back(internal_ports_of(rule, never_internal_ports));
  }
}

/// Whether the first rule matches whatever the other one matches, external ports aside. What is
/// soon compared comes first: of most pairs that tells all.
bool UselessRules::covers(std::size_t first_index, std::size_t index) const {
  const Rule& first = rules_[first_index];
  const Rule& rule = rules_[index];
  if (first.protocol && first.protocol != rule.protocol) return false;
  const bool covers_others =
      first.action == Rule::Action::deny || first.for_others || is_for_askers_alone(rule);
  return covers_others && covers_clients(first, rule) && covers_frontends(first, rule) &&
         covers_links(first, rule) &&
         internal_ports_[index].is_within(internal_ports_[first_index]);
}

std::optional<std::string> UselessRules::why(std::size_t index) const {
  const Rule& rule = rules_[index];
  if (auto found = contradiction_in(rule, internal_ports_[index])) {
    return "can never decide, for " + *found;
  }
  PortSet left = rule.external_ports;
  std::string names;
  for (std::size_t i = 0; i < index; ++i) {
    if (!covers(i, index)) continue;
    auto rest = left.without(rules_[i].external_ports);
    if (rest == left) continue;
    left = std::move(rest);
    names += (names.empty() ? "\"" : ", \"") + rules_[i].name + "\"";
    if (left.empty()) {
      return "can never decide, for all that it matches is decided above, by " + names;
    }
  }
  return std::nullopt;
}

}  // namespace postern
