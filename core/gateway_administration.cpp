#include <utility>

#include "core/gateway.h"

// What the administrator tells a gateway that runs.
namespace postern {

Turn Gateway::reload(Policy policy, std::vector<StaticMapping> static_mappings, Moment now) {
  Turn turn;
  static_mappings_ = std::move(static_mappings);
  const auto work = [&] {
    must_enforce_ = state_.table.set_policy(policy) > 0;
    state_.table.set_static(static_mappings_, now);
  };
  run_turn(work, now, turn);
  send_due_announcements(now, turn);
  return turn;
}

Turn Gateway::set_requests_per_second(std::uint32_t requests, Moment now) {
  Turn turn;
  limiter_.set_rate(requests);
  backend_.set_requests_per_second(requests);
  // When the firewall refuses, it is tried again with the next rebuild.
  (void)rebuild(now, turn);
  send_due_announcements(now, turn);
  return turn;
}

std::vector<StaticMapping> Gateway::unopened_static() const {
  std::vector<StaticMapping> unopened;
  for (const auto& wanted : static_mappings_) {
    const bool is_v4 = wanted.internal.address.is_v4();
    const auto& table = state_.table;
    const Mapping* there = is_v4
                               ? table.find_by_external_port(wanted.protocol, wanted.external_port)
                               : table.find_by_internal(wanted.protocol, wanted.internal);
    const Claimant own{kStatic, wanted.internal.address};
    if (!there || there->internal != wanted.internal || !there->claim_of(own)) {
      unopened.push_back(wanted);
    }
  }
  return unopened;
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
