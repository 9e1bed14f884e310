#include "protocols/pcp/mapping_updates.h"

#include <algorithm>

namespace postern::pcp {
namespace {

constexpr int kCopies = 3;
constexpr Milliseconds kFirstGap{250};
/// Between groups of mappings that are told of.
constexpr Milliseconds kGroupGap{10};

}  // namespace

void MappingUpdates::start(MappingId id, Moment now) {
  stop(id);
  if (last_start_ < now) {
    last_start_ = now;
    starts_then_ = 0;
  } else if (starts_then_ == kMostAtOnce) {
    last_start_ += kGroupGap;
    starts_then_ = 0;
  }
  ++starts_then_;
  put(id, {now, last_start_, 0});
}

void MappingUpdates::stop(MappingId id) {
  const auto found = running_.find(id);
  if (found == running_.end()) return;
  queue_.erase({found->second.due, id});
  running_.erase(found);
}

std::vector<MappingUpdates::Due> MappingUpdates::take_due(Moment now) {
  std::vector<Due> due;
  while (!queue_.empty() && queue_.begin()->first <= now && due.size() < kMostAtOnce) {
    const MappingId id = queue_.begin()->second;
    const auto [moved, was_due, told] = running_.at(id);
    due.push_back({id, moved});
    stop(id);
    // After a long sleep what was missed is not sent all at once.
    const auto gap = kFirstGap * (1 << told);
    if (told + 1 < kCopies) put(id, {moved, std::max(was_due + gap, now + kFirstGap), told + 1});
  }
  return due;
}

std::optional<Moment> MappingUpdates::next() const {
  return queue_.empty() ? std::nullopt : std::optional(queue_.begin()->first);
}

void MappingUpdates::put(MappingId id, Running running) {
  queue_.emplace(running.due, id);
  running_.emplace(id, running);
}

}  // namespace postern::pcp
