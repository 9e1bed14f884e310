#include "backends/iptables/side.h"

#include <algorithm>

namespace postern::iptables {
namespace {

[[nodiscard]] bool is_of(Family family, const DoorKey& key) {
  return (key.kind == DoorKey::Kind::pinhole6) == (family == Family::v6);
}

/// Whether a rule that tells of `told` is good enough for a lease that ends at `ends`. A door must
/// never be taken for longer-lived than it is. The other way round, half of what is left will do:
/// by then clients renew.
[[nodiscard]] bool is_told_well(Moment told, Moment ends, Moment now) {
  return told <= ends && told - now >= (ends - now) / 2;
}

}  // namespace

Result<std::vector<TimedDoor>, ToolError> Side::read_doors() const {
  const auto rules = tool_.read();
  if (!rules) return fail(rules.error());
  return family_ == Family::v4 ? doors_of_v4(*rules) : doors_of_v6(*rules);
}

Result<bool, ToolError> Side::has_chains() const {
  const auto rules = tool_.read();
  if (!rules) return fail(rules.error());
  return std::any_of(rules->begin(), rules->end(),
                     [](const Table& table) { return !table.chains.empty(); });
}

bool Side::is_stale_for(const Doors& doors, Moment now) const {
  if (uncertain_) return true;
  std::size_t ours = 0;
  for (const auto& [key, timed] : doors) {
    if (!is_of(family_, key)) continue;
    ++ours;
    const auto written = current_.doors.find(key);
    if (written == current_.doors.end() || written->second.door != timed.door ||
        !is_told_well(written->second.ends, timed.ends, now)) {
      return true;
    }
  }
  return ours != current_.doors.size();
}

bool Side::is_intact() const {
  if (uncertain_) return false;
  const auto held = tool_.read();
  return !held || are_same_rules(*held, current_.rules);
}

Result<void, ToolError> Side::reset(const RulesOptions& options, const Doors& doors) {
  auto held = tool_.read();
  if (!held) return fail(std::move(held.error()));
  return put(std::move(*held), state_for(options, doors));
}

Result<void, ToolError> Side::write(const Doors& doors) {
  if (uncertain_) return reset(current_.options, doors);
  return put(current_.rules, state_for(current_.options, doors));
}

void Side::undo() {
  current_ = std::exchange(previous_, {});
  put_back(current_.rules);
}

Side::State Side::state_for(const RulesOptions& options, const Doors& doors) const {
  State state{options, {}, {}};
  std::vector<TimedDoor> list;
  for (const auto& [key, timed] : doors) {
    if (!is_of(family_, key)) continue;
    state.doors.emplace_hint(state.doors.end(), key, timed);
    list.push_back(timed);
  }
  state.rules = family_ == Family::v4 ? rules_v4(options, list) : rules_v6(options, list);
  return state;
}

Result<void, ToolError> Side::put(Ruleset held, State next) {
  auto done = tool_.replace(held, next.rules);
  if (!done) {
    put_back(held);
    return done;
  }
  previous_ = std::exchange(current_, std::move(next));
  previous_.rules = std::move(held);
  uncertain_ = false;
  return {};
}

void Side::put_back(const Ruleset& rules) {
  // Some tables may have changed and others not, so what stands there has to be read.
  const auto held = tool_.read();
  uncertain_ = !held || !tool_.replace(*held, rules);
}

}  // namespace postern::iptables
