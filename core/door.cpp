#include "core/door.h"

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

}  // namespace

DoorKey key_of(const Door& door) {
  return std::visit(KeyOf{}, door);
}

std::vector<TimedDoor> doors_of(const Mapping& mapping) {
  std::vector<TimedDoor> doors;
  doors.reserve(kMostDoorsOfMapping);
  for_each_door(mapping, [&](TimedDoor timed) { doors.push_back(std::move(timed)); });
  return doors;
}

}  // namespace postern
