#include "core/rule.h"

#include <algorithm>

namespace postern {
namespace {

template <class Items, class Value>
[[nodiscard]] bool is_in(const Items& items, const Value& value) {
  return std::find(items.begin(), items.end(), value) != items.end();
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

RuleMatch Asker::match_client(const Rule& rule) const {
  const Address& client = claimant_.client;
  const bool is_meant = (rule.lan_clients && any_contains(lan_prefixes_, client)) ||
                        any_contains(rule.client_prefixes, client);
  return is_meant ? RuleMatch::matches : RuleMatch::other_client;
}

RuleMatch Asker::match_frontend(const Rule& rule) const {
  const bool is_meant = rule.frontends.empty() || is_in(rule.frontends, claimant_.frontend);
  return is_meant ? RuleMatch::matches : RuleMatch::other_frontend;
}

RuleMatch Asker::match_link(const Rule& rule) {
  if (rule.interfaces.empty() && rule.macs.empty()) return RuleMatch::matches;
  const auto& found = link();
  if (found && !rule.interfaces.empty() && !is_in(rule.interfaces, found->interface)) {
    return RuleMatch::other_interface;
  }
  if (found && found->mac && !rule.macs.empty() && !is_in(rule.macs, *found->mac)) {
    return RuleMatch::other_mac;
  }
  const bool is_known = found && (found->mac || rule.macs.empty());
  const auto holds_unknown =
      rule.action == Rule::Action::deny ? Unknown::is_denied : Unknown::is_allowed;
  return is_known || unknown_ == holds_unknown ? RuleMatch::matches : RuleMatch::unknown_link;
}

const std::optional<ClientLink>& Asker::link() {
  if (!has_asked_ && clients_) link_ = clients_->find(claimant_.client);
  has_asked_ = true;
  return link_;
}

RuleMatch match(const Rule& rule, const MapRequest& request, const PortSet& never_internal_ports,
                Asker& asker) {
  for (const auto about_asker : {asker.match_client(rule), asker.match_frontend(rule)}) {
    if (about_asker != RuleMatch::matches) return about_asker;
  }
  if (rule.protocol && *rule.protocol != request.protocol) return RuleMatch::other_protocol;
  const std::uint16_t port = request.internal.port;
  if (!rule.internal_ports.contains(port)) return RuleMatch::other_internal_port;
  if (rule.action == Rule::Action::allow) {
    if (never_internal_ports.contains(port) && !rule.named_sensitive_ports.contains(port)) {
      return RuleMatch::sensitive_port;
    }
    const bool is_own = request.internal.address == request.claimant.client;
    if (!is_own && !rule.for_others) return RuleMatch::for_another_host;
  }
  // Last, for it may ask the kernel.
  return asker.match_link(rule);
}

}  // namespace postern
