#include <algorithm>
#include <cassert>
#include <utility>

#include "core/mapping_table.h"

// How the table finds its mappings: each stands in every index, and only here are they touched.
namespace postern {
namespace {

/// So many moments of mappings that are gone may always wait in the queue.
constexpr std::size_t kFewQueued = 1024;

/// Whether the two stand in the indexes alike; only their ends may differ.
[[nodiscard]] bool is_indexed_alike(const Mapping& left, const Mapping& right) {
  const auto same_claimant = [](const Claim& a, const Claim& b) {
    return a.claimant == b.claimant;
  };
  return left.protocol == right.protocol && left.internal == right.internal &&
         left.external == right.external && left.is_primary == right.is_primary &&
         left.filters.size() == right.filters.size() &&
         left.reserves_companion() == right.reserves_companion() &&
         std::equal(left.claims.begin(), left.claims.end(), right.claims.begin(),
                    right.claims.end(), same_claimant);
}

/// Whether its claims are those that requests can have made.
[[nodiscard]] bool has_sound_claims(const Mapping& mapping) {
  const bool are_unique =
      std::all_of(mapping.claims.begin(), mapping.claims.end(),
                  [&](const Claim& claim) { return mapping.claim_of(claim.claimant) == &claim; });
  const bool are_plain_for_remotes =
      std::all_of(mapping.claims.begin(), mapping.claims.end(), [](const Claim& claim) {
        return claim.claimant.is_inbound() || (claim.is_enabled && !claim.lease.is_permanent);
      });
  return !mapping.claims.empty() && are_unique && are_plain_for_remotes &&
         (mapping.has_inbound_claim() || mapping.filters.empty());
}

[[nodiscard]] bool is_static(const Mapping& mapping) {
  return std::any_of(mapping.claims.begin(), mapping.claims.end(),
                     [](const Claim& claim) { return claim.claimant.frontend == kStatic; });
}

/// Whether it stands for its internal endpoint.
[[nodiscard]] bool stands_for_internal(const Mapping& mapping) {
  return mapping.is_pinhole() || mapping.is_primary;
}

}  // namespace

const Mapping* MappingTable::find(MappingId id) const {
  const auto found = mappings_.find(id);
  return found == mappings_.end() ? nullptr : &found->second.mapping;
}

const Mapping* MappingTable::find_by_external(Protocol protocol, const Endpoint& external) const {
  const Mapping* mapping = external.address.is_v4() ? find_by_external_port(protocol, external.port)
                                                    : find_by_internal(protocol, external);
  return mapping && mapping->external == external ? mapping : nullptr;
}

const Mapping* MappingTable::find_by_external_port(Protocol protocol, std::uint16_t port) const {
  return by_external_port_.find({protocol, port});
}

const Mapping* MappingTable::find_by_internal(Protocol protocol, const Endpoint& internal) const {
  return by_internal_.find({protocol, internal});
}

const Claim* MappingTable::find_claim(Protocol protocol, const Endpoint& internal,
                                      const Claimant& claimant) const {
  const Mapping* mapping = find_by_internal(protocol, internal);
  return mapping ? mapping->claim_of(claimant) : nullptr;
}

std::optional<Address> MappingTable::external_address_of(const Address& host) const {
  if (external_addresses_.empty()) return std::nullopt;
  if (const auto& ids = clients_.of(host); !ids.empty()) {
    const Address& used = find(*ids.begin())->external.address;
    if (has_external_address(used)) return used;
  }
  return external_addresses_.front();
}

std::vector<TimedDoor> MappingTable::doors() const {
  std::vector<TimedDoor> all;
  all.reserve(kMostDoorsOfMapping * mappings_.size());
  for (const auto& [id, entry] : mappings_) {
    for_each_door(entry.mapping, [&](TimedDoor timed) { all.push_back(std::move(timed)); });
  }
  return all;
}

auto MappingTable::put(MappingId id, Entries::iterator place, std::optional<Standing> standing)
    -> std::optional<Standing> {
  if (place == mappings_.end()) {
    if (!standing) return std::nullopt;
    auto& entry =
        mappings_.emplace(id, Entry{std::move(standing->mapping), {}, Moment::max(), true})
            .first->second;
    link(entry, standing->due);
    return std::nullopt;
  }
  auto& entry = place->second;
  entry.is_touched = true;
  const Moment due_before = entry.due;
  if (standing && is_indexed_alike(entry.mapping, standing->mapping)) {
    std::swap(entry.mapping, standing->mapping);
    schedule(entry, std::exchange(standing->due, due_before));
    return standing;
  }
  unlink(entry);
  Standing before{std::move(entry.mapping), due_before};
  if (standing) {
    entry.mapping = std::move(standing->mapping);
    link(entry, standing->due);
  } else {
    mappings_.erase(place);
    tidy_queue();
  }
  return before;
}

void MappingTable::link(Entry& entry, Moment due) {
  const auto& mapping = entry.mapping;
  link_internal(mapping);
  clients_.add(mapping);
  if (is_static(mapping)) static_.insert(mapping.id);
  filters_ += mapping.filters.size() + mapping.remote_count();
  if (mapping.is_pinhole()) {
    ++pinholes_;
  } else {
    by_external_port_.insert(mapping);
    order_.set_listed(mapping.id, mapping.is_listed());
    ports_.take(mapping.protocol, mapping.external.port);
    if (mapping.reserves_companion()) {
      ports_.reserve(companion(mapping.protocol), mapping.external.port, mapping.internal.address);
    }
  }
  schedule(entry, due);
}

void MappingTable::unlink(const Entry& entry) {
  const auto& mapping = entry.mapping;
  unlink_internal(mapping);
  clients_.remove(mapping);
  if (is_static(mapping)) static_.erase(mapping.id);
  filters_ -= mapping.filters.size() + mapping.remote_count();
  if (mapping.is_pinhole()) {
    --pinholes_;
  } else {
    by_external_port_.erase({mapping.protocol, mapping.external.port});
    order_.set_listed(mapping.id, false);
    ports_.give_back(mapping.protocol, mapping.external.port);
    if (mapping.reserves_companion()) {
      ports_.cancel_reservation(companion(mapping.protocol), mapping.external.port);
    }
  }
}

void MappingTable::link_internal(const Mapping& mapping) {
  if (stands_for_internal(mapping)) {
    by_internal_.insert(mapping);
  } else {
    others_of_internal_[{mapping.protocol, mapping.internal}].insert(mapping.id);
  }
}

void MappingTable::unlink_internal(const Mapping& mapping) {
  const PortKey key{mapping.protocol, mapping.internal};
  if (stands_for_internal(mapping)) {
    by_internal_.erase(key);
    return;
  }
  const auto others = others_of_internal_.find(key);
  others->second.erase(mapping.id);
  if (others->second.empty()) others_of_internal_.erase(others);
}

void MappingTable::schedule(Entry& entry, Moment due) {
  entry.due = due;
  if (due >= entry.queued) return;
  tidy_queue();
  entry.queued = due;
  queue_.add(due, entry.mapping.id);
}

void MappingTable::tidy_queue() {
  if (queue_.size() < 2 * mappings_.size() + kFewQueued) return;
  queue_.clear();
  for (auto& [id, entry] : mappings_) {
    entry.queued = entry.due;
    queue_.add(entry.due, id);
  }
}

bool MappingTable::is_linked(const Entry& entry) const {
  const auto& mapping = entry.mapping;
  return find_by_external(mapping.protocol, mapping.external) == &mapping &&
         is_linked_internally(mapping) && is_static(mapping) == static_.contains(mapping.id) &&
         (mapping.is_pinhole() || holds_its_port(mapping)) && entry.due >= mapping.first_due() &&
         entry.due > expired_until_ && entry.queued <= entry.due;
}

bool MappingTable::holds_its_port(const Mapping& mapping) const {
  const std::uint16_t port = mapping.external.port;
  return ports_.is_taken(mapping.protocol, port) &&
         (!mapping.reserves_companion() ||
          ports_.reserved_for(companion(mapping.protocol), port) == mapping.internal.address);
}

bool MappingTable::is_consistent() const {
  std::size_t others = 0;
  for (const auto& [internal, ids] : others_of_internal_) others += ids.size();
  std::size_t filters = 0;
  std::size_t statics = 0;
  ClientIndex clients;
  for (const auto& [id, entry] : mappings_) {
    const auto& mapping = entry.mapping;
    if (mapping.id != id || !has_sound_claims(mapping) || !is_linked(entry)) return false;
    clients.add(mapping);
    statics += is_static(mapping) ? 1 : 0;
    filters += mapping.filters.size() + mapping.remote_count();
  }
  return by_external_port_.size() + pinholes_ == mappings_.size() && is_listing_consistent() &&
         by_internal_.size() + others == mappings_.size() && queue_.size() >= mappings_.size() &&
         queue_.size() <= 2 * mappings_.size() + kFewQueued && filters == filters_ &&
         statics == static_.size() && clients_.agrees_with(clients);
}

}  // namespace postern
