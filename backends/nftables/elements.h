#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "backends/nftables/containers.h"
#include "core/door.h"
#include "core/time.h"

/// Doors as the elements of the table's maps and sets: pure, no kernel.
namespace postern::nftables {

/// A concatenation as the kernel wants it: each field in network order, padded with zeros to a
/// multiple of four octets (nf_tables registers). Only the first key_size(container) octets count.
using ElementKey = std::array<std::uint8_t, kLargestKey>;
using ElementData = std::array<std::uint8_t, 8>;

struct Element {
  Container container = Container::dnat4;
  ElementKey key{};
  /// The last key of the interval; only in containers of intervals.
  std::optional<ElementKey> key_end;
  /// A map's value.
  std::optional<ElementData> data;

  friend bool operator==(const Element&, const Element&) = default;
};

/// What the kernel holds for a door: one element, or one for each of its filters. They are put
/// behind those that are there, into memory that the caller keeps: each request needs some.
void append_elements(const Door& door, std::vector<Element>& elements);
/// The door of an element, with its one filter if it has one; nothing for an element that is not
/// one of ours: another protocol, port zero, padding that is not zero, or an interval that is no
/// prefix.
[[nodiscard]] std::optional<Door> door_of(const Element& element);

/// The timeout for an element that must end at `ends`; nothing when that time has come already.
///
/// At least 10 ms, one tick of the slowest kernel clock (CONFIG_HZ=100): a kernel that rounds down
/// to ticks would turn less into zero, which means "never ends". At most one year, which every
/// kernel and every version of nft can hold.
[[nodiscard]] std::optional<Milliseconds> timeout_until(Moment ends, Moment now);

}  // namespace postern::nftables
