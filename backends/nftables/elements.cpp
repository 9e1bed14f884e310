#include "backends/nftables/elements.h"

#include <algorithm>
#include <cassert>

#include "core/bytes.h"

namespace postern::nftables {
namespace {

void put_address(ByteWriter& writer, const Address& address) {
  writer.bytes(address.v4_octets());
}
void put_port(ByteWriter& writer, std::uint16_t port) {
  writer.u16(port);
  writer.u16(0);
}
void put_protocol(ByteWriter& writer, Protocol protocol) {
  writer.u8(static_cast<std::uint8_t>(protocol));
  writer.u8(0);
  writer.u16(0);
}

[[nodiscard]] Address read_address(ByteReader& reader) {
  return Address::v4(reader.u32());
}
[[nodiscard]] std::optional<std::uint16_t> read_port(ByteReader& reader) {
  const std::uint16_t port = reader.u16();
  const bool padded = reader.u16() == 0;
  if (port == 0 || !padded) return std::nullopt;
  return port;
}
[[nodiscard]] std::optional<Protocol> read_protocol(ByteReader& reader) {
  switch (reader.u32()) {
    case static_cast<std::uint32_t>(Protocol::tcp) << 24:
      return Protocol::tcp;
    case static_cast<std::uint32_t>(Protocol::udp) << 24:
      return Protocol::udp;
    default:
      return std::nullopt;
  }
}

/// address . protocol . port, the key of dnat4 and pin4.
[[nodiscard]] ElementKey key_by_address(Protocol protocol, const Endpoint& endpoint) {
  ElementKey key{};
  ByteWriter writer(key);
  put_address(writer, endpoint.address);
  put_protocol(writer, protocol);
  put_port(writer, endpoint.port);
  return key;
}

/// protocol . address . port, the key of snat4.
[[nodiscard]] ElementKey key_by_protocol(Protocol protocol, const Endpoint& endpoint) {
  ElementKey key{};
  ByteWriter writer(key);
  put_protocol(writer, protocol);
  put_address(writer, endpoint.address);
  put_port(writer, endpoint.port);
  return key;
}

/// address . port, the value of both maps.
[[nodiscard]] ElementData data_of(const Endpoint& endpoint) {
  ElementData data{};
  ByteWriter writer(data);
  put_address(writer, endpoint.address);
  put_port(writer, endpoint.port);
  return data;
}

struct ElementOf {
  Element operator()(const Forward4& door) const {
    return {Container::dnat4, key_by_address(door.protocol, door.external), data_of(door.internal)};
  }
  Element operator()(const Pinhole6&) const {
    assert(false);  // Not offered: see NftablesBackend::capabilities().
    return {};
  }
  Element operator()(const Outbound4& door) const {
    return {Container::snat4, key_by_protocol(door.protocol, door.internal),
            data_of(door.external)};
  }
};

}  // namespace

Element element_of(const Door& door) {
  return std::visit(ElementOf{}, door);
}

Element pin_element(Protocol protocol, const Endpoint& internal) {
  return {Container::pin4, key_by_address(protocol, internal), std::nullopt};
}

std::optional<Door> door_of(const Element& element) {
  if (element.container == Container::pin4 || !element.data) return std::nullopt;
  const bool is_forward = element.container == Container::dnat4;

  ByteReader key(element.key);
  Address key_address;
  if (is_forward) key_address = read_address(key);
  const auto protocol = read_protocol(key);
  if (!is_forward) key_address = read_address(key);
  const auto key_port = read_port(key);

  ByteReader data(*element.data);
  const Address data_address = read_address(data);
  const auto data_port = read_port(data);
  if (!protocol || !key_port || !data_port) return std::nullopt;

  const Endpoint at{key_address, *key_port};
  const Endpoint to{data_address, *data_port};
  if (is_forward) return Forward4{*protocol, at, to};
  return Outbound4{*protocol, at, to};
}

std::optional<Milliseconds> timeout_until(Moment ends, Moment now) {
  constexpr Milliseconds kOneTick{10};
  constexpr Milliseconds kYear = std::chrono::hours{365 * 24};
  if (ends <= now) return std::nullopt;
  if (ends >= now + kYear) return kYear;
  return std::max(kOneTick, Milliseconds(ends - now));
}

}  // namespace postern::nftables
