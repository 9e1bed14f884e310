#include <algorithm>
#include <utility>

#include "core/mapping_table.h"

// What the policy has to say about mappings that are asked for, and about those that are there.
namespace postern {
namespace {

/// The administrator needs no leave, and who asked for a recovered one is not known.
[[nodiscard]] bool is_governed(const Claimant& claimant) {
  return !claimant.is_administrator() && claimant.frontend != kRecovered;
}

[[nodiscard]] bool has_claim_by(const Mapping& mapping, RuleIndex rule, const Address& client) {
  return std::any_of(mapping.claims.begin(), mapping.claims.end(), [&](const Claim& claim) {
    return claim.rule == rule && claim.claimant.client == client;
  });
}

[[nodiscard]] bool has_same_rules(const Mapping& left, const Mapping& right) {
  return std::equal(left.claims.begin(), left.claims.end(), right.claims.begin(),
                    right.claims.end(),
                    [](const Claim& a, const Claim& b) { return a.rule == b.rule; });
}

/// The wish that would lead to this claim again.
[[nodiscard]] MapRequest wish_of(const Mapping& mapping, const Claim& claim) {
  MapRequest wish;
  wish.claimant = claim.claimant;
  wish.protocol = mapping.protocol;
  wish.internal = mapping.internal;
  wish.suggested_external_port = mapping.external.port;
  return wish;
}

void cut(Lease& lease, Seconds longest, Moment now) {
  if (!lease.is_permanent && lease.ends <= now + longest) return;
  lease = {longest, now + longest};
}

}  // namespace

Result<Preview, Denial> MappingTable::preview(const MapRequest& request, Moment now) const {
  // A copy chooses as the original would.
  Random random = random_;
  const auto decided = decide(request, now, random);
  if (!decided) return fail(decided.error());
  return Preview{decided->grant, decided->after.external, decided->rule, decided->existing};
}

Result<Grant, MapError> MappingTable::deny(const MapRequest& request, const Denial& denial) {
  if (refusals_.size() < kMostRefusals) {
    refusals_.push_back({request.claimant, request.protocol, request.internal,
                         request.suggested_external_port, denial.error,
                         std::string(policy_.rule_name(denial.rule))});
  }
  return fail(denial.error);
}

void MappingTable::forget_last_refusal() {
  // A full list may lack the last one, and then keeps one too many.
  if (!refusals_.empty() && refusals_.size() < kMostRefusals) refusals_.pop_back();
}

Result<void, Denial> MappingTable::find_room(Permission& permission, const MapRequest& request,
                                             const Mapping* existing) const {
  const Address& client = request.claimant.client;
  const bool needs_one = existing || wants_only_suggested(request);
  const std::uint16_t needed = existing ? existing->external.port : request.suggested_external_port;
  // The administrator's own ports are open to their hosts whatever the rules say of them.
  const bool is_given = existing && existing->is_administered();
  if (existing && !is_given && !permission.external_ports.contains(needed)) {
    return fail(Denial(MapError::external_port_denied, policy_.decider(request, needed)));
  }
  const bool is_renewal = existing && existing->has_claim_of(client);
  if (!is_renewal && count_of(client) >= policy_.limits().mappings_per_client) {
    return fail(MapError::client_limit_reached);
  }
  const RuleIndex rule = needs_one ? permission.rule_of(needed) : kNoRule;
  const auto [gone, full] = take_full_shares(permission, client, existing);
  if (permission.shares.empty() || (needs_one && gone.contains(needed))) {
    return fail(Denial(MapError::client_limit_reached, rule == kNoRule ? full : rule));
  }
  return {};
}

Result<std::optional<Station>, MapError> MappingTable::find_room_at_station(
    const MapRequest& request, const Mapping* existing) const {
  const Address& client = request.claimant.client;
  if (existing && existing->has_claim_of(client)) return std::nullopt;
  // Asking takes time. Once it is placed, learn_mac() tells what is news.
  const auto before = clients_.station_of(client);
  const auto station = before ? before : policy_.station_of(client);
  if (!station) return std::nullopt;
  const auto& limits = policy_.limits();
  const std::size_t own = clients_.count_of(client);
  const std::size_t has = clients_.count_of(*station) + (before == station ? 0 : own);
  const std::size_t may_have = own < limits.mappings_per_late_client()
                                   ? limits.mappings_per_full_station()
                                   : limits.mappings_per_station();
  if (has >= may_have) return fail(MapError::station_limit_reached);
  return station;
}

std::pair<PortSet, RuleIndex> MappingTable::take_full_shares(Permission& permission,
                                                             const Address& client,
                                                             const Mapping* existing) const {
  PortSet gone;
  RuleIndex first = kNoRule;
  std::erase_if(permission.shares, [&](const Permission::Share& share) {
    const auto& quota = policy_.rule(share.rule)->quota;
    // What is renewed has its place, also beyond a quota that was lowered.
    const bool is_counted = existing && has_claim_by(*existing, share.rule, client);
    if (!quota || is_counted || count_by(share.rule, client) < *quota) return false;
    gone = gone.united_with(share.ports);
    if (first == kNoRule) first = share.rule;
    return true;
  });
  if (first != kNoRule) permission.external_ports = permission.external_ports.without(gone);
  return {std::move(gone), first};
}

std::size_t MappingTable::count_by(RuleIndex rule, const Address& client) const {
  const auto& ids = clients_.of(client);
  return static_cast<std::size_t>(std::count_if(
      ids.begin(), ids.end(), [&](MappingId id) { return has_claim_by(*find(id), rule, client); }));
}

Denial MappingTable::blame(MapError error, const MapRequest& request) const {
  if (error != MapError::external_port_denied) return error;
  return {error, policy_.decider(request, request.suggested_external_port)};
}

std::size_t MappingTable::set_policy(Policy policy) {
  policy.set_lan_prefixes(policy_.lan_prefixes());
  auto before = std::exchange(policy_, std::move(policy));
  if (!policy_before_turn_) policy_before_turn_ = std::move(before);
  return enforce_policy();
}

std::size_t MappingTable::enforce_policy() {
  const Because because(*this, TableEvent::Cause::policy);
  std::vector<MappingId> ids;
  ids.reserve(mappings_.size());
  for (const auto& [id, entry] : mappings_) ids.push_back(id);
  std::size_t refused = 0;
  for (const MappingId id : ids) {
    const Mapping& mapping = *find(id);
    Mapping after = judged_anew(mapping, expired_until_);
    if (after == mapping && has_same_rules(after, mapping)) continue;
    const bool is_over = after.claims.empty();
    if (change(id, is_over ? std::nullopt : std::optional(std::move(after)))) continue;
    ++refused;
    Mapping stays = mapping;
    for (auto& claim : stays.claims) claim.rule = kNoRule;
    // It changes no door, so that nobody refuses it.
    (void)stage(id, std::move(stays));
  }
  return refused;
}

Mapping MappingTable::judged_anew(const Mapping& mapping, Moment now) const {
  Mapping after = mapping;
  after.claims.clear();
  for (const auto& claim : mapping.claims) {
    if (auto judged = judged_anew(mapping, claim, now)) after.claims.push_back(std::move(*judged));
  }
  return after;
}

std::optional<Claim> MappingTable::judged_anew(const Mapping& mapping, Claim claim,
                                               Moment now) const {
  claim.rule = kNoRule;
  const auto& client = claim.claimant.client;
  const bool can_be_judged = is_known(client) || policy_.is_on_link(client);
  if (!is_governed(claim.claimant) || !can_be_judged) return claim;
  const auto wish = wish_of(mapping, claim);
  const std::uint16_t port = mapping.external.port;
  const auto is_allowing = [&](RuleIndex index) {
    const Rule* rule = policy_.rule(index);
    return rule && rule->action == Rule::Action::allow;
  };
  // A host that sleeps, or was not heard of since this machine started, has not lost its mappings.
  const RuleIndex decider = policy_.decider(wish, port, Unknown::is_nobody);
  if (!is_allowing(decider)) {
    const bool may_be_allowed = is_allowing(policy_.decider(wish, port, Unknown::is_allowed));
    return may_be_allowed ? std::optional(claim) : std::nullopt;
  }
  claim.rule = decider;
  if (!claim.lease.is_permanent || policy_.rule(decider)->max_lifetime) {
    cut(claim.lease, policy_.longest_lease(claim.lifetime_limit, decider), now);
  }
  return claim;
}

}  // namespace postern
