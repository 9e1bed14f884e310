#include <utility>

#include "core/gateway.h"

// What the administrator tells a gateway that runs.
namespace postern {

Turn Gateway::reload(Policy policy, std::vector<StaticMapping> static_mappings, Moment now) {
  Turn turn;
  static_mappings_ = std::move(static_mappings);
  const auto work = [&] {
    (void)state_.table.set_policy(policy);
    state_.table.set_static(static_mappings_, now);
  };
  run_turn(work, now, turn);
  send_due_announcements(now, turn);
  return turn;
}

Result<MappingId, MapError> Gateway::add(const StaticMapping& wanted, Moment now, Turn& turn) {
  Result<MappingId, MapError> added;
  run_turn([&] { added = state_.table.administer(wanted, kOperator, now); }, now, turn);
  send_due_announcements(now, turn);
  return added;
}

Result<void, MapError> Gateway::remove(MappingId id, Moment now, Turn& turn) {
  Result<void, MapError> removed;
  run_turn([&] { removed = state_.table.remove(id); }, now, turn);
  send_due_announcements(now, turn);
  return removed;
}

}  // namespace postern
