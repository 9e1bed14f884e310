#include "protocols/pcp/wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/pcp/requests.h"

// Three tests for every message: FromCapture, RoundTrip, EveryTruncation. Answers have no capture
// of our own making: their octets are written here from the figures of RFC 6887.
namespace postern::pcp {
namespace {

/// Every shorter form is silence below a header, then a malformed request. It is read from a buffer
/// of exactly that size, so that a sanitizer sees one octet too many.
void expect_no_request_of_shorter_forms(const Octets& whole) {
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_EQ(outcome(first(whole, size)), size < kHeaderSize ? "silence" : "MALFORMED_REQUEST")
        << size;
  }
}

void expect_no_response_of_shorter_forms(const Octets& whole) {
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(parse_response(first(whole, size))) << size;
  }
}

template <class Body>
void expect_round_trip(const Body& body) {
  const auto octets = emit(body);
  const auto response = parse_response(octets);
  ASSERT_TRUE(response) << to_hex(octets);
  EXPECT_EQ(response->result, ResultCode::success);
  EXPECT_EQ(response->epoch, body.epoch);
  EXPECT_EQ(std::get<Body>(response->body), body) << to_hex(octets);
}

// --- ANNOUNCE request
// -----------------------------------------------------------------------------

TEST(AnnounceRequest, RoundTrip) {
  const auto octets = emit(announce_request());
  EXPECT_EQ(octets, from_hex("02"                                     // Version
                             "00"                                     // Opcode: ANNOUNCE
                             "0000"                                   // Reserved
                             "00000000"                               // Lifetime
                             "00000000 00000000 0000ffff c0a84d02"))  // Client
      << to_hex(octets);
  EXPECT_EQ(parse_request(octets, kClient), Parsed(announce_request()));
}

// PCP-010, 013
TEST(AnnounceRequest, EveryTruncation) {
  expect_no_request_of_shorter_forms(emit(announce_request()));
}

// PCP-049
TEST(AnnounceRequest, MayHaveOptions) {
  for (const auto* options : {"c8 00 0000", "c8 00 0005 0102030405000000", "80 00 0004 61626364"}) {
    EXPECT_EQ(parse_request(with(emit(announce_request()), options), kClient),
              Parsed(announce_request()))
        << options;
  }
}

// --- MAP request
// ----------------------------------------------------------------------------------

TEST(PcpMapRequest, FromCapture) {
  const auto octets = captured("pcpnatpmpc-map.01.pcp");
  EXPECT_EQ(octets, from_hex("02"                                      // Version
                             "01"                                      // Opcode: MAP
                             "0000"                                    // Reserved
                             "0000012c"                                // Lifetime
                             "00000000 00000000 0000ffff c0a84d02"     // Client
                             "47f24b4d 126ee732 0156b2ae"              // Nonce
                             "06"                                      // Protocol
                             "000000"                                  // Reserved
                             "17df"                                    // Internal port
                             "1bc7"                                    // Suggested external port
                             "00000000 00000000 0000ffff c6330701"));  // Suggested address
  const Nonce nonce{{0x47, 0xf2, 0x4b, 0x4d, 0x12, 0x6e, 0xe7, 0x32, 0x01, 0x56, 0xb2, 0xae}};
  const Request request{
      MapRequest{{nonce, 6, 6111, 7111, Address::v4({198, 51, 7, 1})}}, 300, kClient, {}};
  EXPECT_EQ(parse_request(octets, kClient), Parsed(request));
  EXPECT_EQ(emit(request), octets);
}

TEST(PcpMapRequest, FromCaptureOfADeletion) {
  const auto parsed = parse_request(captured("libtorrent-natpmp.02.pcp"), kClient);
  EXPECT_EQ(std::get<Request>(parsed).lifetime, 0U);
}

// PCP-008
TEST(PcpMapRequest, FromCaptureKeepsTheFamilyOfAny) {
  const auto v6_any =
      std::get<Request>(parse_request(captured("pcpnatpmpc-auto6.01.pcp"), kClient));
  EXPECT_EQ(std::get<MapRequest>(v6_any.body).external_address, Address());
  const auto v4_any =
      std::get<Request>(parse_request(captured("libtorrent-natpmp.01.pcp"), kClient));
  EXPECT_EQ(std::get<MapRequest>(v4_any.body).external_address, Address::v4(0));
}

