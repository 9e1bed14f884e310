#include <algorithm>
#include <cassert>
#include <utility>

#include "core/mapping_table.h"

// How a turn's changes are staged, and stand or fall together.
namespace postern {
namespace {

using Cause = TableEvent::Cause;

/// How long to leave the firewall alone after it refused to close a door. Its own timer ends the
/// door meanwhile.
constexpr Seconds kRetryExpiry{1};

/// How long a port that became free is not chosen for another host of our own accord (RFC 6887
/// §15): long enough for peers of the mapping that was there to give up.
constexpr Seconds kPortRest{120};

[[nodiscard]] TableEvent::Kind kind_of_change(const Mapping& before, const Mapping& after) {
  const bool stays = before.external == after.external && before.internal == after.internal;
  return stays ? TableEvent::Kind::renewed : TableEvent::Kind::moved;
}

/// Whether the doors of both have the same keys. No other mapping's doors have those then, before
/// or after.
[[nodiscard]] bool has_same_keys(const Mapping& before, const Mapping& after) {
  return before.protocol == after.protocol && before.internal == after.internal &&
         before.external == after.external && before.is_primary == after.is_primary &&
         before.has_doors() == after.has_doors();
}

/// The changes from a mapping's doors to those of one that has the same keys: what most turns are.
void add_changes(const Mapping& before, const Mapping& after, std::vector<DoorChange>& changes) {
  std::size_t next = changes.size();
  const bool spares_flows = !before.has_enabled_inbound_claim();
  for_each_door(before, [&](TimedDoor timed) {
    changes.push_back({std::move(timed), std::nullopt, spares_flows});
  });
  for_each_door(after, [&](TimedDoor timed) { changes[next++].after = std::move(timed); });
}

void forget_rules(Mapping& mapping) {
  for (auto& claim : mapping.claims) claim.rule = kNoRule;
}

/// The claims that the mapping does not have any more.
[[nodiscard]] std::vector<Claim> take_dropped(Mapping& before, const Mapping& after) {
  std::vector<Claim> dropped;
  for (auto& claim : before.claims) {
    if (after.claim_of(claim.claimant)) continue;
    // The policy that it was of may be no more.
    claim.rule = kNoRule;
    dropped.push_back(std::move(claim));
  }
  return dropped;
}

}  // namespace

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
    end_or_prolong(left.claims, now);
    const bool ends_some = left.claims.size() < entry.mapping.claims.size();
    const Because because(*this, ends_some ? Cause::lease_ended : Cause::asked);
    const bool is_over = left.claims.empty();
    if (!change(id, is_over ? std::nullopt : std::optional(std::move(left))))
      schedule(entry, now + kRetryExpiry);
  }
}

std::vector<DoorChange> MappingTable::staged_changes() const {
  std::vector<DoorChange> changes;
  changes.reserve(kMostDoorsOfMapping * before_turn_.size());
  std::unordered_map<DoorKey, std::size_t> position;
  const auto change_of = [&](const Door& door) -> DoorChange& {
    const auto [found, is_new] = position.try_emplace(key_of(door), changes.size());
    if (is_new) changes.emplace_back();
    return changes[found->second];
  };
  for (const auto& [id, before] : before_turn_) {
    const Mapping* after = find(id);
    if (before && after && has_same_keys(before->mapping, *after)) {
      add_changes(before->mapping, *after, changes);
      continue;
    }
    if (before) {
      const bool spares_flows = !before->mapping.has_enabled_inbound_claim();
      for_each_door(before->mapping, [&](TimedDoor timed) {
        auto& change = change_of(timed.door);
        change.before = std::move(timed);
        change.spares_flows = spares_flows;
      });
    }
    if (after) {
      for_each_door(*after, [&](TimedDoor timed) {
        auto& change = change_of(timed.door);
        change.after = std::move(timed);
      });
    }
  }
  std::erase_if(changes, [](const DoorChange& change) { return change.before == change.after; });
  return changes;
}

