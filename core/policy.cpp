#include "core/policy.h"

#include <algorithm>
#include <cassert>

namespace postern {
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

std::uint32_t Limits::mappings_per_station() const {
  constexpr std::uint64_t kClients = 8;
  const auto several = std::min<std::uint64_t>(kClients * mappings_per_client, mappings / 4);
  return std::max(static_cast<std::uint32_t>(several), mappings_per_client);
}

std::uint32_t Limits::mappings_per_late_client() const {
  return std::clamp<std::uint32_t>(mappings_per_client / 2, 1, 8);
}

std::uint32_t Limits::mappings_per_full_station() const {
  const std::uint32_t station = mappings_per_station();
  const auto more = std::min<std::uint64_t>(std::uint64_t{station} * 5 / 4, mappings);
  return std::max(station, static_cast<std::uint32_t>(more));
}

RuleIndex Permission::rule_of(std::uint16_t port) const {
  const auto found = std::find_if(shares.begin(), shares.end(),
                                  [&](const Share& share) { return share.ports.contains(port); });
  return found == shares.end() ? kNoRule : found->rule;
}

Policy::Policy(std::vector<Rule> rules, Limits limits, ClientDirectory* clients)
    : rules_(std::move(rules)), limits_(std::move(limits)), clients_(clients) {
  assert(rules_.size() < kNoRule);
}

template <class Visit>
void Policy::for_each_match(const MapRequest& request, Unknown unknown, Visit visit) const {
  Asker asker(request.claimant, lan_prefixes_, clients_, unknown);
  for (std::size_t i = 0; i < rules_.size(); ++i) {
    const auto found = match(rules_[i], request, limits_.never_internal_ports, asker);
    if (found == RuleMatch::matches && !visit(static_cast<RuleIndex>(i))) return;
  }
}

Result<Permission, Denial> Policy::judge(const MapRequest& request) const {
  const std::uint16_t port = request.internal.port;
  const bool is_pinhole = !request.internal.address.is_v4();
  // The rule that takes the last ports away, or the one that was wished for, is to blame.
  const std::uint16_t wished = is_pinhole ? port : request.suggested_external_port;
  RuleIndex to_blame = kNoRule;
  Permission permission;
  PortSet undecided = is_pinhole ? PortSet({{port, port}}) : PortSet::all();
  for_each_match(request, Unknown::is_denied, [&](RuleIndex index) {
    const auto& rule = rules_[index];
    auto decided = rule.external_ports.intersected_with(undecided);
    if (decided.empty()) return true;
    const bool takes_wished = undecided.contains(wished) && decided.contains(wished);
    undecided = undecided.without(decided);
    if (rule.action == Rule::Action::allow) {
      permission.shares.push_back({index, std::move(decided)});
    } else if (takes_wished || to_blame == kNoRule) {
      to_blame = index;
    }
    return !undecided.empty();
  });
  if (permission.shares.empty()) return fail(Denial(MapError::not_authorized, to_blame));
  permission.external_ports = permission.shares.front().ports;
  for (const auto& share : std::span(permission.shares).subspan(1)) {
    permission.external_ports = permission.external_ports.united_with(share.ports);
  }
  return permission;
}

RuleIndex Policy::decider(const MapRequest& request, std::uint16_t external_port,
                          Unknown unknown) const {
  RuleIndex decider = kNoRule;
  for_each_match(request, unknown, [&](RuleIndex index) {
    if (rules_[index].external_ports.contains(external_port)) decider = index;
    return decider == kNoRule;
  });
  return decider;
}

Term Policy::term(const MapRequest& request, RuleIndex index) const {
  const Rule* by = rule(index);
  if (request.is_permanent && !(by && by->max_lifetime)) return {Seconds(0), true};
  const Seconds longest = longest_lease(request.lifetime_limit, index);
  if (request.is_permanent) return {longest, false};
  const Seconds shortest = by && by->min_lifetime ? *by->min_lifetime : limits_.min_lifetime;
  const Seconds asked =
      request.may_be_longer ? std::max(request.lifetime, shortest) : request.lifetime;
  return {std::min(asked, longest), false};
}

Seconds Policy::longest_lease(LifetimeLimit limit, RuleIndex index) const {
  const Rule* by = rule(index);
  if (by && by->max_lifetime) return *by->max_lifetime;
  return limit == LifetimeLimit::max_lease ? limits_.max_lease : limits_.max_lifetime;
}

std::vector<RuleMatch> Policy::compare(const MapRequest& request) const {
  Asker asker(request.claimant, lan_prefixes_, clients_);
  std::vector<RuleMatch> matches;
  for (const auto& rule : rules_) {
    matches.push_back(match(rule, request, limits_.never_internal_ports, asker));
  }
  return matches;
}

bool Policy::serves(const Claimant& claimant) const {
  const PortSet every_port = PortSet::all();
  Asker asker(claimant, lan_prefixes_, clients_);
  for (const auto& rule : rules_) {
    const bool is_meant = asker.match_client(rule) == RuleMatch::matches &&
                          asker.match_frontend(rule) == RuleMatch::matches &&
                          asker.match_link(rule) == RuleMatch::matches;
    if (!is_meant) continue;
    if (rule.action == Rule::Action::allow) return true;
    const bool denies_everything =
        !rule.protocol && rule.internal_ports == every_port && rule.external_ports == every_port;
    if (denies_everything) return false;
  }
  return false;
}

bool Policy::is_on_link(const Address& address) const {
  return any_contains(lan_prefixes_, address);
}

std::optional<Station> Policy::station_of(const Address& client) const {
  if (!clients_ || !is_on_link(client)) return std::nullopt;
  const auto link = clients_->find(client);
  if (link && !link->has_macs) return std::nullopt;
  // What was merely heard anybody may have said, and filled somebody else's station so.
  return Station{link && link->has_answered ? link->mac : std::nullopt};
}

bool Policy::lists(const Address& client) const {
  return std::any_of(rules_.begin(), rules_.end(), [&](const Rule& rule) {
    return rule.action == Rule::Action::allow && any_contains(rule.client_prefixes, client);
  });
}

const Rule* Policy::rule(RuleIndex index) const {
  return index < rules_.size() ? &rules_[index] : nullptr;
}

std::string_view Policy::rule_name(RuleIndex index) const {
  const Rule* found = rule(index);
  return found ? std::string_view(found->name) : std::string_view();
}

}  // namespace postern