TEST(PcpMapRequest, RoundTrip) {
  EXPECT_EQ(emit(map_request()).size(), kMapSize);
  const MapRequest zeros{};
  const MapRequest ones{{{{255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255}},
                         255,
                         65535,
                         65535,
                         kRemote6}};
  for (const auto& request :
       {map_request(), Request{zeros, 0, kClient, {}}, Request{ones, 0xffffffff, kClient6, {}}}) {
    EXPECT_EQ(parse_request(emit(request), request.client), Parsed(request));
  }
}

// PCP-015
TEST(PcpMapRequest, EveryTruncation) {
  expect_no_request_of_shorter_forms(emit(map_request()));
}

// PCP-023
TEST(PcpMapRequest, IgnoresTheReservedFields) {
  auto octets = emit(map_request());
  for (const std::size_t at : {2U, 3U, 37U, 38U, 39U}) octets[at] = 0xff;
  EXPECT_EQ(parse_request(octets, kClient), Parsed(map_request()));
}

// --- PEER request
// ---------------------------------------------------------------------------------

TEST(PcpPeerRequest, FromCapture) {
  const auto octets = captured("pcpnatpmpc-peer.01.pcp");
  EXPECT_EQ(octets, from_hex("02"                                      // Version
                             "02"                                      // Opcode: PEER
                             "0000"                                    // Reserved
                             "0000012c"                                // Lifetime
                             "00000000 00000000 0000ffff c0a84d02"     // Client
                             "0cedc9fd 1bb56492 5da1b633"              // Nonce
                             "11"                                      // Protocol
                             "000000"                                  // Reserved
                             "17f2"                                    // Internal port
                             "1bda"                                    // Suggested external port
                             "00000000 00000000 0000ffff c6330701"     // Suggested address
                             "270f"                                    // Remote port
                             "0000"                                    // Reserved
                             "00000000 00000000 0000ffff c6330763"));  // Remote address
  const Nonce nonce{{0x0c, 0xed, 0xc9, 0xfd, 0x1b, 0xb5, 0x64, 0x92, 0x5d, 0xa1, 0xb6, 0x33}};
  const Request request{
      PeerRequest{{nonce, 17, 6130, 7130, Address::v4({198, 51, 7, 1})}, {kRemote, 9999}},
      300,
      kClient,
      {}};
  EXPECT_EQ(parse_request(octets, kClient), Parsed(request));
  EXPECT_EQ(emit(request), octets);
}

TEST(PcpPeerRequest, RoundTrip) {
  EXPECT_EQ(emit(peer_request()).size(), kPeerSize);
  const PeerRequest v6{{kNonce, 255, 65535, 65535, Address()}, {kRemote6, 65535}};
  for (const auto& request : {peer_request(), Request{v6, 0xffffffff, kClient6, {}}}) {
    EXPECT_EQ(parse_request(emit(request), request.client), Parsed(request));
  }
}

// PCP-015
TEST(PcpPeerRequest, EveryTruncation) {
  expect_no_request_of_shorter_forms(emit(peer_request()));
}

// PCP-023
TEST(PcpPeerRequest, IgnoresTheReservedFields) {
  auto octets = emit(peer_request());
  for (const std::size_t at : {2U, 3U, 37U, 38U, 39U, 62U, 63U}) octets[at] = 0xff;
  EXPECT_EQ(parse_request(octets, kClient), Parsed(peer_request()));
}

// --- ANNOUNCE response
// ----------------------------------------------------------------------------

// PCP-021
TEST(AnnounceResponse, FromFigure) {
  EXPECT_EQ(emit(AnnounceResponse{0x01020304}), from_hex("02"        // Version
                                                         "80"        // Opcode
                                                         "00"        // Reserved
                                                         "00"        // Result
                                                         "00000000"  // Lifetime
                                                         "01020304"  // Epoch
                                                         "00000000 00000000 00000000"));
}

TEST(AnnounceResponse, RoundTrip) {
  for (const std::uint32_t epoch : {0U, 1U, 0xffffffffU}) {
    expect_round_trip(AnnounceResponse{epoch});
  }
}

TEST(AnnounceResponse, EveryTruncation) {
  expect_no_response_of_shorter_forms(emit(AnnounceResponse{1}));
}

// --- MAP response
// ---------------------------------------------------------------------------------

MapResponse map_response() {
  return {{kNonce, 17, 0x1f90, 0x9c41, Address::v4({198, 51, 7, 1})}, 7200, 3600, {}};
}

