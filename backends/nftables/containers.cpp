#include "backends/nftables/containers.h"

namespace postern::nftables {
namespace {

constexpr std::array kByAddress4{Field::ipv4, Field::protocol, Field::port};
constexpr std::array kByProtocol4{Field::protocol, Field::ipv4, Field::port};
constexpr std::array kByHost4{Field::ipv4, Field::ipv4, Field::protocol, Field::port};
constexpr std::array kByRange4{Field::ipv4, Field::port, Field::ipv4, Field::protocol, Field::port};
constexpr std::array kByAddress6{Field::ipv6, Field::protocol, Field::port};
constexpr std::array kByHost6{Field::ipv6, Field::ipv6, Field::protocol, Field::port};
constexpr std::array kByRange6{Field::ipv6, Field::port, Field::ipv6, Field::protocol, Field::port};

}  // namespace

std::span<const Field> key_fields(Container container) {
  switch (container) {
    case Container::dnat4:
    case Container::pin4:
      return kByAddress4;
    case Container::dnat4_host:
      return kByHost4;
    case Container::dnat4_range:
      return kByRange4;
    case Container::snat4:
      return kByProtocol4;
    case Container::pin6:
      return kByAddress6;
    case Container::pin6_host:
      return kByHost6;
    case Container::pin6_range:
      return kByRange6;
  }
  return {};
}

bool is_map(Container container) {
  switch (container) {
    case Container::dnat4:
    case Container::dnat4_host:
    case Container::dnat4_range:
    case Container::snat4:
      return true;
    case Container::pin4:
    case Container::pin6:
    case Container::pin6_host:
    case Container::pin6_range:
      return false;
  }
  return false;
}

bool is_interval(Container container) {
  return container == Container::dnat4_range || container == Container::pin6_range;
}

bool is_counting(Container container) {
  return container != Container::pin4 && container != Container::snat4;
}

std::size_t key_size(Container container) {
  std::size_t size = 0;
  for (const auto field : key_fields(container)) size += (size_of(field) + 3U) / 4U * 4U;
  return size;
}

}  // namespace postern::nftables
