#include <algorithm>
#include <iterator>
#include <unordered_map>

#include "core/gateway.h"

// How a gateway begins where an earlier run ended.
namespace postern {
namespace {

using Cause = TableEvent::Cause;

[[nodiscard]] bool is_same_place(const Mapping& stored, const StaticMapping& wanted) {
  return stored.protocol == wanted.protocol && stored.internal == wanted.internal &&
         stored.external.port == wanted.external_port;
}

/// Why it is not there again.
[[nodiscard]] Cause cause_of(const Mapping& gone, const Turn& turn, const MappingTable& table) {
  const auto found =
      std::find_if(turn.unrestored.begin(), turn.unrestored.end(),
                   [&](const MappingTable::Unrestored& one) { return one.mapping.id == gone.id; });
  if (found == turn.unrestored.end()) {
    return gone.is_administered() ? Cause::administered : Cause::lease_ended;
  }
  if (found->why == MapError::not_authorized) return Cause::policy;
  const Mapping* holder = table.find_by_external_port(gone.protocol, gone.external.port);
  return holder && holder->is_administered() ? Cause::administered : Cause::restored;
}

}  // namespace

void Gateway::restore(const StoredState& stored, const FoundDoors& found, Moment now, Turn& turn) {
  for (const auto& mapping : stored.mappings) state_.table.reserve_id(mapping.id);
  // So that what is new need not move at once.
  const auto& wan = state_.network.wan;
  state_.table.set_external_addresses(wan ? wan->all_v4() : std::vector<Address>());
  restore_static(stored, now);
  auto left = reconcile(stored, found, backend_.capabilities().ends_leases, now);
  turn.unrestored = state_.table.restore(left.mappings, now);
  state_.table.adopt(left.unexplained, now);
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

void Gateway::continue_epochs(const StoredState& stored, const FoundDoors& found,
                              const Turn& turn) {
  if (!stored.epochs) return;
  // An address that clients know may be gone; that is found out when there is one again.
  last_external_addresses_ = stored.epochs->external_addresses;
  const bool is_all_here = stored.is_complete || (stored.is_same_boot && found.is_set_up);
  const bool lost_some = std::any_of(turn.unrestored.begin(), turn.unrestored.end(),
                                     [](const MappingTable::Unrestored& one) {
                                       // Who is not allowed to have it need not ask again.
                                       return one.why != MapError::not_authorized;
                                     });
  if (!is_all_here || lost_some) return;
  state_.epoch.restart(stored.epochs->epoch);
  state_.pinhole_epoch.restart(stored.epochs->pinhole_epoch);
}

void Gateway::note_gone(const StoredState& stored, Turn& turn) const {
  std::vector<TableEvent> gone;
  for (const auto& mapping : stored.mappings) {
    if (state_.table.find(mapping.id)) continue;
    gone.push_back({TableEvent::Kind::closed, mapping, TableEvent::ListChange::none,
                    cause_of(mapping, turn, state_.table)});
  }
  // They ended before the others came back, some of them on their ports.
  turn.events.insert(turn.events.begin(), std::make_move_iterator(gone.begin()),
                     std::make_move_iterator(gone.end()));
}

EpochStarts Gateway::epoch_starts() const {
  return {state_.epoch.start(), state_.pinhole_epoch.start(), last_external_addresses_};
}

}  // namespace postern
