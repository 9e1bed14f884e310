#include "core/policy.h"

#include <algorithm>

namespace postern {
namespace {

[[nodiscard]] bool any_contains(const std::vector<Prefix>& prefixes, const Address& address) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const Prefix& prefix) { return prefix.contains(address); });
}

}  // namespace

Rule default_rule() {
  Rule rule;
  rule.name = "high ports for everyone";
  rule.external_ports = PortSet({{1024, 65535}});
  // Port 9 (discard) is how clients learn the external address (RFC 6887 §11.6).
  rule.internal_ports = PortSet({{9, 9}, {1024, 65535}});
  return rule;
}

PortSet default_never_internal_ports() {
  return PortSet({{21, 23},
                  {25, 25},
                  {53, 53},
                  {80, 80},
                  {110, 111},
                  {135, 139},
                  {143, 143},
                  {443, 443},
                  {445, 445},
                  {3306, 3306},
                  {3389, 3389},
                  {5432, 5432},
                  {5900, 5900}});
}

Policy::Policy(std::vector<Rule> rules, Limits limits)
    : rules_(std::move(rules)), limits_(std::move(limits)) {}

Result<Permission, MapError> Policy::judge(const MapRequest& request) const {
  PortSet permitted;
  PortSet undecided = PortSet::all();
  for (const auto& rule : rules_) {
    if (!matches(rule, request)) continue;
    if (rule.action == Rule::Action::allow) {
      permitted = permitted.united_with(rule.external_ports.intersected_with(undecided));
    }
    undecided = undecided.without(rule.external_ports);
    if (undecided.empty()) break;
  }
  if (permitted.empty()) return fail(MapError::not_authorized);
  const bool is_lease = request.lifetime_limit == LifetimeLimit::max_lease;
  const Seconds longest = is_lease ? limits_.max_lease : limits_.max_lifetime;
  return Permission{std::min(request.lifetime, longest), std::move(permitted)};
}

bool Policy::serves(const Address& client) const {
  const PortSet every_port = PortSet::all();
  for (const auto& rule : rules_) {
    if (!matches_client(rule, client)) continue;
    if (rule.action == Rule::Action::allow) return true;
    if (rule.internal_ports == every_port && rule.external_ports == every_port) return false;
  }
  return false;
}

bool Policy::is_on_link(const Address& address) const {
  return any_contains(lan_prefixes_, address);
}

bool Policy::lists(const Address& client) const {
  return std::any_of(rules_.begin(), rules_.end(), [&](const Rule& rule) {
    return rule.action == Rule::Action::allow && any_contains(rule.client_prefixes, client);
  });
}

bool Policy::matches_client(const Rule& rule, const Address& client) const {
  return (rule.lan_clients && any_contains(lan_prefixes_, client)) ||
         any_contains(rule.client_prefixes, client);
}

bool Policy::matches(const Rule& rule, const MapRequest& request) const {
  if (!matches_client(rule, request.claimant.client)) return false;
  const std::uint16_t port = request.internal.port;
  if (!rule.internal_ports.contains(port)) return false;
  if (rule.action == Rule::Action::deny) return true;
  if (limits_.never_internal_ports.contains(port) && !rule.named_sensitive_ports.contains(port)) {
    return false;
  }
  return rule.for_others || request.internal.address == request.claimant.client;
}

}  // namespace postern
