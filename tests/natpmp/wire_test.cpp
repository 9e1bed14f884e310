#include "protocols/natpmp/wire.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/octets.h"

// Three tests for every message: FromCapture, RoundTrip, EveryTruncation. Answers have no capture
// of our own making: their octets are written here from the figures of RFC 6886.
namespace postern::natpmp {
namespace {

using test::from_hex;
using test::Octets;
using test::read_octets;
using test::to_hex;

Octets captured(const std::string& name) {
  return read_octets(std::string(POSTERN_VECTOR_DIR) + "/" + name);
}

/// Reads every shorter form from a buffer of exactly that size, so that a sanitizer sees one octet
/// too many.
template <class Parse>
void expect_nothing_of_shorter_forms(const Octets& whole, Parse parse) {
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const Octets cut(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
    EXPECT_FALSE(parse(cut)) << size << " octets: " << to_hex(cut);
  }
}

// --- Address request
// ------------------------------------------------------------------------------

TEST(AddressRequest, FromCapture) {
  const auto request = parse_request(captured("natpmpc.01.natpmp"));
  EXPECT_EQ(request, Request(AddressRequest{}));
}

TEST(AddressRequest, RoundTrip) {
  const auto octets = emit(AddressRequest{});
  EXPECT_EQ(octets, from_hex("00"    // Version
                             "00"))  // Opcode
      << to_hex(octets);
  EXPECT_EQ(parse_request(octets), Request(AddressRequest{}));
}

// NPMP-16
TEST(AddressRequest, EveryTruncation) {
  expect_nothing_of_shorter_forms(emit(AddressRequest{}), parse_request);
}

// NPMP-25
TEST(AddressRequest, IgnoresWhatFollows) {
  EXPECT_EQ(parse_request(from_hex("00 00 ff ff ff")), Request(AddressRequest{}));
}

// --- Map request
// ----------------------------------------------------------------------------------

TEST(MapRequest, FromCapture) {
  const auto octets = captured("natpmpc.02.natpmp");
  EXPECT_EQ(octets, from_hex("00"           // Version
                             "02"           // Opcode: map TCP
                             "0000"         // Reserved
                             "1799"         // Internal port
                             "1b81"         // Suggested external port
                             "0000012c"));  // Lifetime
  EXPECT_EQ(parse_request(octets), Request(MapRequest{Protocol::tcp, 6041, 7041, 300}));
}

TEST(MapRequest, FromCaptureOfUdp) {
  EXPECT_EQ(parse_request(captured("natpmpc.03.natpmp")),
            Request(MapRequest{Protocol::udp, 6042, 7042, 300}));
}

TEST(MapRequest, FromCaptureOfADeletion) {
  EXPECT_EQ(parse_request(captured("natpmpc.05.natpmp")),
            Request(MapRequest{Protocol::udp, 6042, 0, 0}));
}

TEST(MapRequest, FromCaptureOfADeletionOfAll) {
  EXPECT_EQ(parse_request(captured("natpmpc-any.03.natpmp")),
            Request(MapRequest{Protocol::udp, 0, 0, 0}));
}

TEST(MapRequest, RoundTrip) {
  for (const auto protocol : {Protocol::udp, Protocol::tcp}) {
    for (const MapRequest& request :
         {MapRequest{protocol, 0x0102, 0x0304, 0x05060708}, MapRequest{protocol, 0, 0, 0},
          MapRequest{protocol, 65535, 65535, 0xffffffff}}) {
      const auto octets = emit(request);
      EXPECT_EQ(octets.size(), 12U);
      EXPECT_EQ(parse_request(octets), Request(request)) << to_hex(octets);
    }
  }
  EXPECT_EQ(emit(MapRequest{Protocol::udp, 0x0102, 0x0304, 0x05060708}),
            from_hex("00"           // Version
                     "01"           // Opcode: map UDP
                     "0000"         // Reserved
                     "0102"         // Internal port
                     "0304"         // Suggested external port
                     "05060708"));  // Lifetime
}

// NPMP-24
TEST(MapRequest, EveryTruncation) {
  expect_nothing_of_shorter_forms(emit(MapRequest{Protocol::udp, 8080, 40001, 60}), parse_request);
  expect_nothing_of_shorter_forms(emit(MapRequest{Protocol::tcp, 8080, 40001, 60}), parse_request);
}

// NPMP-25
TEST(MapRequest, IgnoresWhatFollows) {
  auto octets = emit(MapRequest{Protocol::udp, 8080, 40001, 60});
  octets.insert(octets.end(), {0xff, 0xff});
  EXPECT_EQ(parse_request(octets), Request(MapRequest{Protocol::udp, 8080, 40001, 60}));
}

// NPMP-26
TEST(MapRequest, IgnoresTheReservedField) {
  EXPECT_EQ(parse_request(from_hex("00 01 ffff 1f90 9c41 0000003c")),
            Request(MapRequest{Protocol::udp, 8080, 40001, 60}));
}

// --- Unknown request
// ------------------------------------------------------------------------------

// NPMP-22
TEST(UnknownRequest, KeepsTheWholeDatagram) {
  for (const auto* text :
       {"00 03", "00 7f", "00 03 aa bb cc", "00 10 01 02 03 04 05 06 07 08 09"}) {
    EXPECT_EQ(parse_request(from_hex(text)), Request(UnknownRequest{from_hex(text)}));
  }
}

// --- What is no request
// ---------------------------------------------------------------------------

// NPMP-15
TEST(Request, IsNoResponse) {
  for (const auto* text : {"00 80", "00 ff", "00 81 0000 1f90 9c41 0000003c", "05 80"}) {
    EXPECT_TRUE(is_response_or_runt(from_hex(text))) << text;
    EXPECT_FALSE(parse_request(from_hex(text))) << text;
  }
}

// NPMP-16
TEST(Request, IsNoRunt) {
  EXPECT_TRUE(is_response_or_runt({}));
  EXPECT_TRUE(is_response_or_runt(from_hex("00")));
  EXPECT_TRUE(is_response_or_runt(from_hex("02")));
  EXPECT_FALSE(is_response_or_runt(from_hex("00 00")));
  EXPECT_FALSE(is_response_or_runt(from_hex("02 01")));
}

TEST(Request, IsOfVersionZero) {
  EXPECT_FALSE(parse_request(from_hex("01 00")));
  EXPECT_FALSE(parse_request(captured("libtorrent-natpmp.01.pcp")));
}

// --- Address response
// -----------------------------------------------------------------------------

// NPMP-29
TEST(AddressResponse, FromFigure) {
  const auto octets = from_hex(
      "00"          // Version
      "80"          // Opcode
      "0000"        // Result
      "00000e10"    // Seconds since start of epoch
      "c6336407");  // External address
  const AddressResponse response{ResultCode::success, 3600, Address::v4({198, 51, 100, 7})};
  EXPECT_EQ(emit(response), octets);
  EXPECT_EQ(parse_response(octets), Response(response));
}

// NPMP-27
TEST(AddressResponse, RoundTrip) {
  for (const auto result : {ResultCode::success, ResultCode::unsupported_version,
                            ResultCode::not_authorized, ResultCode::network_failure,
                            ResultCode::out_of_resources, ResultCode::unsupported_opcode}) {
    const AddressResponse response{result, 0xfffefdfc, Address::v4({1, 2, 3, 4})};
    EXPECT_EQ(emit(response).size(), 12U);
    EXPECT_EQ(parse_response(emit(response)), Response(response));
  }
}

TEST(AddressResponse, EveryTruncation) {
  expect_nothing_of_shorter_forms(emit(AddressResponse{}), parse_response);
}

TEST(AddressResponse, OfAnotherSizeIsNone) {
  auto octets = emit(AddressResponse{});
  octets.push_back(0);
  EXPECT_FALSE(parse_response(octets));
}

// --- Map response
// ---------------------------------------------------------------------------------

// NPMP-36
TEST(MapResponse, FromFigure) {
  const auto octets = from_hex(
      "00"          // Version
      "82"          // Opcode
      "0004"        // Result
      "01020304"    // Seconds since start of epoch
      "1f90"        // Internal port
      "9c41"        // Mapped external port
      "00001c20");  // Lifetime
  const MapResponse response{Protocol::tcp, ResultCode::out_of_resources, 0x01020304, 8080, 40001,
                             7200};
  EXPECT_EQ(emit(response), octets);
  EXPECT_EQ(parse_response(octets), Response(response));
}

// NPMP-27
TEST(MapResponse, RoundTrip) {
  for (const auto protocol : {Protocol::udp, Protocol::tcp}) {
    for (const auto result : {ResultCode::success, ResultCode::not_authorized,
                              ResultCode::network_failure, ResultCode::out_of_resources}) {
      const MapResponse response{protocol, result, 0xfffefdfc, 1, 65535, 0xffffffff};
      EXPECT_EQ(emit(response).size(), 16U);
      EXPECT_EQ(parse_response(emit(response)), Response(response));
    }
  }
}

TEST(MapResponse, EveryTruncation) {
  expect_nothing_of_shorter_forms(emit(MapResponse{}), parse_response);
}

TEST(MapResponse, OfAnotherSizeIsNone) {
  auto octets = emit(MapResponse{});
  octets.push_back(0);
  EXPECT_FALSE(parse_response(octets));
}

// --- Version response
// -----------------------------------------------------------------------------

// NPMP-18
TEST(VersionResponse, FromFigure) {
  const auto octets = from_hex(
      "00"          // Version
      "00"          // Opcode, without the response bit
      "0001"        // Result: unsupported version
      "0000002a");  // Seconds since start of epoch
  EXPECT_EQ(emit(VersionResponse{42}), octets);
  EXPECT_EQ(parse_response(octets), Response(VersionResponse{42}));
}

TEST(VersionResponse, RoundTrip) {
  for (const std::uint32_t epoch : {0U, 1U, 0xffffffffU}) {
    EXPECT_EQ(parse_response(emit(VersionResponse{epoch})), Response(VersionResponse{epoch}));
  }
}

TEST(VersionResponse, EveryTruncation) {
  expect_nothing_of_shorter_forms(emit(VersionResponse{42}), parse_response);
}

TEST(Response, OfAnUnknownResultOrVersionIsNone) {
  EXPECT_FALSE(parse_response(from_hex("00 80 0006 00000000 00000000")));
  EXPECT_FALSE(parse_response(from_hex("02 80 0000 00000000 00000000")));
  EXPECT_FALSE(parse_response(from_hex("00 00 0000 00000000")));
  EXPECT_FALSE(parse_response(from_hex("00 83 0005 00000000")));
}

// --- Unknown response
// -----------------------------------------------------------------------------

// NPMP-22, 23
TEST(UnknownResponse, FromFigure) {
  const UnknownResponse response{from_hex("00 03 aa bb cc dd ee ff 11 22"), 0x01020304};
  EXPECT_EQ(emit(response), from_hex("00"        // Version
                                     "83"        // Opcode with the response bit
                                     "0005"      // Result: unsupported opcode
                                     "01020304"  // Seconds since start of epoch
                                     "11 22"));  // As it was asked
}

// NPMP-23
TEST(UnknownResponse, IsPaddedToAHeader) {
  for (const auto* text : {"00 03", "00 03 aa", "00 03 aa bb cc dd ee"}) {
    EXPECT_EQ(emit(UnknownResponse{from_hex(text), 7}), from_hex("00 83 0005 00000007")) << text;
  }
}

// NPMP-23, 91
TEST(UnknownResponse, RepeatsAtMostElevenHundredOctets) {
  for (const std::size_t size : {8U, 9U, 1099U, 1100U, 1101U, 1400U, 65507U}) {
    Octets request(size, 0xee);
    request[0] = 0x00;
    request[1] = 0x7f;
    const auto octets = emit(UnknownResponse{request, 7});
    ASSERT_EQ(octets.size(), std::min<std::size_t>(size, 1100)) << size;
    EXPECT_EQ(octets[1], 0xff);
    EXPECT_EQ(octets.back(), size > 8 ? 0xee : 7);
  }
}

}  // namespace
}  // namespace postern::natpmp