// PCP-021, 218
TEST(PcpMapResponse, FromFigure) {
  EXPECT_EQ(emit(map_response()),
            from_hex("02"                                      // Version
                     "81"                                      // Opcode
                     "00"                                      // Reserved
                     "00"                                      // Result
                     "00001c20"                                // Lifetime
                     "00000e10"                                // Epoch
                     "00000000 00000000 00000000"              // Reserved
                     "01020304 05060708 090a0b0c"              // Nonce
                     "11"                                      // Protocol
                     "000000"                                  // Reserved
                     "1f90"                                    // Internal port
                     "9c41"                                    // Assigned external port
                     "00000000 00000000 0000ffff c6330701"));  // Assigned external address
}

TEST(PcpMapResponse, RoundTrip) {
  expect_round_trip(map_response());
  auto response = map_response();
  response.external_address = kRemote6;
  response.lifetime = response.epoch = 0xffffffff;
  response.options = {ThirdParty{kOtherHost}, PreferFailure{}, Filter{128, 0x0102, kRemote},
                      Filter{96, 0, Address::v4(0)}, Description{"games"}};
  EXPECT_EQ(emit(response).size(), 60U + 20U + 4U + 24U + 24U + 12U);
  expect_round_trip(response);
}

TEST(PcpMapResponse, EveryTruncation) {
  expect_no_response_of_shorter_forms(emit(map_response()));
}

// --- PEER response
// --------------------------------------------------------------------------------

PeerResponse peer_response() {
  return {
      {kNonce, 6, 0x1f90, 0x9c41, Address::v4({198, 51, 7, 1})}, {kRemote, 0x270f}, 7200, 3600, {}};
}

// PCP-132
TEST(PcpPeerResponse, FromFigure) {
  EXPECT_EQ(emit(peer_response()),
            from_hex("02"                                      // Version
                     "82"                                      // Opcode
                     "00"                                      // Reserved
                     "00"                                      // Result
                     "00001c20"                                // Lifetime
                     "00000e10"                                // Epoch
                     "00000000 00000000 00000000"              // Reserved
                     "01020304 05060708 090a0b0c"              // Nonce
                     "06"                                      // Protocol
                     "000000"                                  // Reserved
                     "1f90"                                    // Internal port
                     "9c41"                                    // Assigned external port
                     "00000000 00000000 0000ffff c6330701"     // Assigned external address
                     "270f"                                    // Remote port
                     "0000"                                    // Reserved
                     "00000000 00000000 0000ffff c6330763"));  // Remote address
}

TEST(PcpPeerResponse, RoundTrip) {
  expect_round_trip(peer_response());
  auto response = peer_response();
  response.options = {Description{""}, ThirdParty{kOtherHost}};
  EXPECT_EQ(emit(response).size(), 80U + 4U + 20U);
  expect_round_trip(response);
}

TEST(PcpPeerResponse, EveryTruncation) {
  expect_no_response_of_shorter_forms(emit(peer_response()));
}

// --- What is no response
// --------------------------------------------------------------------------

TEST(PcpResponse, IsOfVersionTwoAndHasTheResponseBit) {
  auto octets = emit(map_response());
  octets[0] = 1;
  EXPECT_FALSE(parse_response(octets));
  octets[0] = 2;
  octets[1] = 1;
  EXPECT_FALSE(parse_response(octets));
  EXPECT_FALSE(parse_response(emit(map_request())));
}

TEST(PcpResponse, OfAnUnknownResultOpcodeOrOptionIsNone) {
  auto octets = emit(map_response());
  octets[3] = 14;
  EXPECT_FALSE(parse_response(octets));
  octets[3] = 0;
  octets[1] = 0x83;
  EXPECT_FALSE(parse_response(octets));
  EXPECT_FALSE(parse_response(with(emit(map_response()), "63 00 0000")));
  EXPECT_FALSE(parse_response(with(emit(map_response()), "02 00 ffff")));
}

TEST(PcpResponse, IgnoresTheReservedFields) {
  auto octets = emit(map_response());
  octets[2] = 0xff;
  for (std::size_t at = 12; at < 24; ++at) octets[at] = 0xff;
  EXPECT_EQ(parse_response(octets), parse_response(emit(map_response())));
}

TEST(PcpResponse, HasAtMostElevenHundredOctets) {
  auto octets = emit(map_response());
  while (octets.size() < 1100) octets = with(octets, "c8 00 0000");
  EXPECT_TRUE(parse_response(octets));
  EXPECT_FALSE(parse_response(with(octets, "c8 00 0000")));
}

}  // namespace
}  // namespace postern::pcp
