#include "protocols/pcp/wire.h"

#include <algorithm>
#include <cassert>

#include "protocols/pcp/request_rules.h"

namespace postern::pcp {
namespace {

constexpr std::uint8_t kResponseBit = 0x80;
/// The part of a response header after the epoch, where a request has the end of the client
/// address.
constexpr std::size_t kResponseReservedSize = 12;

[[nodiscard]] std::optional<Opcode> opcode_of(std::uint8_t octet) {
  const auto number = static_cast<std::uint8_t>(octet & ~kResponseBit);
  if (number > static_cast<std::uint8_t>(Opcode::peer)) return std::nullopt;
  return static_cast<Opcode>(number);
}

[[nodiscard]] std::optional<ResultCode> result_code(std::uint8_t number) {
  if (number > static_cast<std::uint8_t>(ResultCode::excessive_remote_peers)) return std::nullopt;
  return static_cast<ResultCode>(number);
}

[[nodiscard]] bool has_good_size(Bytes datagram) {
  return datagram.size() <= kLongestMessage && datagram.size() % 4 == 0;
}

[[nodiscard]] Address read_address(ByteReader& reader) {
  return Address::v6(reader.array<kAddressSize>());
}

/// A message with these options, whose fixed part of `size` octets is written by `fill`.
template <class Fill>
[[nodiscard]] std::vector<std::uint8_t> message(std::size_t size, const Options& options,
                                                Fill fill) {
  std::vector<std::uint8_t> octets(size + size_of(options));
  ByteWriter writer(octets);
  fill(writer);
  assert(writer.ok() && writer.written().size() == size);
  write_options(writer, options);
  assert(writer.ok() && writer.written().size() == octets.size());
  assert(has_good_size(octets));
  return octets;
}

// Request header (RFC 6887 §7.1):
//   0                8                16               32
//   |  Version = 2   |R=0|   Opcode   |    Reserved    |
//   |            Requested Lifetime (seconds)          |
//   |             PCP Client's IP Address (16)         |
void write_request_header(ByteWriter& writer, Opcode opcode, const Request& request) {
  writer.u8(kVersion);
  writer.u8(static_cast<std::uint8_t>(opcode));
  writer.zeros(2);  // Reserved.
  writer.u32(request.lifetime);
  writer.bytes(request.client.octets());
}

// Response header (RFC 6887 §7.2), of which this is the part before the last 12 octets:
//   0                8                16       24       32
//   |  Version = 2   |R=1|   Opcode   |Reserved| Result |
//   |                  Lifetime (seconds)               |
//   |                    Epoch Time                     |
//   |                   Reserved (12)                   |
void write_response_header(ByteWriter& writer, std::uint8_t opcode, ResultCode result,
                           std::uint32_t lifetime, std::uint32_t epoch) {
  writer.u8(kVersion);
  writer.u8(opcode | kResponseBit);
  writer.zeros(1);  // Reserved.
  writer.u8(static_cast<std::uint8_t>(result));
  writer.u32(lifetime);
  writer.u32(epoch);
}

void write_success_header(ByteWriter& writer, Opcode opcode, std::uint32_t lifetime,
                          std::uint32_t epoch) {
  write_response_header(writer, static_cast<std::uint8_t>(opcode), ResultCode::success, lifetime,
                        epoch);
  writer.zeros(kResponseReservedSize);
}

// MAP (RFC 6887 §11.1), first part of PEER (§12.1):
//   0                8                16               32
//   |                 Mapping Nonce (12)               |
//   |    Protocol    |          Reserved (3)           |
//   |          Internal Port          |  External Port |
//   |             External IP Address (16)             |
[[nodiscard]] MapFields read_map_fields(ByteReader& reader) {
  MapFields fields;
  fields.nonce.octets = reader.array<sizeof(Nonce::octets)>();
  fields.protocol = reader.u8();
  reader.skip(3);  // Reserved; ignored on reception.
  fields.internal_port = reader.u16();
  fields.external_port = reader.u16();
  fields.external_address = read_address(reader);
  return fields;
}

void write_map_fields(ByteWriter& writer, const MapFields& fields) {
  writer.bytes(fields.nonce.octets);
  writer.u8(fields.protocol);
  writer.zeros(3);  // Reserved.
  writer.u16(fields.internal_port);
  writer.u16(fields.external_port);
  writer.bytes(fields.external_address.octets());
}

// Last part of PEER (RFC 6887 §12.1):
//   0                                 16               32
//   |       Remote Peer Port          |    Reserved    |
//   |            Remote Peer IP Address (16)           |
[[nodiscard]] Endpoint read_remote_peer(ByteReader& reader) {
  Endpoint peer;
  peer.port = reader.u16();
  reader.skip(2);  // Reserved; ignored on reception.
  peer.address = read_address(reader);
  return peer;
}

void write_remote_peer(ByteWriter& writer, const Endpoint& peer) {
  writer.u16(peer.port);
  writer.zeros(2);  // Reserved.
  writer.bytes(peer.address.octets());
}

[[nodiscard]] RequestBody read_request_body(ByteReader& reader, Opcode opcode) {
  if (opcode == Opcode::announce) return AnnounceRequest{};
  const MapFields fields = read_map_fields(reader);
  if (opcode == Opcode::map) return MapRequest{fields};
  return PeerRequest{fields, read_remote_peer(reader)};
}

[[nodiscard]] std::vector<std::uint8_t> emit_body(const AnnounceRequest&, const Request& request) {
  return message(kHeaderSize, request.options, [&](ByteWriter& writer) {
    write_request_header(writer, Opcode::announce, request);
  });
}

[[nodiscard]] std::vector<std::uint8_t> emit_body(const MapRequest& map, const Request& request) {
  return message(kMapSize, request.options, [&](ByteWriter& writer) {
    write_request_header(writer, Opcode::map, request);
    write_map_fields(writer, map);
  });
}

[[nodiscard]] std::vector<std::uint8_t> emit_body(const PeerRequest& peer, const Request& request) {
  return message(kPeerSize, request.options, [&](ByteWriter& writer) {
    write_request_header(writer, Opcode::peer, request);
    write_map_fields(writer, peer);
    write_remote_peer(writer, peer.remote);
  });
}

/// Whether a request with this result was understood as far as its syntax goes (RFC 6887 §7.2).
[[nodiscard]] bool was_read(ResultCode result) {
  switch (result) {
    case ResultCode::unsupp_version:
    case ResultCode::unsupp_opcode:
    case ResultCode::malformed_request:
    case ResultCode::malformed_option:
      return false;
    case ResultCode::success:
    case ResultCode::not_authorized:
    case ResultCode::unsupp_option:
    case ResultCode::network_failure:
    case ResultCode::no_resources:
    case ResultCode::unsupp_protocol:
    case ResultCode::user_ex_quota:
    case ResultCode::cannot_provide_external:
    case ResultCode::address_mismatch:
    case ResultCode::excessive_remote_peers:
      return true;
  }
  return true;
}

/// Leaves the body empty when it is cut short.
void read_response_body(ByteReader& reader, Opcode opcode, Response& response) {
  if (opcode == Opcode::announce) {
    response.body = AnnounceResponse{response.epoch};
    return;
  }
  const MapFields fields = read_map_fields(reader);
  if (opcode == Opcode::map) {
    if (reader.ok()) response.body = MapResponse{fields, response.lifetime, response.epoch, {}};
    return;
  }
  const Endpoint remote = read_remote_peer(reader);
  if (!reader.ok()) return;
  response.body = PeerResponse{fields, remote, response.lifetime, response.epoch, {}};
}

void set_options(AnnounceResponse&, Options) {}
void set_options(std::monostate&, Options) {}
template <class Body>
void set_options(Body& body, Options options) {
  body.options = std::move(options);
}

}  // namespace

const Address& Request::internal_address() const {
  const auto* third_party = find_option<ThirdParty>(options);
  return third_party ? third_party->internal : client;
}

Parsed parse_request(Bytes datagram, const Address& source) {
  if (datagram.size() < 2 || (datagram[1] & kResponseBit) != 0) return Silence{};
  if (datagram[0] != kVersion) return Failure{ResultCode::unsupp_version};
  if (datagram.size() < kHeaderSize) return Silence{};
  if (!has_good_size(datagram)) return Failure{ResultCode::malformed_request};

  ByteReader reader(datagram);
  reader.skip(1);
  const auto opcode = opcode_of(reader.u8());
  reader.skip(2);  // Reserved; ignored on reception.
  Request request;
  request.lifetime = reader.u32();
  request.client = read_address(reader);
  if (request.client != source) return Failure{ResultCode::address_mismatch};
  if (!opcode) return Failure{ResultCode::unsupp_opcode};
  request.body = read_request_body(reader, *opcode);
  if (!reader.ok()) return Failure{ResultCode::malformed_request};
  auto options = parse_options(reader.bytes(reader.remaining()), *opcode);
  if (!options) return Failure{options.error()};
  request.options = std::move(*options);
  if (const auto broken = find_broken_rule(request)) return Failure{*broken};
  return request;
}

std::optional<MapFields> peek_fields(Bytes datagram) {
  if (datagram.size() < kMapSize || datagram[0] != kVersion) return std::nullopt;
  const auto opcode = opcode_of(datagram[1]);
  if (opcode != Opcode::map && opcode != Opcode::peer) return std::nullopt;
  ByteReader reader(datagram);
  reader.skip(kHeaderSize);
  return read_map_fields(reader);
}

std::vector<std::uint8_t> emit(const Request& request) {
  return std::visit([&](const auto& body) { return emit_body(body, request); }, request.body);
}

std::vector<std::uint8_t> emit(const AnnounceResponse& response) {
  return message(kHeaderSize, {}, [&](ByteWriter& writer) {
    write_success_header(writer, Opcode::announce, 0, response.epoch);
  });
}

std::vector<std::uint8_t> emit(const MapResponse& response) {
  return message(kMapSize, response.options, [&](ByteWriter& writer) {
    write_success_header(writer, Opcode::map, response.lifetime, response.epoch);
    write_map_fields(writer, response);
  });
}

std::vector<std::uint8_t> emit(const PeerResponse& response) {
  return message(kPeerSize, response.options, [&](ByteWriter& writer) {
    write_success_header(writer, Opcode::peer, response.lifetime, response.epoch);
    write_map_fields(writer, response);
    write_remote_peer(writer, response.remote);
  });
}

std::vector<std::uint8_t> emit_error(Bytes request, ResultCode result, std::uint32_t lifetime,
                                     std::uint32_t epoch) {
  assert(result != ResultCode::success);
  const Bytes kept = request.first(std::min(request.size(), kLongestMessage));
  std::vector<std::uint8_t> octets(kept.begin(), kept.end());
  octets.resize(std::max(kHeaderSize, padded(octets.size())));
  ByteWriter header(octets);
  write_response_header(header, octets[1], result, lifetime, epoch);
  if (was_read(result)) header.zeros(kResponseReservedSize);
  return octets;
}

std::optional<Response> parse_response(Bytes datagram) {
  if (!has_good_size(datagram)) return std::nullopt;
  ByteReader reader(datagram);
  const std::uint8_t version = reader.u8();
  const std::uint8_t opcode_octet = reader.u8();
  reader.skip(1);  // Reserved; ignored on reception.
  const auto result = result_code(reader.u8());
  const std::uint32_t lifetime = reader.u32();
  const std::uint32_t epoch = reader.u32();
  reader.skip(kResponseReservedSize);
  if (!reader.ok() || version != kVersion || (opcode_octet & kResponseBit) == 0 || !result) {
    return std::nullopt;
  }

  Response response{*result, lifetime, epoch, {}};
  const auto opcode = opcode_of(opcode_octet);
  if (opcode) read_response_body(reader, *opcode, response);
  if (*result != ResultCode::success) return response;
  if (!opcode || !reader.ok()) return std::nullopt;
  auto options = parse_options(reader.bytes(reader.remaining()), *opcode);
  if (!options) return std::nullopt;
  std::visit([&](auto& body) { set_options(body, std::move(*options)); }, response.body);
  return response;
}

}  // namespace postern::pcp
