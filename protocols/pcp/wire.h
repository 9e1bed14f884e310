#pragma once

#include <cstdint>
#include <optional>
#include <variant>
#include <vector>

#include "core/address.h"
#include "core/bytes.h"
#include "core/endpoint.h"
#include "core/nonce.h"
#include "protocols/pcp/codes.h"
#include "protocols/pcp/options.h"

/// The packets of PCP (RFC 6887), between octets and values. Nothing is decided here but whether a
/// request makes sense by itself. Addresses stand as on the wire, IPv4 in its mapped form, and
/// "any" is :: or 0.0.0.0 (§5). Lifetimes and epochs are in seconds.
namespace postern::pcp {

struct AnnounceRequest {
  friend bool operator==(const AnnounceRequest&, const AnnounceRequest&) = default;
};

/// What requests and responses of MAP and PEER say of a mapping.
struct MapFields {
  Nonce nonce;
  /// By its IANA number; 0 stands for all protocols.
  std::uint8_t protocol = 0;
  /// 0 stands for all ports.
  std::uint16_t internal_port = 0;
  /// A request suggests this endpoint, a response assigns it.
  std::uint16_t external_port = 0;
  Address external_address;

  friend bool operator==(const MapFields&, const MapFields&) = default;
};

struct MapRequest : MapFields {
  friend bool operator==(const MapRequest&, const MapRequest&) = default;
};

/// In a parsed one neither the protocol is 0 nor are the ports of the flow.
struct PeerRequest : MapFields {
  /// In a parsed request of the internal host's family and good for a unicast flow.
  Endpoint remote;

  friend bool operator==(const PeerRequest&, const PeerRequest&) = default;
};

using RequestBody = std::variant<AnnounceRequest, MapRequest, PeerRequest>;

struct Request {
  RequestBody body;
  /// 0 deletes a MAP mapping and only asks about a PEER one.
  std::uint32_t lifetime = 0;
  /// Equal to the source of the datagram.
  Address client;
  Options options;

  /// Whose mapping it is about: what THIRD_PARTY names, else the client.
  [[nodiscard]] const Address& internal_address() const;
  friend bool operator==(const Request&, const Request&) = default;
};

/// Answered with emit_error().
struct Failure {
  ResultCode result = ResultCode::success;

  friend bool operator==(const Failure&, const Failure&) = default;
};

/// Not answered at all.
struct Silence {
  friend bool operator==(const Silence&, const Silence&) = default;
};

using Parsed = std::variant<Silence, Failure, Request>;

/// Reads a request that came from `source`. The first of these that fits is the result; from the
/// header to the contents, so that a later one, which knows more of the request, is the most
/// specific (RFC 6887 §7.4, §8.2):
///   1. Silence: shorter than 2 octets, or a response;
///   2. unsupp_version: another version, however short;
///   3. Silence: shorter than a header;
///   4. malformed_request: longer than 1100 octets or no multiple of 4;
///   5. address_mismatch: the header names another client than `source`;
///   6. unsupp_opcode;
///   7. malformed_request: too short for the opcode;
///   8. what parse_options() finds;
///   9. malformed_option: an option that clashes with the rest of the request;
///  10. malformed_request: a body that cannot be meant, PREFER_FAILURE in PEER included (§12.1).
/// What the success reply repeats is never longer than it was in the request, so a reply to a
/// parsed request fits into 1100 octets.
[[nodiscard]] Parsed parse_request(Bytes datagram, const Address& source);

/// What a MAP or PEER that parse_request() refuses wants to map, as far as its octets tell; nothing
/// of other requests, and of what is too short.
[[nodiscard]] std::optional<MapFields> peek_fields(Bytes datagram);

/// Also the unsolicited one, after mappings were lost (RFC 6887 §14.1.3).
struct AnnounceResponse {
  std::uint32_t epoch = 0;

  friend bool operator==(const AnnounceResponse&, const AnnounceResponse&) = default;
};

/// Also an unsolicited mapping update (RFC 6887 §14.2).
struct MapResponse : MapFields {
  std::uint32_t lifetime = 0;
  std::uint32_t epoch = 0;
  /// Those of the request that were processed.
  Options options;

  friend bool operator==(const MapResponse&, const MapResponse&) = default;
};

/// As a MapResponse.
struct PeerResponse : MapFields {
  Endpoint remote;
  std::uint32_t lifetime = 0;
  std::uint32_t epoch = 0;
  Options options;

  friend bool operator==(const PeerResponse&, const PeerResponse&) = default;
};

/// As a client sends it. At most 1100 octets with all options.
[[nodiscard]] std::vector<std::uint8_t> emit(const Request& request);
/// Success. At most 1100 octets with all options.
[[nodiscard]] std::vector<std::uint8_t> emit(const AnnounceResponse& response);
[[nodiscard]] std::vector<std::uint8_t> emit(const MapResponse& response);
[[nodiscard]] std::vector<std::uint8_t> emit(const PeerResponse& response);

/// Any other result: the request's octets with the header written over them, cut to 1100 octets,
/// zeros added up to a header and to a multiple of 4. The end of the client address in the header
/// stays where the request could not be read (unsupp_version, unsupp_opcode, malformed_request,
/// malformed_option) and is zeros otherwise (RFC 6887 §7.2). `lifetime` is mostly
/// error_lifetime(result). For a mapping update with an error, `request` is an emitted one.
[[nodiscard]] std::vector<std::uint8_t> emit_error(Bytes request, ResultCode result,
                                                   std::uint32_t lifetime, std::uint32_t epoch);

/// What a server says, as a client reads it.
struct Response {
  ResultCode result = ResultCode::success;
  std::uint32_t lifetime = 0;
  std::uint32_t epoch = 0;
  /// Repeats lifetime and epoch. With an error, what the request suggested stands in the external
  /// fields, the options are left out, and there is nothing when the opcode is unknown or its body
  /// cut short.
  std::variant<std::monostate, AnnounceResponse, MapResponse, PeerResponse> body;

  friend bool operator==(const Response&, const Response&) = default;
};

/// Nothing for what is no well-formed response of version 2 with a known result code.
[[nodiscard]] std::optional<Response> parse_response(Bytes datagram);

}  // namespace postern::pcp
