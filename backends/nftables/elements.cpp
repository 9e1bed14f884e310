#include "backends/nftables/elements.h"

#include <algorithm>
#include <bit>
#include <cassert>

#include "core/bytes.h"

namespace postern::nftables {
namespace {

/// The values of a key's fields, whatever their order in the container.
struct Fields {
  Protocol protocol = Protocol::udp;
  /// The endpoint that every key has.
  Endpoint local;
  /// Who may come, in the containers for filters.
  Address remote;
  std::uint16_t remote_port = 0;
};

void put_address(ByteWriter& writer, const Address& address) {
  if (address.is_v4()) {
    writer.bytes(address.v4_octets());
  } else {
    writer.bytes(address.octets());
  }
}

/// The remote peer's fields stand before the local ones; the last port is the local one.
[[nodiscard]] bool has_remote(Container container) {
  return key_fields(container).size() > 3;
}

[[nodiscard]] ElementKey key_of(Container container, const Fields& fields) {
  ElementKey key{};
  ByteWriter writer(key);
  const auto put_protocol = [&] {
    writer.u8(static_cast<std::uint8_t>(fields.protocol));
    writer.u8(0);
    writer.u16(0);
  };
  const auto put_port = [&](std::uint16_t port) {
    writer.u16(port);
    writer.u16(0);
  };
  if (has_remote(container)) put_address(writer, fields.remote);
  if (is_interval(container)) put_port(fields.remote_port);
  if (container == Container::snat4) put_protocol();
  put_address(writer, fields.local.address);
  if (container != Container::snat4) put_protocol();
  put_port(fields.local.port);
  return key;
}

/// Reads fields in the order of key_of(); any padding that is not zero, or another protocol, makes
/// it fail.
class KeyReader {
 public:
  explicit KeyReader(const ElementKey& key) : reader_(key) {}

  [[nodiscard]] std::optional<Fields> read(Container container) {
    Fields fields;
    const bool is_v6 = key_fields(container).front() == Field::ipv6;
    if (has_remote(container)) fields.remote = address(is_v6);
    if (is_interval(container)) fields.remote_port = port();
    if (container == Container::snat4) fields.protocol = protocol();
    fields.local.address = address(is_v6);
    if (container != Container::snat4) fields.protocol = protocol();
    fields.local.port = port();
    if (!is_good_ || fields.local.port == 0) return std::nullopt;
    return fields;
  }

 private:
  [[nodiscard]] Address address(bool is_v6) {
    if (!is_v6) return Address::v4(reader_.u32());
    return Address::v6(reader_.array<16>());
  }
  [[nodiscard]] std::uint16_t port() {
    const std::uint16_t port = reader_.u16();
    if (reader_.u16() != 0) is_good_ = false;
    return port;
  }
  [[nodiscard]] Protocol protocol() {
    switch (reader_.u32()) {
      case static_cast<std::uint32_t>(Protocol::tcp) << 24:
        return Protocol::tcp;
      case static_cast<std::uint32_t>(Protocol::udp) << 24:
        return Protocol::udp;
      default:
        is_good_ = false;
        return Protocol::udp;
    }
  }

  ByteReader reader_;
  bool is_good_ = true;
};

/// address . port, the value of all maps.
[[nodiscard]] ElementData data_of(const Endpoint& endpoint) {
  ElementData data{};
  ByteWriter writer(data);
  put_address(writer, endpoint.address);
  writer.u16(endpoint.port);
  writer.u16(0);
  return data;
}

[[nodiscard]] std::optional<Endpoint> endpoint_of(const ElementData& data) {
  ByteReader reader(data);
  const Address address = Address::v4(reader.u32());
  const std::uint16_t port = reader.u16();
  if (port == 0 || reader.u16() != 0) return std::nullopt;
  return Endpoint{address, port};
}

/// The element of one filter: hosts in a hash set, which is fast, all else among intervals.
[[nodiscard]] Element filtered(Container host, Container range, Fields fields,
                               const RemoteFilter& filter, std::optional<ElementData> data) {
  fields.remote = filter.remote.network();
  assert(fields.remote.is_v4() == fields.local.address.is_v4());
  if (filter.is_one_host()) return {host, key_of(host, fields), std::nullopt, data};
  fields.remote_port = filter.first_port;
  Element element{range, key_of(range, fields), std::nullopt, data};
  fields.remote = filter.remote.last();
  fields.remote_port = filter.last_port;
  element.key_end = key_of(range, fields);
  return element;
}

class AppendElements {
 public:
  explicit AppendElements(std::vector<Element>& elements) : elements_(elements) {}

