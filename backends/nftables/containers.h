#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

/// The table's maps and sets. Their keys are concatenations of fields, in this order.
namespace postern::nftables {

enum class Container : std::uint8_t {
  /// external address . protocol . external port : internal address . internal port
  dnat4,
  /// remote address . external address . protocol . external port : internal address . port
  dnat4_host,
  /// remote addresses . remote ports . external address . protocol . external port : internal
  /// address . port; intervals
  dnat4_range,
  /// internal address . protocol . internal port
  pin4,
  /// protocol . internal address . internal port : external address . external port
  snat4,
  /// internal address . protocol . internal port
  pin6,
  /// remote address . internal address . protocol . internal port
  pin6_host,
  /// remote addresses . remote ports . internal address . protocol . internal port; intervals
  pin6_range,
};

inline constexpr std::array kContainers{
    Container::dnat4, Container::dnat4_host, Container::dnat4_range, Container::pin4,
    Container::snat4, Container::pin6,       Container::pin6_host,   Container::pin6_range};

/// The name in the table, zero-terminated.
[[nodiscard]] constexpr const char* to_string(Container container) {
  switch (container) {
    case Container::dnat4:
      return "dnat4";
    case Container::dnat4_host:
      return "dnat4_host";
    case Container::dnat4_range:
      return "dnat4_range";
    case Container::pin4:
      return "pin4";
    case Container::snat4:
      return "snat4";
    case Container::pin6:
      return "pin6";
    case Container::pin6_host:
      return "pin6_host";
    case Container::pin6_range:
      return "pin6_range";
  }
  return "?";
}

/// What a key is made of. The values are nft's numbers of its data types, which the kernel keeps
/// for nft to print the table again.
enum class Field : std::uint8_t { ipv4 = 7, ipv6 = 8, protocol = 12, port = 13 };

/// In octets, before padding.
[[nodiscard]] constexpr std::uint8_t size_of(Field field) {
  switch (field) {
    case Field::ipv4:
      return 4;
    case Field::ipv6:
      return 16;
    case Field::protocol:
      return 1;
    case Field::port:
      return 2;
  }
  return 0;
}

[[nodiscard]] std::span<const Field> key_fields(Container container);
/// Whether it is a map, to an IPv4 address and a port.
[[nodiscard]] bool is_map(Container container);
/// Whether its keys are intervals in each field.
[[nodiscard]] bool is_interval(Container container);
/// Whether its elements count packets: those that tell of traffic from outside.
[[nodiscard]] bool is_counting(Container container);
/// In octets, each field padded to a multiple of four.
[[nodiscard]] std::size_t key_size(Container container);

/// The key of pin6_range: two IPv6 addresses and three short fields.
inline constexpr std::size_t kLargestKey = 44;

}  // namespace postern::nftables
