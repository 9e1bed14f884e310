#include "backends/memory/memory_backend.h"

namespace postern {

Result<std::vector<TimedDoor>, BackendError> MemoryBackend::open_doors(Moment now) {
  std::vector<TimedDoor> open;
  for (const auto& [key, timed] : doors_) {
    if (timed.ends > now) open.push_back(timed);
  }
  return open;
}

Result<void, BackendError> MemoryBackend::reset(const Network&, std::span<const TimedDoor> doors,
                                                Moment) {
  if (auto failure = injected_failure()) return fail(std::move(*failure));
  is_set_up_ = true;
  pace_ = wanted_pace_;
  doors_.clear();
  for (const auto& timed : doors) doors_.insert_or_assign(key_of(timed.door), timed);
  return {};
}

Result<void, BackendError> MemoryBackend::commit(std::span<const DoorChange> changes, Moment) {
  if (auto failure = injected_failure()) return fail(std::move(*failure));
  for (std::size_t i = 0; i < changes.size(); ++i) {
    if (refused_keys_.contains(changes[i].key())) {
      return fail(BackendError{"this change was told to fail", i, false});
    }
  }
  for (const auto& change : changes) {
    if (change.after) {
      doors_.insert_or_assign(change.key(), *change.after);
    } else {
      doors_.erase(change.key());
    }
  }
  last_commit_.assign(changes.begin(), changes.end());
  return {};
}

Result<std::optional<std::uint64_t>, BackendError> MemoryBackend::packets_through(
    const Door& door) {
  const auto key = key_of(door);
  const auto held = doors_.find(key);
  const auto counted = packets_.find(key);
  if (held == doors_.end() || held->second.door != door || counted == packets_.end()) {
    return std::optional<std::uint64_t>();
  }
  return std::optional(counted->second);
}

void MemoryBackend::heal() {
  refused_keys_.clear();
  failing_calls_ = 0;
}

void MemoryBackend::take_away() {
  doors_.clear();
  is_set_up_ = false;
}

std::optional<BackendError> MemoryBackend::injected_failure() {
  if (failing_calls_ == 0) return std::nullopt;
  --failing_calls_;
  return BackendError{"this call was told to fail", std::nullopt, false};
}

}  // namespace postern
