#include "core/door.h"

namespace postern {
namespace {

struct KeyOf {
  DoorKey operator()(const Forward4& door) const {
    return {DoorKey::Kind::forward4, door.protocol, door.external};
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
  return {{Forward4{mapping.protocol, mapping.external, mapping.internal}, ends},
          {Outbound4{mapping.protocol, mapping.internal, mapping.external}, ends}};
}

}  // namespace postern
