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

[[nodiscard]] TableEvent::Kind kind_of_change(const Mapping& before, const Mapping& after) {
  const bool stays = before.external == after.external && before.internal == after.internal;
  return stays ? TableEvent::Kind::renewed : TableEvent::Kind::moved;
}

}  // namespace

MappingTable::MappingTable(Policy policy, Capabilities can, std::uint64_t random_seed)
    : policy_(std::move(policy)), can_(can), random_(random_seed) {}

Result<Grant, MapError> MappingTable::request(const MapRequest& request, Moment now) {
  const bool is_pinhole = !request.internal.address.is_v4();
  if (is_pinhole && !can_.pinholes) return fail(MapError::unsupported);
  const auto permission = policy_.judge(request);
  if (!permission) return fail(permission.error());
  if (!is_pinhole && !external_address_) return fail(MapError::no_external_address);

  const Mapping* existing = existing_for(request);
  const Address& client = request.claimant.client;
  if ((!existing || !has_claim_of(*existing, client)) &&
      count_of(client) >= policy_.limits().mappings_per_client) {
    return fail(MapError::client_limit_reached);
  }
  auto mapping = existing ? Result<Mapping, MapError>(*existing)
                          : new_mapping(request, permission->external_ports, now);
  if (!mapping) return fail(mapping.error());
  if (auto set = set_filters(*mapping, request); !set) return fail(set.error());
  drop_claims_of(*mapping, request.claimant);
  const Lease lease{permission->lifetime, now + permission->lifetime};
  mapping->claims.push_back({request.claimant, lease, request.reserves_companion});

  const Grant grant{mapping->id, mapping->external.port, lease.granted};
  if (!stage(grant.id, std::move(*mapping))) return fail(MapError::backend_refused);
  next_id_ = std::max(next_id_, grant.id + 1);
  return grant;
}

const Mapping* MappingTable::existing_for(const MapRequest& request) const {
  const bool is_pinhole = !request.internal.address.is_v4();
  if (is_pinhole || request.placement == Placement::any_port) {
    return find_by_internal(request.protocol, request.internal);
  }
  const Mapping* there =
      find_by_external(request.protocol, {*external_address_, request.suggested_external_port});
  return there && there->internal == request.internal ? there : nullptr;
}

Result<Mapping, MapError> MappingTable::new_mapping(const MapRequest& request,
                                                    const PortSet& permitted, Moment now) {
  if (size() >= policy_.limits().mappings) return fail(MapError::table_limit_reached);
  Mapping mapping;
  mapping.id = next_id_;
  mapping.protocol = request.protocol;
  mapping.internal = request.internal;
  mapping.created = now;
  if (mapping.is_pinhole()) {
    if (!permitted.contains(request.internal.port)) return fail(MapError::not_authorized);
    mapping.external = request.internal;
    return mapping;
  }
  const auto port = choose_port(request, permitted);
  if (!port) return fail(port.error());
  mapping.external = {*external_address_, *port};
  mapping.is_oldest_of_internal = !find_by_internal(request.protocol, request.internal);
  return mapping;
}

Result<std::uint16_t, MapError> MappingTable::choose_port(const MapRequest& request,
                                                          const PortSet& permitted) {
  const Address& holder = request.internal.address;
  const std::uint16_t suggested = request.suggested_external_port;
  if (request.placement == Placement::suggested_port) {
    if (!permitted.contains(suggested)) return fail(MapError::not_authorized);
    if (ports_.is_free(request.protocol, suggested, holder)) return suggested;
    return fail(MapError::external_port_taken);
  }
  const auto port = ports_.choose({request.protocol, holder, suggested, request.internal.port},
                                  permitted, random_);
  if (!port) return fail(MapError::no_port_available);
  return *port;
}

Result<void, MapError> MappingTable::set_filters(Mapping& mapping,
                                                 const MapRequest& request) const {
  if (!request.filters) return {};
  if (request.filters->size() > kMostFiltersOfMapping) return fail(MapError::too_many_filters);
  const bool is_v4 = !mapping.is_pinhole();
  for (const auto& filter : *request.filters) {
    const bool is_good =
        filter.remote.network().is_v4() == is_v4 && filter.first_port <= filter.last_port;
    if (!is_good) return fail(MapError::bad_filter);
  }
  auto filters = normalized(*request.filters);
  if (filters_ - mapping.filters.size() + filters.size() > kMostFilters) {
    return fail(MapError::too_many_filters);
  }
  mapping.filters = std::move(filters);
  return {};
}

Result<void, MapError> MappingTable::release(Protocol protocol, const Endpoint& internal,
                                             const Claimant& claimant) {
  const Mapping* oldest = find_by_internal(protocol, internal);
  if (!oldest) return {};
  std::vector<MappingId> ids{oldest->id};
  const auto younger = younger_of_internal_.find({protocol, internal});
  if (younger != younger_of_internal_.end()) {
    ids.insert(ids.end(), younger->second.begin(), younger->second.end());
  }
  Result<void, MapError> result;
  for (const MappingId id : ids) {
    if (const auto dropped = drop_claim(*find(id), claimant); !dropped) result = dropped;
  }
  return result;
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
  const bool staged = left.claims.empty() ? stage_end(id) : stage(id, std::move(left));
  if (!staged) return fail(MapError::backend_refused);
  return {};
}

