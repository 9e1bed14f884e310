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
  const Moment ends = mapping.ends();
  auto admitted = mapping.admitted();
  if (mapping.is_pinhole()) {
    return {{Pinhole6{mapping.protocol, mapping.internal, std::move(admitted)}, ends}};
  }
  std::vector<TimedDoor> doors{
      {Forward4{mapping.protocol, mapping.external, mapping.internal, std::move(admitted)}, ends}};
  if (mapping.is_oldest_of_internal) {
    doors.push_back({Pin4{mapping.protocol, mapping.internal}, ends});
    doors.push_back({Outbound4{mapping.protocol, mapping.internal, mapping.external}, ends});
  }
  return doors;
}

}  // namespace postern
