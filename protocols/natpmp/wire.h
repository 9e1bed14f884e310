#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "core/address.h"
#include "core/bytes.h"
#include "core/protocol.h"

/// The packets of NAT-PMP (RFC 6886), between octets and values. No decisions are made here.
namespace postern::natpmp {

inline constexpr std::uint16_t kServerPort = 5351;
/// Where announcements go, at 224.0.0.1 (RFC 6886 §3.2.1).
inline constexpr std::uint16_t kClientPort = 5350;

inline constexpr std::size_t kAddressRequestSize = 2;
inline constexpr std::size_t kMapRequestSize = 12;
inline constexpr std::size_t kVersionResponseSize = 8;
inline constexpr std::size_t kAddressResponseSize = 12;
inline constexpr std::size_t kMapResponseSize = 16;
/// No answer is longer, whatever was asked (the bound of RFC 6887 §7).
inline constexpr std::size_t kLongestMessage = 1100;

/// RFC 6886 §3.5.
enum class ResultCode : std::uint16_t {
  success = 0,
  unsupported_version = 1,
  not_authorized = 2,
  network_failure = 3,
  out_of_resources = 4,
  unsupported_opcode = 5,
};

struct AddressRequest {
  friend bool operator==(const AddressRequest&, const AddressRequest&) = default;
};

struct MapRequest {
  Protocol protocol = Protocol::udp;
  std::uint16_t internal_port = 0;
  std::uint16_t suggested_external_port = 0;
  /// In seconds; 0 deletes.
  std::uint32_t lifetime = 0;

  friend bool operator==(const MapRequest&, const MapRequest&) = default;
};

/// Any other opcode below 128, with the whole datagram, for the answer repeats it.
struct UnknownRequest {
  std::vector<std::uint8_t> octets;

  friend bool operator==(const UnknownRequest&, const UnknownRequest&) = default;
};

using Request = std::variant<AddressRequest, MapRequest, UnknownRequest>;

struct AddressResponse {
  ResultCode result = ResultCode::success;
  std::uint32_t epoch = 0;
  /// 0.0.0.0 unless the result is success.
  Address external_address = Address::v4(0);

  friend bool operator==(const AddressResponse&, const AddressResponse&) = default;
};

struct MapResponse {
  Protocol protocol = Protocol::udp;
  ResultCode result = ResultCode::success;
  std::uint32_t epoch = 0;
  std::uint16_t internal_port = 0;
  std::uint16_t external_port = 0;
  /// In seconds.
  std::uint32_t lifetime = 0;

  friend bool operator==(const MapResponse&, const MapResponse&) = default;
};

/// The request comes from a client of another protocol version (RFC 6886 §3.5).
struct VersionResponse {
  std::uint32_t epoch = 0;

  friend bool operator==(const VersionResponse&, const VersionResponse&) = default;
};

/// The answer to an UnknownRequest: its octets with result and epoch written over them.
struct UnknownResponse {
  std::vector<std::uint8_t> request_octets;
  std::uint32_t epoch = 0;

  friend bool operator==(const UnknownResponse&, const UnknownResponse&) = default;
};

using Response = std::variant<AddressResponse, MapResponse, VersionResponse>;

/// Whether the datagram is an answer, which a server never answers (RFC 6886 §3.5), or too short to
/// tell (fewer than 2 octets).
[[nodiscard]] bool is_response_or_runt(Bytes datagram);

/// Reads a request of version 0. Octets beyond a request's size are ignored. Nothing for what gets
/// silence: a response, another version, or a request cut short.
[[nodiscard]] std::optional<Request> parse_request(Bytes datagram);
/// Reads what a server answers, as a client does; the sizes must be exact.
[[nodiscard]] std::optional<Response> parse_response(Bytes datagram);

[[nodiscard]] std::vector<std::uint8_t> emit(const AddressRequest& request);
[[nodiscard]] std::vector<std::uint8_t> emit(const MapRequest& request);
[[nodiscard]] std::vector<std::uint8_t> emit(const AddressResponse& response);
[[nodiscard]] std::vector<std::uint8_t> emit(const MapResponse& response);
[[nodiscard]] std::vector<std::uint8_t> emit(const VersionResponse& response);
[[nodiscard]] std::vector<std::uint8_t> emit(const UnknownResponse& response);

}  // namespace postern::natpmp