void MappingTable::expire(Moment now) {
  expired_until_ = std::max(expired_until_, now);
  while (const auto taken = queue_.take(now)) {
    const auto& [queued, id] = *taken;
    const auto found = mappings_.find(id);
    // Gone, or queued again for an earlier moment.
    if (found == mappings_.end() || found->second.queued != queued) continue;
    auto& entry = found->second;
    entry.queued = Moment::max();
    if (entry.due > now) {
      schedule(entry, entry.due);
      continue;
    }
    Mapping left = entry.mapping;
    std::erase_if(left.claims, [&](const Claim& claim) { return claim.lease.ends <= now; });
    const bool staged = left.claims.empty() ? stage_end(id) : stage(id, std::move(left));
    if (!staged) schedule(entry, now + kRetryExpiry);
  }
}

void MappingTable::set_external_address(std::optional<Address> address) {
  external_address_ = address;
  if (!address) return;
  std::vector<Mapping> moved;
  for (const auto& [id, entry] : mappings_) {
    if (entry.mapping.is_pinhole() || entry.mapping.external.address == *address) continue;
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

void MappingTable::set_occupied_ports(const OccupiedPorts& occupied) {
  ports_.set_occupied(Protocol::tcp, occupied.tcp);
  ports_.set_occupied(Protocol::udp, occupied.udp);
}

void MappingTable::adopt(std::span<const TimedDoor> doors, Moment now) {
  // Who sends with which port tells which of several forwards is the oldest.
  std::unordered_map<PortKey, Endpoint, PortKeyHash> outbound;
  for (const auto& [door, ends] : doors) {
    if (const auto* found = std::get_if<Outbound4>(&door)) {
      outbound.emplace(PortKey{found->protocol, found->internal}, found->external);
    }
  }
  std::vector<std::pair<Mapping, Moment>> oldest;
  std::vector<std::pair<Mapping, Moment>> younger;
  for (const auto& [door, ends] : doors) {
    if (ends <= now) continue;
    if (const auto* forward = std::get_if<Forward4>(&door)) {
      const auto found = outbound.find({forward->protocol, forward->internal});
      const bool is_oldest = found == outbound.end() || found->second == forward->external;
      Mapping mapping{0,  forward->protocol, forward->internal, forward->external, now,
                      {}, forward->filters};
      (is_oldest ? oldest : younger).emplace_back(std::move(mapping), ends);
    } else if (const auto* pinhole = std::get_if<Pinhole6>(&door)) {
      Mapping mapping{0,  pinhole->protocol, pinhole->internal, pinhole->internal, now,
                      {}, pinhole->filters};
      oldest.emplace_back(std::move(mapping), ends);
    }
  }
  for (auto* found : {&oldest, &younger}) {
    for (auto& [mapping, ends] : *found) adopt(std::move(mapping), ends, now);
  }
}

void MappingTable::adopt(Mapping mapping, Moment ends, Moment now) {
  if (mapping.internal.port == 0) return;
  const bool has_oldest = find_by_internal(mapping.protocol, mapping.internal);
  if (mapping.is_pinhole()) {
    if (has_oldest) return;
  } else {
    if (ports_.is_taken(mapping.protocol, mapping.external.port)) return;
    mapping.is_oldest_of_internal = !has_oldest;
  }
  mapping.id = next_id_;
  const Lease lease{std::chrono::ceil<Seconds>(ends - now), ends};
  // Who asked is forgotten, so the strictest promise is kept: the companion port stays reserved.
  mapping.claims.push_back({{kRecovered, mapping.internal.address}, lease, true});
  if (stage(next_id_, std::move(mapping))) ++next_id_;
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

bool MappingTable::stage(MappingId id, std::optional<Mapping> after) {
  const auto found = mappings_.find(id);
  const Entry* before = found == mappings_.end() ? nullptr : &found->second;
  if (is_refused(before ? &before->mapping : nullptr, after ? &*after : nullptr)) return false;
  if (before) {
    before_turn_.try_emplace(id, Standing{before->mapping, before->due});
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

bool MappingTable::stage_end(MappingId id) {
  const Mapping& ending = mappings_.at(id).mapping;
  const PortKey internal{ending.protocol, ending.internal};
  const bool leaves_outbound_port = ending.is_oldest_of_internal;
  if (!stage(id, std::nullopt)) return false;
  const auto younger = younger_of_internal_.find(internal);
  if (leaves_outbound_port && younger != younger_of_internal_.end()) {
    const MappingId heir = *younger->second.begin();
    Mapping oldest = mappings_.at(heir).mapping;
    const Moment due = mappings_.at(heir).due;
    oldest.is_oldest_of_internal = true;
    // Not refused: its forward stays, and the outbound door has the key of the one that ended.
    const bool staged = stage(heir, std::move(oldest));
    assert(staged);
    (void)staged;
    // It may be due as well, and be next.
    schedule(mappings_.at(heir), due);
  }
  return true;
}

bool MappingTable::is_refused(const Mapping* before, const Mapping* after) const {
  if (!refuse_all_ && refused_.empty()) return false;
  const auto doors_before = before ? doors_of(*before) : std::vector<TimedDoor>();
  const auto doors_after = after ? doors_of(*after) : std::vector<TimedDoor>();
  const auto changes_refused = [&](const auto& doors, const auto& others) {
    return std::any_of(doors.begin(), doors.end(), [&](const TimedDoor& timed) {
      const bool stays = std::find(others.begin(), others.end(), timed) != others.end();
      return !stays && (refuse_all_ || refused_.contains(key_of(timed.door)));
    });
  };
  return changes_refused(doors_before, doors_after) || changes_refused(doors_after, doors_before);
}

Moment MappingTable::due_of(const Mapping& mapping) const {
  const Moment end = mapping.first_claim_ends();
  return end > expired_until_ ? end : expired_until_ + kRetryExpiry;
}

}  // namespace postern
