#include "protocols/natpmp/wire.h"

#include <algorithm>
#include <cassert>

namespace postern::natpmp {
namespace {

constexpr std::uint8_t kVersion = 0;
constexpr std::uint8_t kResponseBit = 0x80;
constexpr std::uint8_t kAddressOpcode = 0;
constexpr std::uint8_t kMapUdpOpcode = 1;
constexpr std::uint8_t kMapTcpOpcode = 2;

[[nodiscard]] std::uint8_t map_opcode(Protocol protocol) {
  return protocol == Protocol::udp ? kMapUdpOpcode : kMapTcpOpcode;
}

[[nodiscard]] Protocol protocol_of(std::uint8_t opcode) {
  return opcode == kMapUdpOpcode ? Protocol::udp : Protocol::tcp;
}

/// A message of fixed size, written by `fill` from the first octet to the last.
template <std::size_t size, class Fill>
[[nodiscard]] std::vector<std::uint8_t> message(Fill fill) {
  std::vector<std::uint8_t> octets(size);
  ByteWriter writer(octets);
  fill(writer);
  assert(writer.ok() && writer.written().size() == size);
  return octets;
}

/// The first 8 octets of every answer (RFC 6886 §3.2 to §3.5):
///   0        8        16               32
///   | Vers=0 | OP+128 |  Result Code   |
///   |  Seconds Since Start of Epoch    |
void put_response_header(ByteWriter& writer, std::uint8_t opcode_octet, ResultCode result,
                         std::uint32_t epoch) {
  writer.u8(kVersion);
  writer.u8(opcode_octet);
  writer.u16(static_cast<std::uint16_t>(result));
  writer.u32(epoch);
}

[[nodiscard]] std::optional<ResultCode> result_code(std::uint16_t number) {
  if (number > static_cast<std::uint16_t>(ResultCode::unsupported_opcode)) return std::nullopt;
  return static_cast<ResultCode>(number);
}

}  // namespace

bool is_response_or_runt(Bytes datagram) {
  return datagram.size() < 2 || (datagram[1] & kResponseBit) != 0;
}

// Address request (RFC 6886 §3.2):      Map request (§3.3):
//   0        8        16                  0        8        16               32
//   | Vers=0 | OP=0   |                   | Vers=0 | OP=x   |    Reserved    |
//                                         | Internal Port   | Suggested Port |
//                                         |    Requested Lifetime (seconds)  |
std::optional<Request> parse_request(Bytes datagram) {
  if (is_response_or_runt(datagram) || datagram[0] != kVersion) return std::nullopt;
  ByteReader reader(datagram);
  reader.skip(1);
  const std::uint8_t opcode = reader.u8();
  switch (opcode) {
    case kAddressOpcode:
      return AddressRequest{};
    case kMapUdpOpcode:
    case kMapTcpOpcode: {
      reader.skip(2);  // Reserved; ignored on reception.
      MapRequest request;
      request.protocol = protocol_of(opcode);
      request.internal_port = reader.u16();
      request.suggested_external_port = reader.u16();
      request.lifetime = reader.u32();
      if (!reader.ok()) return std::nullopt;
      return request;
    }
    default:
      return UnknownRequest{{datagram.begin(), datagram.end()}};
  }
}

std::vector<std::uint8_t> emit(const AddressRequest&) {
  return message<kAddressRequestSize>([](ByteWriter& writer) {
    writer.u8(kVersion);
    writer.u8(kAddressOpcode);
  });
}

std::vector<std::uint8_t> emit(const MapRequest& request) {
  return message<kMapRequestSize>([&](ByteWriter& writer) {
    writer.u8(kVersion);
    writer.u8(map_opcode(request.protocol));
    writer.u16(0);  // Reserved.
    writer.u16(request.internal_port);
    writer.u16(request.suggested_external_port);
    writer.u32(request.lifetime);
  });
}

// Address response: header, External IPv4 Address (4).
// Map response: header, Internal Port (2), Mapped External Port (2), Lifetime (4).
// Version response: header with opcode octet 0, nothing more.
std::optional<Response> parse_response(Bytes datagram) {
  ByteReader reader(datagram);
  const std::uint8_t version = reader.u8();
  const std::uint8_t opcode = reader.u8();
  const auto result = result_code(reader.u16());
  const std::uint32_t epoch = reader.u32();
  if (!reader.ok() || version != kVersion || !result) return std::nullopt;

  switch (opcode) {
    case kAddressOpcode:
      if (*result != ResultCode::unsupported_version || reader.remaining() > 0) break;
      return VersionResponse{epoch};
    case kAddressOpcode | kResponseBit: {
      const Address external_address = Address::v4(reader.u32());
      if (!reader.ok() || reader.remaining() > 0) break;
      return AddressResponse{*result, epoch, external_address};
    }
    case kMapUdpOpcode | kResponseBit:
    case kMapTcpOpcode | kResponseBit: {
      MapResponse response{protocol_of(opcode & 0x7f), *result, epoch, 0, 0, 0};
      response.internal_port = reader.u16();
      response.external_port = reader.u16();
      response.lifetime = reader.u32();
      if (!reader.ok() || reader.remaining() > 0) break;
      return response;
    }
    default:
      break;
  }
  return std::nullopt;
}

std::vector<std::uint8_t> emit(const AddressResponse& response) {
  return message<kAddressResponseSize>([&](ByteWriter& writer) {
    put_response_header(writer, kAddressOpcode | kResponseBit, response.result, response.epoch);
    writer.u32(response.external_address.v4_value());
  });
}

std::vector<std::uint8_t> emit(const MapResponse& response) {
  return message<kMapResponseSize>([&](ByteWriter& writer) {
    put_response_header(writer, map_opcode(response.protocol) | kResponseBit, response.result,
                        response.epoch);
    writer.u16(response.internal_port);
    writer.u16(response.external_port);
    writer.u32(response.lifetime);
  });
}

std::vector<std::uint8_t> emit(const VersionResponse& response) {
  return message<kVersionResponseSize>([&](ByteWriter& writer) {
    put_response_header(writer, kAddressOpcode, ResultCode::unsupported_version, response.epoch);
  });
}

std::vector<std::uint8_t> emit(const UnknownResponse& response) {
  auto octets = response.request_octets;
  octets.resize(std::clamp(octets.size(), kVersionResponseSize, kLongestMessage));
  ByteWriter header(octets);
  put_response_header(header, octets[1] | kResponseBit, ResultCode::unsupported_opcode,
                      response.epoch);
  return octets;
}

}  // namespace postern::natpmp
