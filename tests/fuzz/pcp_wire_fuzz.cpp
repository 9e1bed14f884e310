#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "protocols/pcp/wire.h"
#include "tests/fuzz/check.h"

// Any octets: reading them stays within them, what was read is written back the same, and every
// answer keeps the bounds of RFC 6887 §7.

using namespace postern;
using namespace postern::pcp;

namespace {

constexpr std::uint8_t kResponseBit = 0x80;

/// The client that the header names, so that most requests come from there.
Address named_client(Bytes datagram) {
  ByteReader reader(datagram);
  reader.skip(8);
  return Address::v6(reader.array<16>());
}

void check_error(Bytes request, ResultCode result) {
  const auto reply = emit_error(request, result, error_lifetime(result), 7);
  const std::size_t padded = (request.size() + 3) / 4 * 4;
  POSTERN_CHECK(reply.size() == std::clamp(padded, kHeaderSize, kLongestMessage));
  POSTERN_CHECK(reply[0] == kVersion && (reply[1] & kResponseBit) != 0 && reply[2] == 0);
  const auto response = parse_response(reply);
  POSTERN_CHECK(response && response->result == result && response->epoch == 7);
  POSTERN_CHECK(response->lifetime == error_lifetime(result));
  if (request.size() > kHeaderSize) {
    const auto copied = std::min(request.size(), reply.size());
    POSTERN_CHECK(std::equal(request.begin() + kHeaderSize,
                             request.begin() + static_cast<std::ptrdiff_t>(copied),
                             reply.begin() + kHeaderSize));
  }
}

/// A reply that repeats all options is never longer than the request.
void check_reply(const Request& request, std::size_t size) {
  if (const auto* map = std::get_if<MapRequest>(&request.body)) {
    const auto reply = emit(MapResponse{*map, 1, 2, request.options});
    POSTERN_CHECK(reply.size() <= size && parse_response(reply));
  } else if (const auto* peer = std::get_if<PeerRequest>(&request.body)) {
    const auto reply = emit(PeerResponse{*peer, peer->remote, 1, 2, request.options});
    POSTERN_CHECK(reply.size() <= size && parse_response(reply));
  }
}

void check_request(Bytes datagram, const Address& source) {
  const auto parsed = parse_request(datagram, source);
  const bool is_silent = datagram.size() < 2 || (datagram[1] & kResponseBit) != 0 ||
                         (datagram[0] == kVersion && datagram.size() < kHeaderSize);
  POSTERN_CHECK(is_silent == std::holds_alternative<Silence>(parsed));
  if (const auto* failure = std::get_if<Failure>(&parsed)) {
    POSTERN_CHECK(failure->result != ResultCode::success);
    check_error(datagram, failure->result);
  } else if (const auto* request = std::get_if<Request>(&parsed)) {
    POSTERN_CHECK(request->client == source);
    const auto octets = emit(*request);
    POSTERN_CHECK(octets.size() <= datagram.size());
    POSTERN_CHECK(parse_request(octets, source) == parsed);
    check_reply(*request, datagram.size());
    check_error(datagram, ResultCode::not_authorized);
    for (const auto& option : request->options) {
      const auto* filter = std::get_if<Filter>(&option);
      if (filter && !filter->removes_all()) {
        POSTERN_CHECK(filter->peers().remote.contains(filter->remote));
      }
    }
  }
}

void check_response(Bytes datagram) {
  const auto response = parse_response(datagram);
  if (!response || response->result != ResultCode::success) return;
  const auto check = [&](const auto& body) {
    const auto again = parse_response(emit(body));
    POSTERN_CHECK(again && again->body == response->body);
  };
  if (const auto* announce = std::get_if<AnnounceResponse>(&response->body))
    return check(*announce);
  if (const auto* map = std::get_if<MapResponse>(&response->body)) return check(*map);
  check(std::get<PeerResponse>(response->body));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes datagram(data, size);
  check_request(datagram, named_client(datagram));
  check_request(datagram, Address::v4({192, 168, 77, 2}));
  check_response(datagram);
  return 0;
}