std::vector<TableEvent> MappingTable::accept() {
  std::vector<TableEvent> events;
  events.reserve(before_turn_.size());
  std::sort(before_turn_.begin(), before_turn_.end(),
            [](const auto& left, const auto& right) { return left.first < right.first; });
  for (auto& [id, before] : before_turn_) {
    const auto place = mappings_.find(id);
    const bool is_there = place != mappings_.end();
    if (is_there) place->second.is_touched = false;
    const Mapping* after = is_there ? &place->second.mapping : nullptr;
    if (before && after) {
      if (before->mapping == *after) continue;
      events.push_back({kind_of_change(before->mapping, *after), *after,
                        list_change(&before->mapping, after), cause_of(id),
                        take_dropped(before->mapping, *after)});
    } else if (before) {
      const auto& closed = before->mapping;
      if (!closed.is_pinhole()) {
        ports_.rest(closed.protocol, closed.external.port, closed.internal.address,
                    expired_until_ + kPortRest);
      }
      const auto change = list_change(&closed, nullptr);
      // The rules that they name are no more.
      if (policy_before_turn_) forget_rules(before->mapping);
      events.push_back(
          {TableEvent::Kind::closed, std::move(before->mapping), change, cause_of(id)});
    } else if (after) {
      events.push_back(
          {TableEvent::Kind::opened, *after, list_change(nullptr, after), cause_of(id)});
    }
  }
  before_turn_.clear();
  causes_.clear();
  policy_before_turn_.reset();
  tidy_order();
  clients_.tidy();
  expired_before_turn_ = expired_until_;
  refused_.clear();
  refuse_all_ = false;
  return events;
}

void MappingTable::roll_back() {
  expired_until_ = expired_before_turn_;
  // All leave before the first returns, for a port may have gone from one mapping to another.
  for (const auto& [id, before] : before_turn_) (void)put(id, mappings_.find(id), std::nullopt);
  for (auto& [id, before] : before_turn_) {
    if (!before) continue;
    (void)put(id, mappings_.end(), std::move(before));
    mappings_.at(id).is_touched = false;
  }
  before_turn_.clear();
  causes_.clear();
  if (policy_before_turn_) policy_ = std::move(*policy_before_turn_);
  policy_before_turn_.reset();
  refusals_.clear();
}

void MappingTable::note_cause(MappingId id) {
  // Most turns know no other cause, and need not remember any.
  if (cause_ != Cause::asked || !causes_.empty()) causes_[id] = cause_;
}

TableEvent::Cause MappingTable::cause_of(MappingId id) const {
  const auto found = causes_.find(id);
  return found == causes_.end() ? Cause::asked : found->second;
}

void MappingTable::remember(const Mapping& mapping, std::map<MappingId, Entry>& entries) const {
  const auto add = [&](MappingId id) { entries.try_emplace(id, mappings_.at(id)); };
  add(find_by_internal(mapping.protocol, mapping.internal)->id);
  const auto others = others_of_internal_.find({mapping.protocol, mapping.internal});
  if (others == others_of_internal_.end()) return;
  std::for_each(others->second.begin(), others->second.end(), add);
}

void MappingTable::put_back(std::map<MappingId, Entry> entries, std::size_t touched) {
  for (const auto& [id, entry] : entries) (void)put(id, mappings_.find(id), std::nullopt);
  for (auto& [id, entry] : entries) {
    (void)put(id, mappings_.end(), Standing{std::move(entry.mapping), entry.due});
    mappings_.at(id).is_touched = entry.is_touched;
  }
  before_turn_.resize(touched);
}

void MappingTable::refuse(const DoorKey& key) {
  refused_.insert(key);
}

void MappingTable::refuse_all() {
  refuse_all_ = true;
}

bool MappingTable::stage(MappingId id, std::optional<Mapping> after) {
  if (after && !after->has_filtering_claim()) after->filters.clear();
  const auto place = mappings_.find(id);
  const Entry* before = place == mappings_.end() ? nullptr : &place->second;
  if (is_refused(before ? &before->mapping : nullptr, after ? &*after : nullptr)) return false;
  const bool was_touched = before && before->is_touched;
  std::optional<Standing> standing;
  if (after) {
    const Moment due = due_of(*after);
    standing = {std::move(*after), due};
  }
  note_cause(id);
  auto replaced = put(id, place, std::move(standing));
  if (!was_touched) before_turn_.emplace_back(id, std::move(replaced));
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
  const Moment due = mapping.first_due();
  return due > expired_until_ ? due : expired_until_ + kRetryExpiry;
}

}  // namespace postern
