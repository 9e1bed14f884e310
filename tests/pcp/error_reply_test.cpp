#include <algorithm>

#include <gtest/gtest.h>

#include "tests/pcp/requests.h"

namespace postern::pcp {
namespace {

constexpr std::uint32_t kLifetime = 0x00000708;
constexpr std::uint32_t kEpoch = 0x0a0b0c0d;

Octets error(const Octets& request, ResultCode result) {
  return emit_error(request, result, kLifetime, kEpoch);
}

std::vector<ResultCode> all_errors() {
  std::vector<ResultCode> codes;
  for (int code = 1; code <= 13; ++code) codes.push_back(static_cast<ResultCode>(code));
  return codes;
}

Octets part(const Octets& octets, std::size_t from, std::size_t to) {
  return {octets.begin() + static_cast<std::ptrdiff_t>(from),
          octets.begin() + static_cast<std::ptrdiff_t>(to)};
}

// PCP-019, 060
TEST(ErrorReply, RepeatsTheRequest) {
  const Options options{ThirdParty{kOtherHost}, Filter{128, 7, kRemote}, Description{"games"}};
  auto request = with(emit(map_request(options)), "c8 ff 0003 010203ff");
  request[2] = request[3] = request[38] = 0xff;  // Reserved.
  for (const auto result : all_errors()) {
    const auto reply = error(request, result);
    EXPECT_EQ(part(reply, 0, 12), from_hex("02"  // Version
                                           "81"  // Opcode with the response bit
                                           "00"  // Reserved
                                           + to_hex(Octets{static_cast<std::uint8_t>(result)}) +
                                           "00000708"    // Lifetime
                                           "0a0b0c0d"))  // Epoch
        << to_string(result);
    EXPECT_EQ(part(reply, 24, reply.size()), part(request, 24, request.size()))
        << to_string(result);
  }
}

// PCP-020
TEST(ErrorReply, KeepsTheEndOfTheClientAddressOnlyWhenTheRequestWasNotRead) {
  const auto request = emit(map_request());
  for (const auto result : all_errors()) {
    const bool kept = result == ResultCode::unsupp_version || result == ResultCode::unsupp_opcode ||
                      result == ResultCode::malformed_request ||
                      result == ResultCode::malformed_option;
    EXPECT_EQ(part(error(request, result), 12, 24), kept ? part(request, 12, 24) : Octets(12, 0))
        << to_string(result);
  }
}

// PCP-015, 019
TEST(ErrorReply, IsPaddedAndAtMostElevenHundredOctets) {
  for (const std::size_t size :
       {24U, 25U, 27U, 28U, 59U, 61U, 1097U, 1100U, 1101U, 1104U, 65507U}) {
    Octets request(size, 0xee);
    request[0] = 2;
    request[1] = 1;
    const auto reply = error(request, ResultCode::malformed_request);
    EXPECT_EQ(reply.size(), std::min<std::size_t>((size + 3) / 4 * 4, 1100)) << size;
    for (std::size_t at = 12; at < reply.size(); ++at) {
      EXPECT_EQ(reply[at], at < size ? 0xee : 0) << size << " octets, at " << at;
    }
  }
}

// PCP-012, 030, 031, 034
TEST(ErrorReply, OfAnotherVersionHasAtLeastAHeader) {
  for (const auto* text : {"05 01", "00 01", "03 01 ffff ffffffff ffffffff"}) {
    EXPECT_EQ(error(from_hex(text), ResultCode::unsupp_version),
              from_hex("02"        // Version
                       "81"        // Opcode with the response bit
                       "00"        // Reserved
                       "01"        // Result: UNSUPP_VERSION
                       "00000708"  // Lifetime
                       "0a0b0c0d"  // Epoch
                       "00000000 00000000 00000000"))
        << text;
  }
  const auto nat_pmp = captured("natpmpc.02.natpmp");
  EXPECT_EQ(error(nat_pmp, ResultCode::unsupp_version),
            from_hex("02 82 00 01 00000708 0a0b0c0d 000000000000000000000000"));
}

// PCP-033: the body of version 1 comes back as it is, in whatever layout.
TEST(ErrorReply, OfVersionOneRepeatsItUnread) {
  const auto request = captured("pcpnatpmpc-natpmp.02.pcp");
  const auto reply = error(request, ResultCode::unsupp_version);
  EXPECT_EQ(part(reply, 0, 4), from_hex("02 81 00 01"));
  EXPECT_EQ(part(reply, 12, reply.size()), part(request, 12, request.size()));
}

TEST(ErrorReply, OfLessThanARequestIsAHeader) {
  EXPECT_EQ(error({}, ResultCode::malformed_request),
            from_hex("02 80 00 03 00000708 0a0b0c0d 000000000000000000000000"));
}

// PCP-060, 061
TEST(ErrorReply, IsReadByClients) {
  const auto map = parse_response(error(emit(map_request()), ResultCode::no_resources));
  const MapResponse body{
      {kNonce, 17, 0x1f90, 0x9c41, Address::v4({198, 51, 7, 1})}, kLifetime, kEpoch, {}};
  EXPECT_EQ(map, (Response{ResultCode::no_resources, kLifetime, kEpoch, body}));

  const auto peer = parse_response(error(emit(peer_request()), ResultCode::not_authorized));
  ASSERT_TRUE(peer);
  EXPECT_EQ(std::get<PeerResponse>(peer->body).remote.address, kRemote);
}

TEST(ErrorReply, IsReadByClientsWhateverFollowsTheHeader) {
  auto unknown = emit(map_request());
  unknown[1] = 99;
  for (const auto& request :
       {unknown, from_hex("05 01"), with(emit(announce_request()), "00000000"),
        first(emit(peer_request()), 76)}) {
    const auto response = parse_response(error(request, ResultCode::malformed_request));
    ASSERT_TRUE(response) << to_hex(request);
    EXPECT_EQ(response->result, ResultCode::malformed_request);
    EXPECT_EQ(response->lifetime, kLifetime);
    EXPECT_EQ(response->epoch, kEpoch);
  }
  const auto broken = with(emit(map_request()), "02 00 ffff");
  EXPECT_TRUE(parse_response(error(broken, ResultCode::malformed_option)));
}

// So a mapping update tells of an error.
TEST(ErrorReply, CanBeMadeOfAnEmittedRequest) {
  const auto request = map_request({ThirdParty{kOtherHost}});
  const auto octets = emit_error(emit(request), ResultCode::cannot_provide_external, 30, 7);
  EXPECT_EQ(part(octets, 0, 24),
            from_hex("02 81 00 0b 0000001e 00000007 00000000 00000000 00000000"));
  EXPECT_EQ(octets.size(), kMapSize + 20);
}

// --- Result codes
// ---------------------------------------------------------------------------------

TEST(PcpResultCode, HasTheNumberOfItsName) {
  const std::vector<std::string_view> names{
      "SUCCESS",          "UNSUPP_VERSION",        "NOT_AUTHORIZED",   "MALFORMED_REQUEST",
      "UNSUPP_OPCODE",    "UNSUPP_OPTION",         "MALFORMED_OPTION", "NETWORK_FAILURE",
      "NO_RESOURCES",     "UNSUPP_PROTOCOL",       "USER_EX_QUOTA",    "CANNOT_PROVIDE_EXTERNAL",
      "ADDRESS_MISMATCH", "EXCESSIVE_REMOTE_PEERS"};
  for (std::size_t number = 0; number < names.size(); ++number) {
    EXPECT_EQ(to_string(static_cast<ResultCode>(number)), names[number]);
  }
}

// PCP-108
TEST(PcpResultCode, LastsShortlyWhenItPassesByItself) {
  for (const auto result : all_errors()) {
    const bool passes = result == ResultCode::network_failure ||
                        result == ResultCode::no_resources || result == ResultCode::user_ex_quota ||
                        result == ResultCode::cannot_provide_external;
    EXPECT_EQ(error_lifetime(result), passes ? 30U : 1800U) << to_string(result);
  }
}

}  // namespace
}  // namespace postern::pcp
