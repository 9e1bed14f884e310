#include "protocols/pcp/request_rules.h"

#include <gtest/gtest.h>

#include "tests/pcp/requests.h"

// What parse_request() says of requests that it does not let through, and in which order.
namespace postern::pcp {
namespace {

const auto kLoopbacks = {"127.0.0.1", "127.255.255.254", "::1"};
const auto kMulticasts = {"224.0.0.1", "239.255.255.250", "ff02::1"};
const auto kNobody = {"0.0.0.0", "::", "255.255.255.255"};

Request changed(Request request, void (*change)(MapRequest&)) {
  change(std::get<MapRequest>(request.body));
  return request;
}

Request changed(Request request, void (*change)(PeerRequest&)) {
  change(std::get<PeerRequest>(request.body));
  return request;
}

Request without_lifetime(Request request) {
  request.lifetime = 0;
  return request;
}

Octets of_version(std::uint8_t version, Octets octets) {
  octets[0] = version;
  return octets;
}

// --- The header
// -----------------------------------------------------------------------------------

// PCP-010
TEST(RequestHeader, RuntsGetSilence) {
  EXPECT_EQ(outcome(Octets{}), "silence");
  for (const int version : {0, 1, 2, 3, 255}) {
    EXPECT_EQ(outcome(Octets{static_cast<std::uint8_t>(version)}), "silence");
  }
}

// PCP-011
TEST(RequestHeader, ResponsesGetSilence) {
  for (const auto* text : {"02 81", "01 80", "00 ff", "03 80", "02 e3"}) {
    EXPECT_EQ(outcome(from_hex(text)), "silence") << text;
  }
  for (const auto& request : {announce_request(), map_request(), peer_request()}) {
    auto octets = emit(request);
    octets[1] |= 0x80;
    EXPECT_EQ(outcome(octets), "silence");
  }
}

// PCP-012, 030, 033
TEST(RequestHeader, OtherVersionsAreUnsupportedHoweverShort) {
  for (int version = 0; version < 256; ++version) {
    if (version == kVersion) continue;
    const auto octets = of_version(static_cast<std::uint8_t>(version), emit(map_request()));
    for (const std::size_t size : {2U, 3U, 23U, 24U, 59U, 60U}) {
      EXPECT_EQ(outcome(first(octets, size)), "UNSUPP_VERSION") << version << " " << size;
    }
  }
  EXPECT_EQ(outcome(captured("pcpnatpmpc-natpmp.02.pcp")), "UNSUPP_VERSION");
}

// PCP-013
TEST(RequestHeader, CutShortGetsSilence) {
  for (const auto& request : {announce_request(), map_request(), peer_request()}) {
    for (std::size_t size = 2; size < kHeaderSize; ++size) {
      EXPECT_EQ(outcome(first(emit(request), size)), "silence") << size;
    }
  }
}

// PCP-015
TEST(RequestHeader, TheSizeIsAMultipleOfFourUpToElevenHundred) {
  auto octets = emit(map_request());
  while (octets.size() < 1100) octets = with(octets, "c8 00 0000");
  EXPECT_EQ(outcome(octets), "request");
  for (const auto* more : {"00", "0000", "000000", "c8000000"}) {
    EXPECT_EQ(outcome(with(octets, more)), "MALFORMED_REQUEST") << more;
    EXPECT_EQ(outcome(with(emit(map_request()), more)),
              std::string_view(more).size() == 8 ? "request" : "MALFORMED_REQUEST")
        << more;
  }
  octets.resize(65507);
  EXPECT_EQ(outcome(octets), "MALFORMED_REQUEST");
}

// PCP-016
TEST(RequestHeader, TheClientIsTheSource) {
  for (const auto& request : {announce_request(), map_request(), peer_request()}) {
    EXPECT_EQ(outcome(emit(request), kClient), "request");
    EXPECT_EQ(outcome(emit(request), kOtherHost), "ADDRESS_MISMATCH");
    EXPECT_EQ(outcome(emit(request), kClient6), "ADDRESS_MISMATCH");
  }
  EXPECT_EQ(outcome(captured("pcpnatpmpc-prefer-failure.01.pcp")), "ADDRESS_MISMATCH");
}

// PCP-007
TEST(RequestHeader, TheClientIsIpv4OnlyInTheMappedForm) {
  auto octets = emit(map_request());
  octets[9] = 1;  // 1::ffff:192.168.77.2
  EXPECT_EQ(outcome(octets), "ADDRESS_MISMATCH");
  EXPECT_EQ(outcome(octets, *Address::parse("1::ffff:192.168.77.2")), "request");
}

// PCP-017, 220
TEST(RequestHeader, UnknownOpcodesNeedOnlyAHeader) {
  for (int opcode = 3; opcode < 128; ++opcode) {
    auto octets = emit(announce_request());
    octets[1] = static_cast<std::uint8_t>(opcode);
    EXPECT_EQ(outcome(octets), "UNSUPP_OPCODE") << opcode;
    EXPECT_EQ(outcome(with(octets, "ffffffff")), "UNSUPP_OPCODE") << opcode;
  }
}

// --- MAP
// ------------------------------------------------------------------------------------------

// PCP-066
TEST(MapRules, AllProtocolsMeansAllPorts) {
  const auto all_protocols = changed(map_request(), [](MapRequest& map) { map.protocol = 0; });
  EXPECT_EQ(outcome(all_protocols), "MALFORMED_REQUEST");
  EXPECT_EQ(outcome(without_lifetime(all_protocols)), "MALFORMED_REQUEST");
  const auto all = changed(all_protocols, [](MapRequest& map) { map.internal_port = 0; });
  EXPECT_EQ(outcome(all), "request");
  EXPECT_EQ(outcome(without_lifetime(all)), "request");
  EXPECT_EQ(outcome(changed(map_request(), [](MapRequest& map) { map.internal_port = 0; })),
            "request");
}

// PCP-047, 126
TEST(MapRules, ADeletionHasNoConditions) {
  EXPECT_EQ(outcome(without_lifetime(map_request())), "request");
  EXPECT_EQ(outcome(without_lifetime(map_request({PreferFailure{}}))), "MALFORMED_OPTION");
  EXPECT_EQ(outcome(without_lifetime(map_request({Filter{128, 0, kRemote}}))), "MALFORMED_OPTION");
  EXPECT_EQ(outcome(without_lifetime(map_request({Filter{}}))), "MALFORMED_OPTION");
  EXPECT_EQ(outcome(without_lifetime(map_request({ThirdParty{kOtherHost}, Description{"d"}}))),
            "request");
}

// PCP-144
TEST(MapRules, PreferFailureNeedsASuggestedPort) {
  const auto no_port = [](MapRequest& map) { map.external_port = 0; };
  EXPECT_EQ(outcome(map_request({PreferFailure{}})), "request");
  EXPECT_EQ(outcome(changed(map_request(), no_port)), "request");
  EXPECT_EQ(outcome(changed(map_request({PreferFailure{}}), no_port)), "MALFORMED_OPTION");
}

// PCP-149
TEST(MapRules, ThePrefixLengthFitsTheFamily) {
  for (unsigned length = 0; length < 256; ++length) {
    EXPECT_EQ(outcome(map_request({Filter{length, 0, kRemote}})),
              length == 0 || (length >= 96 && length <= 128) ? "request" : "MALFORMED_OPTION")
        << length;
    auto v6 = map_request({Filter{length, 0, kRemote6}});
    v6.client = kClient6;
    EXPECT_EQ(outcome(v6), length <= 128 ? "request" : "MALFORMED_OPTION") << length;
  }
  EXPECT_EQ(outcome(captured("pcpnatpmpc-filter.01.pcp")), "MALFORMED_OPTION");
}

// PCP-149
TEST(MapRules, RemotePeersAreOfTheInternalFamily) {
  auto from_v6 = map_request({Filter{128, 0, kRemote}});
  from_v6.client = kClient6;
  EXPECT_EQ(outcome(from_v6), "MALFORMED_OPTION");
  EXPECT_EQ(outcome(map_request({Filter{128, 0, kRemote6}})), "MALFORMED_OPTION");
  EXPECT_EQ(outcome(map_request({Filter{128, 0, kRemote}, Filter{128, 0, kRemote6}})),
            "MALFORMED_OPTION");

  from_v6.options.emplace_back(ThirdParty{kOtherHost});
  EXPECT_EQ(outcome(from_v6), "request");
  EXPECT_EQ(outcome(map_request({ThirdParty{kClient6}, Filter{128, 0, kRemote6}})), "request");
  EXPECT_EQ(outcome(map_request({ThirdParty{kClient6}, Filter{128, 0, kRemote}})),
            "MALFORMED_OPTION");
}

// PCP-149
TEST(MapRules, AFilterThatRemovesAllNeedsNoAddress) {
  for (const auto& address : {Address(), Address::v4(0), kRemote, kRemote6}) {
    EXPECT_EQ(outcome(map_request({Filter{0, 0, address}, Filter{128, 0, kRemote}})), "request");
  }
}

// --- PEER
// -----------------------------------------------------------------------------------------

// PCP-131
TEST(PeerRules, TheFlowHasAProtocolAndPorts) {
  EXPECT_EQ(outcome(peer_request()), "request");
  EXPECT_EQ(outcome(without_lifetime(peer_request())), "request");
  for (const auto change : {+[](PeerRequest& peer) { peer.protocol = 0; },
                            +[](PeerRequest& peer) { peer.internal_port = 0; },
                            +[](PeerRequest& peer) { peer.remote.port = 0; }}) {
    EXPECT_EQ(outcome(changed(peer_request(), change)), "MALFORMED_REQUEST");
  }
  EXPECT_EQ(outcome(changed(peer_request(), [](PeerRequest& peer) { peer.external_port = 0; })),
            "request");
}

// PCP-133
TEST(PeerRules, TheRemotePeerIsAnOrdinaryHost) {
  for (const auto& addresses : {kLoopbacks, kMulticasts, kNobody}) {
    for (const auto* text : addresses) {
      auto request = peer_request();
      auto& remote = std::get<PeerRequest>(request.body).remote.address;
      remote = *Address::parse(text);
      if (!remote.is_v4()) request.client = kClient6;
      EXPECT_EQ(outcome(request), "MALFORMED_REQUEST") << text;
    }
  }
}

// PCP-133
TEST(PeerRules, BothEndsAreOfOneFamily) {
  const auto remote6 = changed(peer_request(), [](PeerRequest& p) { p.remote.address = kRemote6; });
  EXPECT_EQ(outcome(remote6), "MALFORMED_REQUEST");
  auto both6 = remote6;
  both6.client = kClient6;
  EXPECT_EQ(outcome(both6), "request");
  auto third_party6 = remote6;
  third_party6.options.emplace_back(ThirdParty{kClient6});
  EXPECT_EQ(outcome(third_party6), "request");
}

// PCP-046, 136
TEST(PeerRules, PreferFailureMakesItMalformed) {
  EXPECT_EQ(outcome(peer_request({PreferFailure{}})), "MALFORMED_REQUEST");
  EXPECT_EQ(outcome(peer_request({ThirdParty{kOtherHost}, PreferFailure{}})), "MALFORMED_REQUEST");
  EXPECT_EQ(outcome(peer_request({Filter{128, 0, kRemote}})), "MALFORMED_OPTION");
}

// --- Several faults at once
// -----------------------------------------------------------------------

// PCP-018. Each packet has the fault of its line and all those below.
TEST(RequestRules, TellTheFirstOfSeveralFaults) {
  auto octets = emit(changed(map_request({PreferFailure{}}), [](MapRequest& map) {
    map.protocol = 0;
    map.external_port = 0;
  }));
  octets.resize(octets.size() - 4);
  EXPECT_EQ(outcome(octets), "MALFORMED_REQUEST");  // Protocol 0 with a port.
  octets = with(octets, "02 00 0000");
  EXPECT_EQ(outcome(octets), "MALFORMED_OPTION");  // Nothing to insist on.
  octets = with(octets, "63 00 0000");
  EXPECT_EQ(outcome(octets), "UNSUPP_OPTION");
  octets = with(octets, "c8 00 ffff");
  EXPECT_EQ(outcome(octets), "MALFORMED_OPTION");  // The last option has no end.
  octets[1] = 99;
  EXPECT_EQ(outcome(octets), "UNSUPP_OPCODE");
  EXPECT_EQ(outcome(octets, kOtherHost), "ADDRESS_MISMATCH");
  octets.push_back(0);
  EXPECT_EQ(outcome(octets, kOtherHost), "MALFORMED_REQUEST");  // No multiple of four.
  octets[0] = 3;
  EXPECT_EQ(outcome(octets, kOtherHost), "UNSUPP_VERSION");
  octets[1] |= 0x80;
  EXPECT_EQ(outcome(octets, kOtherHost), "silence");
}

// PCP-041, 050
TEST(RequestRules, ABrokenOptionAtTheEndSpoilsTheRequest) {
  EXPECT_EQ(outcome(with(emit(map_request({Description{"d"}})), "c8 00 0001")), "MALFORMED_OPTION");
  const auto whole = emit(map_request({PreferFailure{}, Filter{128, 0, kRemote}}));
  for (std::size_t size = kMapSize + 4; size < whole.size(); size += 4) {
    EXPECT_EQ(outcome(first(whole, size)), size == kMapSize + 4 ? "request" : "MALFORMED_OPTION")
        << size;
  }
}

// PCP-025
TEST(RequestRules, TheReplyToAnyParsedRequestFits) {
  Options filters(43, Filter{128, 0, kRemote});
  filters.emplace_back(Description{"abcd"});
  const auto octets = emit(map_request(filters));
  ASSERT_EQ(octets.size(), kLongestMessage);
  const auto request = std::get<Request>(parse_request(octets, kClient));
  EXPECT_EQ(emit(MapResponse{{kNonce, 17, 1, 2, kRemote}, 1, 2, request.options}).size(), 1100U);
}

}  // namespace
}  // namespace postern::pcp
