#include "core/mapping_table.h"

#include <algorithm>
#include <cassert>

namespace postern {
namespace {

/// How long to leave the firewall alone after it refused to close a door. Its own timer ends the
/// door meanwhile.
constexpr Seconds kRetryExpiry{1};

/// Whether this claim is the claimant's own, or a recovered one that it may take over.
[[nodiscard]] bool belongs_to(const Claim& claim, const Claimant& claimant) {
  return claim.claimant == claimant || claim.claimant == Claimant{kRecovered, claimant.client};
}

void drop_claims_of(Mapping& mapping, const Claimant& claimant) {
  std::erase_if(mapping.claims, [&](const Claim& claim) { return belongs_to(claim, claimant); });
}

[[nodiscard]] bool has_claim_of(const Mapping& mapping, const Address& client) {
  return std::any_of(mapping.claims.begin(), mapping.claims.end(),
                     [&](const Claim& claim) { return claim.claimant.client == client; });
}

/// Whether the two stand in the indexes alike; only their ends may differ.
[[nodiscard]] bool is_indexed_alike(const Mapping& left, const Mapping& right) {
  const auto same_claimant = [](const Claim& a, const Claim& b) {
    return a.claimant == b.claimant;
  };
  return left.protocol == right.protocol && left.internal == right.internal &&
         left.external == right.external &&
         left.reserves_companion() == right.reserves_companion() &&
         std::equal(left.claims.begin(), left.claims.end(), right.claims.begin(),
                    right.claims.end(), same_claimant);
}

[[nodiscard]] TableEvent::Kind kind_of_change(const Mapping& before, const Mapping& after) {
  return before.external == after.external ? TableEvent::Kind::renewed : TableEvent::Kind::moved;
}

}  // namespace

std::size_t MappingTable::PortKeyHash::operator()(const PortKey& key) const {
  return combine_hashes(std::hash<Endpoint>{}(key.second), static_cast<std::size_t>(key.first));
}

MappingTable::MappingTable(Policy policy, std::uint64_t random_seed)
    : policy_(std::move(policy)), random_(random_seed) {}

Result<Grant, MapError> MappingTable::request(const MapRequest& request, Moment now) {
  const auto permission = policy_.judge(request);
  if (!permission) return fail(permission.error());
  if (!external_address_) return fail(MapError::no_external_address);

  auto mapping = mapping_for(request, permission->external_ports, now);
  if (!mapping) return fail(mapping.error());
  drop_claims_of(*mapping, request.claimant);
  const Lease lease{permission->lifetime, now + permission->lifetime};
  mapping->claims.push_back({request.claimant, lease, request.reserves_companion});

  const Grant grant{mapping->id, mapping->external.port, lease.granted};
  if (!stage(grant.id, std::move(*mapping))) return fail(MapError::backend_refused);
  next_id_ = std::max(next_id_, grant.id + 1);
  return grant;
}

Result<Mapping, MapError> MappingTable::mapping_for(const MapRequest& request,
                                                    const PortSet& permitted, Moment now) {
  const Mapping* existing = find_by_internal(request.protocol, request.internal);
  const Address& client = request.claimant.client;
  if (!existing || !has_claim_of(*existing, client)) {
    if (count_of(client) >= policy_.limits().mappings_per_client) {
      return fail(MapError::client_limit_reached);
    }
  }
  if (existing) return *existing;
  if (size() >= policy_.limits().mappings) return fail(MapError::table_limit_reached);

  const auto port = ports_.choose({request.protocol, request.internal.address,
                                   request.suggested_external_port, request.internal.port},
                                  permitted, random_);
  if (!port) return fail(MapError::no_port_available);
  Mapping mapping;
  mapping.id = next_id_;
  mapping.protocol = request.protocol;
  mapping.internal = request.internal;
  mapping.external = {*external_address_, *port};
  mapping.created = now;
  return mapping;
}

Result<void, MapError> MappingTable::release(Protocol protocol, const Endpoint& internal,
                                             const Claimant& claimant) {
  const Mapping* mapping = find_by_internal(protocol, internal);
  return mapping ? drop_claim(*mapping, claimant) : Result<void, MapError>();
}

Result<void, MapError> MappingTable::release_all(Protocol protocol, const Claimant& claimant) {
  const auto found = by_client_.find(claimant.client);
  if (found == by_client_.end()) return {};
  Result<void, MapError> result;
  for (const MappingId id : std::vector(found->second.begin(), found->second.end())) {
    const Mapping& mapping = mappings_.at(id).mapping;
    if (mapping.protocol != protocol) continue;
    if (const auto dropped = drop_claim(mapping, claimant); !dropped) result = dropped;
  }
  return result;
}

Result<void, MapError> MappingTable::drop_claim(const Mapping& mapping, const Claimant& claimant) {
  Mapping left = mapping;
  drop_claims_of(left, claimant);
  if (left.claims.size() == mapping.claims.size()) return {};
  const MappingId id = mapping.id;
  const bool staged = left.claims.empty() ? stage(id, std::nullopt) : stage(id, std::move(left));
  if (!staged) return fail(MapError::backend_refused);
  return {};
}

void MappingTable::expire(Moment now) {
  expired_until_ = std::max(expired_until_, now);
  while (!due_.empty() && due_.begin()->first <= now) {
    const MappingId id = due_.begin()->second;
    auto& entry = mappings_.at(id);
    Mapping left = entry.mapping;
    std::erase_if(left.claims, [&](const Claim& claim) { return claim.lease.ends <= now; });
    const bool staged = left.claims.empty() ? stage(id, std::nullopt) : stage(id, std::move(left));
    if (!staged) reschedule(entry, now + kRetryExpiry);
  }
}

std::optional<Moment> MappingTable::next_expiry() const {
  if (due_.empty()) return std::nullopt;
  return due_.begin()->first;
}

void MappingTable::set_external_address(std::optional<Address> address) {
  external_address_ = address;
  if (!address) return;
  std::vector<Mapping> moved;
  for (const auto& [id, entry] : mappings_) {
    if (entry.mapping.external.address == *address) continue;
    moved.push_back(entry.mapping);
    moved.back().external.address = *address;
  }
  for (auto& mapping : moved) {
    const MappingId id = mapping.id;
    (void)stage(id, std::move(mapping));
  }
}

void MappingTable::set_lan_prefixes(std::vector<Prefix> prefixes) {
  policy_.set_lan_prefixes(std::move(prefixes));
}

void MappingTable::adopt(std::span<const TimedDoor> doors, Moment now) {
  for (const auto& [door, ends] : doors) {
    const auto* forward = std::get_if<Forward4>(&door);
    if (!forward || forward->internal.port == 0 || ends <= now) continue;
    if (ports_.is_taken(forward->protocol, forward->external.port) ||
        find_by_internal(forward->protocol, forward->internal)) {
      continue;
    }
    const Lease lease{std::chrono::ceil<Seconds>(ends - now), ends};
    const MappingId id = next_id_;
    Mapping mapping{id, forward->protocol, forward->internal, forward->external, now, {}};
    // Who asked is forgotten, so the strictest promise is kept: the companion port stays reserved.
    mapping.claims.push_back({{kRecovered, forward->internal.address}, lease, true});
    if (stage(id, std::move(mapping))) ++next_id_;
  }
}

std::vector<DoorChange> MappingTable::staged_changes() const {
  std::vector<DoorChange> changes;
  std::unordered_map<DoorKey, std::size_t> position;
  const auto change_of = [&](const Door& door) -> DoorChange& {
    const auto [found, is_new] = position.try_emplace(key_of(door), changes.size());
    if (is_new) changes.emplace_back();
    return changes[found->second];
  };
  for (const auto& [id, before] : before_turn_) {
    if (before) {
      for (const auto& timed : doors_of(before->mapping)) change_of(timed.door).before = timed;
    }
    if (const Mapping* after = find(id)) {
      for (const auto& timed : doors_of(*after)) change_of(timed.door).after = timed;
    }
  }
  std::erase_if(changes, [](const DoorChange& change) { return change.before == change.after; });
  return changes;
}

std::vector<TableEvent> MappingTable::accept() {
  std::vector<TableEvent> events;
  for (auto& [id, before] : before_turn_) {
    const Mapping* after = find(id);
    if (before && after) {
      if (before->mapping == *after) continue;
      events.push_back({kind_of_change(before->mapping, *after), *after});
    } else if (before) {
      events.push_back({TableEvent::Kind::closed, std::move(before->mapping)});
    } else if (after) {
      events.push_back({TableEvent::Kind::opened, *after});
    }
  }
  before_turn_.clear();
  expired_before_turn_ = expired_until_;
  refused_.clear();
  refuse_all_ = false;
  return events;
}

void MappingTable::roll_back() {
  expired_until_ = expired_before_turn_;
  // All leave before the first returns, for a port may have gone from one mapping to another.
  for (const auto& [id, before] : before_turn_) put(id, std::nullopt);
  for (auto& [id, before] : before_turn_) put(id, std::move(before));
  before_turn_.clear();
}

void MappingTable::refuse(const DoorKey& key) {
  refused_.insert(key);
}

void MappingTable::refuse_all() {
  refuse_all_ = true;
}

const Mapping* MappingTable::find(MappingId id) const {
  const auto found = mappings_.find(id);
  return found == mappings_.end() ? nullptr : &found->second.mapping;
}

const Mapping* MappingTable::find_by_external(Protocol protocol, const Endpoint& external) const {
  return by_external_.find({protocol, external});
}

const Mapping* MappingTable::find_by_internal(Protocol protocol, const Endpoint& internal) const {
  return by_internal_.find({protocol, internal});
}

std::size_t MappingTable::count_of(const Address& client) const {
  const auto found = by_client_.find(client);
  return found == by_client_.end() ? 0 : found->second.size();
}

std::vector<const Mapping*> MappingTable::oldest(std::size_t count) const {
  std::vector<const Mapping*> found;
  found.reserve(mappings_.size());
  for (const auto& [id, entry] : mappings_) found.push_back(&entry.mapping);
  const auto end = found.begin() + static_cast<std::ptrdiff_t>(std::min(count, found.size()));
  std::partial_sort(found.begin(), end, found.end(),
                    [](const Mapping* left, const Mapping* right) { return left->id < right->id; });
  found.erase(end, found.end());
  return found;
}

std::vector<TimedDoor> MappingTable::doors() const {
  std::vector<TimedDoor> all;
  all.reserve(2 * mappings_.size());
  for (const auto& [id, entry] : mappings_) {
    const auto own = doors_of(entry.mapping);
    all.insert(all.end(), own.begin(), own.end());
  }
  return all;
}

bool MappingTable::stage(MappingId id, std::optional<Mapping> after) {
  const auto found = mappings_.find(id);
  const Entry* before = found == mappings_.end() ? nullptr : &found->second;
  if (is_refused(before ? &before->mapping : nullptr, after ? &*after : nullptr)) return false;
  if (before) {
    before_turn_.try_emplace(id, Standing{before->mapping, before->due->first});
  } else {
    before_turn_.try_emplace(id, std::nullopt);
  }
  if (after) {
    const Moment due = due_of(*after);
    put(id, Standing{std::move(*after), due});
  } else {
    put(id, std::nullopt);
  }
  return true;
}

bool MappingTable::is_refused(const Mapping* before, const Mapping* after) const {
  if (!refuse_all_ && refused_.empty()) return false;
  const auto doors_before = before ? doors_of(*before) : std::vector<TimedDoor>();
  const auto doors_after = after ? doors_of(*after) : std::vector<TimedDoor>();
  if (doors_before == doors_after) return false;
  if (refuse_all_) return true;
  const auto is_in = [&](const TimedDoor& timed) { return refused_.contains(key_of(timed.door)); };
  return std::any_of(doors_before.begin(), doors_before.end(), is_in) ||
         std::any_of(doors_after.begin(), doors_after.end(), is_in);
}

void MappingTable::put(MappingId id, std::optional<Standing> standing) {
  const auto found = mappings_.find(id);
  if (found == mappings_.end()) {
    if (!standing) return;
    auto& entry = mappings_.emplace(id, Entry{std::move(standing->mapping), {}}).first->second;
    link(entry, standing->due);
    return;
  }
  auto& entry = found->second;
  if (standing && is_indexed_alike(entry.mapping, standing->mapping)) {
    entry.mapping = std::move(standing->mapping);
    reschedule(entry, standing->due);
    return;
  }
  unlink(entry);
  if (standing) {
    entry.mapping = std::move(standing->mapping);
    link(entry, standing->due);
  } else {
    mappings_.erase(found);
  }
}

void MappingTable::link(Entry& entry, Moment due) {
  const auto& mapping = entry.mapping;
  by_external_.insert(mapping);
  by_internal_.insert(mapping);
  for (const auto& claim : mapping.claims) {
    auto& ids = by_client_[claim.claimant.client];
    ids.insert(ids.end(), mapping.id);
  }
  ports_.take(mapping.protocol, mapping.external.port);
  if (mapping.reserves_companion()) {
    ports_.reserve(companion(mapping.protocol), mapping.external.port, mapping.internal.address);
  }
  entry.due = due_.emplace_hint(due_.end(), due, mapping.id);
}

void MappingTable::unlink(const Entry& entry) {
  const auto& mapping = entry.mapping;
  by_external_.erase({mapping.protocol, mapping.external});
  by_internal_.erase({mapping.protocol, mapping.internal});
  for (const auto& claim : mapping.claims) {
    const auto found = by_client_.find(claim.claimant.client);
    if (found == by_client_.end()) continue;
    found->second.erase(mapping.id);
    if (found->second.empty()) by_client_.erase(found);
  }
  ports_.give_back(mapping.protocol, mapping.external.port);
  if (mapping.reserves_companion()) {
    ports_.cancel_reservation(companion(mapping.protocol), mapping.external.port);
  }
  due_.erase(entry.due);
}

Moment MappingTable::due_of(const Mapping& mapping) const {
  const Moment end = mapping.first_claim_ends();
  return end > expired_until_ ? end : expired_until_ + kRetryExpiry;
}

void MappingTable::reschedule(Entry& entry, Moment due) {
  auto node = due_.extract(entry.due);
  node.value().first = due;
  // Most renewals ask for as long as all others do, and so come last.
  entry.due = due_.insert(due_.end(), std::move(node));
}

bool MappingTable::is_linked(const Entry& entry) const {
  const auto& mapping = entry.mapping;
  const bool clients_know =
      std::all_of(mapping.claims.begin(), mapping.claims.end(), [&](const Claim& claim) {
        const auto found = by_client_.find(claim.claimant.client);
        return found != by_client_.end() && found->second.contains(mapping.id);
      });
  const auto& [due, due_id] = *entry.due;
  return find_by_external(mapping.protocol, mapping.external) == &mapping &&
         find_by_internal(mapping.protocol, mapping.internal) == &mapping && clients_know &&
         ports_.is_taken(mapping.protocol, mapping.external.port) &&
         (!mapping.reserves_companion() ||
          ports_.reserved_for(companion(mapping.protocol), mapping.external.port) ==
              mapping.internal.address) &&
         due_id == mapping.id && due >= mapping.first_claim_ends() && due > expired_until_;
}

bool MappingTable::is_consistent() const {
  std::size_t client_entries = 0;
  for (const auto& [client, ids] : by_client_) client_entries += ids.size();
  std::size_t claimants = 0;
  for (const auto& [id, entry] : mappings_) {
    const auto& mapping = entry.mapping;
    if (mapping.id != id || mapping.claims.empty() || !is_linked(entry)) return false;
    std::set<Address> clients;
    for (const auto& claim : mapping.claims) clients.insert(claim.claimant.client);
    claimants += clients.size();
  }
  return by_external_.size() == mappings_.size() && by_internal_.size() == mappings_.size() &&
         due_.size() == mappings_.size() && client_entries == claimants;
}

}  // namespace postern
