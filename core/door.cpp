#include "core/door.h"

#include <algorithm>

namespace postern {
namespace {

struct KeyOf {
  DoorKey operator()(const Forward4& door) const {
    return {DoorKey::Kind::forward4, door.protocol, door.external};
  }
  DoorKey operator()(const Pin4& door) const {
    return {DoorKey::Kind::pin4, door.protocol, door.internal};
  }
  DoorKey operator()(const Pinhole6& door) const {
    return {DoorKey::Kind::pinhole6, door.protocol, door.internal};
  }
  DoorKey operator()(const Outbound4& door) const {
    return {DoorKey::Kind::outbound4, door.protocol, door.internal};
  }
};

[[nodiscard]] bool covers(const RemoteFilter& wide, const RemoteFilter& narrow) {
  return wide.remote.length() <= narrow.remote.length() &&
         wide.remote.contains(narrow.remote.network()) && wide.first_port <= narrow.first_port &&
         narrow.last_port <= wide.last_port;
}

/// Whether who came in through `before` surely comes in through `after` as well. Both have one key.
template <class Kind>
[[nodiscard]] bool still_admits(const Kind& before, const Kind& after) {
  if (after.internal != before.internal) return false;
  if (after.filters.empty()) return true;
  return !before.filters.empty() &&
         std::all_of(before.filters.begin(), before.filters.end(), [&](const RemoteFilter& narrow) {
           return std::any_of(after.filters.begin(), after.filters.end(),
                              [&](const RemoteFilter& wide) { return covers(wide, narrow); });
         });
}

}  // namespace

DoorKey key_of(const Door& door) {
  return std::visit(KeyOf{}, door);
}

bool DoorChange::only_widens() const {
  if (!before || !after) return false;
  if (const auto* forward = std::get_if<Forward4>(&before->door)) {
    return still_admits(*forward, std::get<Forward4>(after->door));
  }
  if (const auto* pinhole = std::get_if<Pinhole6>(&before->door)) {
    return still_admits(*pinhole, std::get<Pinhole6>(after->door));
  }
  return false;
}

std::vector<TimedDoor> doors_of(const Mapping& mapping) {
  std::vector<TimedDoor> doors;
  doors.reserve(kMostDoorsOfMapping);
  for_each_door(mapping, [&](TimedDoor timed) { doors.push_back(std::move(timed)); });
  return doors;
}

}  // namespace postern
