#include <algorithm>
#include <unordered_map>
#include <utility>

#include "core/append.h"
#include "core/gateway.h"

// How a gateway begins where an earlier run ended.
namespace postern {
namespace {

using Cause = TableEvent::Cause;

[[nodiscard]] bool is_same_place(const Mapping& stored, const StaticMapping& wanted) {
  return stored.protocol == wanted.protocol && stored.internal == wanted.internal &&
         stored.external.port == wanted.external_port;
}

/// Why one is not there again that the table could not take.
[[nodiscard]] Cause cause_of(const MappingTable::Unrestored& one, const MappingTable& table) {
  if (one.why == MapError::not_authorized) return Cause::policy;
  const auto& [protocol, port] = std::pair(one.mapping.protocol, one.mapping.external.port);
  const Mapping* holder = table.find_by_external_port(protocol, port);
  return holder && holder->is_administered() ? Cause::administered : Cause::restored;
}

/// Whether the table has each of its claims that have not ended.
[[nodiscard]] bool has_claims_of(const MappingTable& table, const Mapping& mapping, Moment now) {
  const Mapping* there = mapping.is_pinhole()
                             ? table.find_by_internal(mapping.protocol, mapping.internal)
                             : table.find_by_external_port(mapping.protocol, mapping.external.port);
  const bool is_there = there && there->internal == mapping.internal;
  return std::all_of(mapping.claims.begin(), mapping.claims.end(), [&](const Claim& claim) {
    const bool has_ended = !claim.lease.is_permanent && claim.lease.ends <= now;
    return has_ended || (is_there && there->claim_of(claim.claimant));
  });
}

}  // namespace

auto Gateway::restore(const StoredState& stored, const FoundDoors& found, Moment now, Turn& turn)
    -> Restored {
  for (const auto& mapping : stored.mappings) state_.table.reserve_id(mapping.id);
  // So that what is new need not move at once.
  const auto& wan = state_.network.wan;
  state_.table.set_external_addresses(wan ? wan->all_v4() : std::vector<Address>());
  restore_static(stored, now);
  auto left = reconcile(stored, found, backend_.capabilities().ends_leases, now);
  turn.unrestored = state_.table.restore(left.mappings, now);
  state_.table.adopt(left.unexplained, now);
  const bool has_all = std::all_of(
      left.mappings.begin(), left.mappings.end(),
      [&](const Mapping& mapping) { return has_claims_of(state_.table, mapping, now); });
  return {std::move(left.gone), has_all && !left.may_lack_renewals};
}

void Gateway::restore_static(const StoredState& stored, Moment now) {
  for (const auto& wanted : static_mappings_) {
    const auto earlier =
        std::find_if(stored.mappings.begin(), stored.mappings.end(),
                     [&](const Mapping& mapping) { return is_same_place(mapping, wanted); });
    const bool was_there = earlier != stored.mappings.end();
    // Nothing refuses it yet.
    (void)state_.table.administer(wanted, kStatic, now, was_there ? &*earlier : nullptr);
  }
}

void Gateway::continue_epochs(const StoredState& stored, const FoundDoors& found, bool is_whole) {
  if (!stored.epochs) return;
  // An address that clients know may be gone; that is found out when there is one again.
  last_external_addresses_ = stored.epochs->external_addresses;
  const bool is_all_here = stored.is_complete || (stored.is_same_boot && found.is_set_up);
  if (!is_all_here || !is_whole) return;
  state_.epoch.restart(stored.epochs->epoch);
  state_.pinhole_epoch.restart(stored.epochs->pinhole_epoch);
}

void Gateway::note_gone(const StoredState& stored, std::span<const Mapping> found_closed,
                        Turn& turn) const {
  std::unordered_map<MappingId, Cause> causes;
  for (const auto& one : turn.unrestored) {
    causes.emplace(one.mapping.id, cause_of(one, state_.table));
  }
  for (const auto& mapping : found_closed) causes.emplace(mapping.id, Cause::found_closed);
  std::vector<TableEvent> gone;
  for (const auto& mapping : stored.mappings) {
    if (state_.table.find(mapping.id)) continue;
    const auto ended = mapping.is_administered() ? Cause::administered : Cause::lease_ended;
    const auto known = causes.find(mapping.id);
    gone.push_back({TableEvent::Kind::closed, mapping, TableEvent::ListChange::none,
                    known == causes.end() ? ended : known->second});
  }
  // They ended before the others came back, some of them on their ports.
  append(gone, std::exchange(turn.events, {}));
  turn.events = std::move(gone);
}

EpochStarts Gateway::epoch_starts() const {
  return {state_.epoch.start(), state_.pinhole_epoch.start(), last_external_addresses_};
}

}  // namespace postern
