#include <algorithm>
#include <cassert>

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
         left.external == right.external &&
         left.is_oldest_of_internal == right.is_oldest_of_internal &&
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
  return !mapping.claims.empty() && are_unique &&
         (mapping.has_inbound_claim() || mapping.filters.empty());
}

/// Whether it stands for its internal endpoint.
[[nodiscard]] bool is_oldest(const Mapping& mapping) {
  return mapping.is_pinhole() || mapping.is_oldest_of_internal;
}

}  // namespace

std::size_t MappingTable::PortKeyHash::operator()(const PortKey& key) const {
  return combine_hashes(std::hash<Endpoint>{}(key.second), static_cast<std::size_t>(key.first));
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

const Claim* MappingTable::find_claim(Protocol protocol, const Endpoint& internal,
                                      const Claimant& claimant) const {
  const Mapping* mapping = find_by_internal(protocol, internal);
  return mapping ? mapping->claim_of(claimant) : nullptr;
}

std::optional<Address> MappingTable::external_address_of(const Address& host) const {
  if (external_addresses_.empty()) return std::nullopt;
  if (const auto found = by_client_.find(host); found != by_client_.end()) {
    const Address& used = find(*found->second.begin())->external.address;
    if (has_external_address(used)) return used;
  }
  return external_addresses_.front();
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
  all.reserve(kMostDoorsOfMapping * mappings_.size());
  for (const auto& [id, entry] : mappings_) {
    for_each_door(entry.mapping, [&](TimedDoor timed) { all.push_back(std::move(timed)); });
  }
  return all;
}

void MappingTable::put(MappingId id, std::optional<Standing> standing) {
  const auto found = mappings_.find(id);
  if (found == mappings_.end()) {
    if (!standing) return;
    auto& entry =
        mappings_.emplace(id, Entry{std::move(standing->mapping), {}, Moment::max()}).first->second;
    link(entry, standing->due);
    return;
  }
  auto& entry = found->second;
  if (standing && is_indexed_alike(entry.mapping, standing->mapping)) {
    entry.mapping = std::move(standing->mapping);
    schedule(entry, standing->due);
    return;
  }
  unlink(entry);
  if (standing) {
    entry.mapping = std::move(standing->mapping);
    link(entry, standing->due);
  } else {
    mappings_.erase(found);
    tidy_queue();
  }
}

void MappingTable::link(Entry& entry, Moment due) {
  const auto& mapping = entry.mapping;
  by_external_.insert(mapping);
  link_internal(mapping);
  for (const auto& claim : mapping.claims) {
    auto& ids = by_client_[claim.claimant.client];
    ids.insert(ids.end(), mapping.id);
  }
  filters_ += mapping.filters.size() + mapping.remote_count();
  if (mapping.is_pinhole()) {
    ++pinholes_;
  } else {
    ports_.take(mapping.protocol, mapping.external.port);
    if (mapping.reserves_companion()) {
      ports_.reserve(companion(mapping.protocol), mapping.external.port, mapping.internal.address);
    }
  }
  schedule(entry, due);
}

void MappingTable::unlink(const Entry& entry) {
  const auto& mapping = entry.mapping;
  by_external_.erase({mapping.protocol, mapping.external});
  unlink_internal(mapping);
  for (const auto& claim : mapping.claims) {
    const auto found = by_client_.find(claim.claimant.client);
    if (found == by_client_.end()) continue;
    found->second.erase(mapping.id);
    if (found->second.empty()) by_client_.erase(found);
  }
  filters_ -= mapping.filters.size() + mapping.remote_count();
  if (mapping.is_pinhole()) {
    --pinholes_;
  } else {
    ports_.give_back(mapping.protocol, mapping.external.port);
    if (mapping.reserves_companion()) {
      ports_.cancel_reservation(companion(mapping.protocol), mapping.external.port);
    }
  }
}

void MappingTable::link_internal(const Mapping& mapping) {
  if (is_oldest(mapping)) {
    by_internal_.insert(mapping);
  } else {
    younger_of_internal_[{mapping.protocol, mapping.internal}].insert(mapping.id);
  }
}

void MappingTable::unlink_internal(const Mapping& mapping) {
  const PortKey key{mapping.protocol, mapping.internal};
  if (is_oldest(mapping)) {
    by_internal_.erase(key);
    return;
  }
  const auto younger = younger_of_internal_.find(key);
  younger->second.erase(mapping.id);
  if (younger->second.empty()) younger_of_internal_.erase(younger);
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
  const bool clients_know =
      std::all_of(mapping.claims.begin(), mapping.claims.end(), [&](const Claim& claim) {
        const auto found = by_client_.find(claim.claimant.client);
        return found != by_client_.end() && found->second.contains(mapping.id);
      });
  return find_by_external(mapping.protocol, mapping.external) == &mapping &&
         is_linked_internally(mapping) && clients_know &&
         (mapping.is_pinhole() || holds_its_port(mapping)) &&
         entry.due >= mapping.first_claim_ends() && entry.due > expired_until_ &&
         entry.queued <= entry.due;
}

bool MappingTable::is_linked_internally(const Mapping& mapping) const {
  const Mapping* oldest = find_by_internal(mapping.protocol, mapping.internal);
  if (is_oldest(mapping)) return oldest == &mapping;
  const auto younger = younger_of_internal_.find({mapping.protocol, mapping.internal});
  return oldest && oldest->id < mapping.id && younger != younger_of_internal_.end() &&
         younger->second.contains(mapping.id);
}

bool MappingTable::holds_its_port(const Mapping& mapping) const {
  const std::uint16_t port = mapping.external.port;
  return ports_.is_taken(mapping.protocol, port) &&
         (!mapping.reserves_companion() ||
          ports_.reserved_for(companion(mapping.protocol), port) == mapping.internal.address);
}

bool MappingTable::is_consistent() const {
  std::size_t client_entries = 0;
  for (const auto& [client, ids] : by_client_) client_entries += ids.size();
  std::size_t younger = 0;
  for (const auto& [internal, ids] : younger_of_internal_) younger += ids.size();
  std::size_t claimants = 0;
  std::size_t filters = 0;
  for (const auto& [id, entry] : mappings_) {
    const auto& mapping = entry.mapping;
    if (mapping.id != id || !has_sound_claims(mapping) || !is_linked(entry)) return false;
    std::set<Address> clients;
    for (const auto& claim : mapping.claims) clients.insert(claim.claimant.client);
    claimants += clients.size();
    filters += mapping.filters.size() + mapping.remote_count();
  }
  return by_external_.size() == mappings_.size() &&
         by_internal_.size() + younger == mappings_.size() && queue_.size() >= mappings_.size() &&
         queue_.size() <= 2 * mappings_.size() + kFewQueued && client_entries == claimants &&
         filters == filters_;
}

}  // namespace postern
