#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/door.h"
#include "core/endpoint.h"
#include "core/protocol.h"
#include "core/time.h"

/// Doors as the elements of the table's maps and sets: pure, no kernel.
namespace postern::nftables {

/// Where an element lives.
enum class Container : std::uint8_t {
  /// external address . protocol . external port : internal address . internal port
  dnat4,
  /// protocol . internal address . internal port : external address . external port
  snat4,
  /// internal address . protocol . internal port
  pin4,
};

/// The name in the table, zero-terminated.
[[nodiscard]] constexpr const char* to_string(Container container) {
  switch (container) {
    case Container::dnat4:
      return "dnat4";
    case Container::snat4:
      return "snat4";
    case Container::pin4:
      return "pin4";
  }
  return "?";
}

/// A concatenation as the kernel wants it: each field in network order, padded with zeros to a
/// multiple of four octets (nf_tables registers).
using ElementKey = std::array<std::uint8_t, 12>;
using ElementData = std::array<std::uint8_t, 8>;

struct Element {
  Container container = Container::dnat4;
  ElementKey key{};
  /// The map's value; a pin4 element has none.
  std::optional<ElementData> data;

  friend bool operator==(const Element&, const Element&) = default;
};

/// The map element of a door. Only for IPv4 endpoints.
[[nodiscard]] Element element_of(const Door& door);
/// The internal side of a Forward4: the forward chain lets translated packets through only to
/// these.
[[nodiscard]] Element pin_element(Protocol protocol, const Endpoint& internal);
/// The door of a dnat4 or snat4 element; nothing for an element that is not one of ours: another
/// protocol, port zero, padding that is not zero, or a pin4 element.
[[nodiscard]] std::optional<Door> door_of(const Element& element);

/// The timeout for an element that must end at `ends`; nothing when that time has come already.
///
/// At least 10 ms, one tick of the slowest kernel clock (CONFIG_HZ=100): a kernel that rounds down
/// to ticks would turn less into zero, which means "never ends". At most one year, which every
/// kernel and every version of nft can hold.
[[nodiscard]] std::optional<Milliseconds> timeout_until(Moment ends, Moment now);

}  // namespace postern::nftables