  void operator()(const Forward4& door) const {
    const Fields fields{door.protocol, door.external, {}, 0};
    const auto data = data_of(door.internal);
    if (door.filters.empty()) append(Container::dnat4, fields, data);
    for (const auto& filter : door.filters) {
      elements_.push_back(
          filtered(Container::dnat4_host, Container::dnat4_range, fields, filter, data));
    }
  }
  void operator()(const Pin4& door) const {
    append(Container::pin4, {door.protocol, door.internal, {}, 0}, std::nullopt);
  }
  void operator()(const Pinhole6& door) const {
    const Fields fields{door.protocol, door.internal, {}, 0};
    if (door.filters.empty()) append(Container::pin6, fields, std::nullopt);
    for (const auto& filter : door.filters) {
      elements_.push_back(
          filtered(Container::pin6_host, Container::pin6_range, fields, filter, std::nullopt));
    }
  }
  void operator()(const Outbound4& door) const {
    append(Container::snat4, {door.protocol, door.internal, {}, 0}, data_of(door.external));
  }

 private:
  void append(Container container, const Fields& fields, std::optional<ElementData> data) const {
    elements_.push_back({container, key_of(container, fields), std::nullopt, data});
  }

  std::vector<Element>& elements_;
};

/// The prefix that begins and ends with these addresses, if there is one.
[[nodiscard]] std::optional<Prefix> prefix_between(const Address& first, const Address& last) {
  unsigned common = 0;
  for (std::size_t i = 0; i < 16; ++i) {
    const auto differing = static_cast<std::uint8_t>(first.octets()[i] ^ last.octets()[i]);
    common += static_cast<unsigned>(std::countl_zero(differing));
    if (differing != 0) break;
  }
  const unsigned mapped = first.is_v4() ? 96 : 0;
  if (common < mapped) return std::nullopt;
  const Prefix prefix(first, common - mapped);
  if (prefix.network() != first || prefix.last() != last) return std::nullopt;
  return prefix;
}

/// The filter that the element stands for; none in containers without remote peers.
[[nodiscard]] std::optional<RemoteFilters> filters_of(const Element& element, const Fields& from) {
  if (!has_remote(element.container)) return RemoteFilters{};
  if (!is_interval(element.container)) {
    return RemoteFilters{{Prefix(from.remote, from.remote.is_v4() ? 32 : 128)}};
  }
  if (!element.key_end) return std::nullopt;
  const auto to = KeyReader(*element.key_end).read(element.container);
  if (!to || to->local != from.local || to->protocol != from.protocol) return std::nullopt;
  const auto remote = prefix_between(from.remote, to->remote);
  if (!remote || to->remote_port < from.remote_port) return std::nullopt;
  return RemoteFilters{{*remote, from.remote_port, to->remote_port}};
}

}  // namespace

void append_elements(const Door& door, std::vector<Element>& elements) {
  std::visit(AppendElements{elements}, door);
}

std::optional<Door> door_of(const Element& element) {
  const auto fields = KeyReader(element.key).read(element.container);
  if (!fields || element.data.has_value() != is_map(element.container)) return std::nullopt;
  const auto filters = filters_of(element, *fields);
  if (!filters) return std::nullopt;
  std::optional<Endpoint> target;
  if (element.data) {
    target = endpoint_of(*element.data);
    if (!target) return std::nullopt;
  }
  switch (element.container) {
    case Container::dnat4:
    case Container::dnat4_host:
    case Container::dnat4_range:
      return Forward4{fields->protocol, fields->local, *target, *filters};
    case Container::pin4:
      return Pin4{fields->protocol, fields->local};
    case Container::snat4:
      return Outbound4{fields->protocol, fields->local, *target};
    case Container::pin6:
    case Container::pin6_host:
    case Container::pin6_range:
      return Pinhole6{fields->protocol, fields->local, *filters};
  }
  return std::nullopt;
}

std::optional<Milliseconds> timeout_until(Moment ends, Moment now) {
  constexpr Milliseconds kOneTick{10};
  constexpr Milliseconds kYear = std::chrono::hours{365 * 24};
  if (ends <= now) return std::nullopt;
  if (ends >= now + kYear) return kYear;
  return std::max(kOneTick, Milliseconds(ends - now));
}

}  // namespace postern::nftables
