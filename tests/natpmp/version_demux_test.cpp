#include "protocols/version_demux.h"

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/gateway_fixture.h"
#include "tests/support/natpmp_client.h"

namespace postern {
namespace {

using namespace test;

class VersionDemuxTest : public testing::Test {
 protected:
  VersionDemuxTest() {
    (void)house_.start();
    (void)house_.pass(Seconds(42));
  }
  [[nodiscard]] Octets ask(std::string_view hex) { return house_.ask(kHostA, from_hex(hex)); }

  House house_;
  const Octets version_error_ = from_hex("00 00 0001 0000002a");
};

// NPMP-17
TEST_F(VersionDemuxTest, HandsVersionZeroToNatPmp) {
  EXPECT_EQ(ask("00 00"), from_hex("00 80 0000 0000002a c6336407"));
}

// NPMP-18, 28
TEST_F(VersionDemuxTest, AnswersEveryOtherVersionWithEightOctets) {
  for (int version = 1; version < 256; ++version) {
    Octets request(60, 0);
    request[0] = static_cast<std::uint8_t>(version);
    request[1] = 1;
    EXPECT_EQ(house_.ask(kHostA, request), version_error_) << version;
  }
}

// NPMP-18
TEST_F(VersionDemuxTest, NeedsOnlyTwoOctetsOfAnotherVersion) {
  EXPECT_EQ(ask("02 00"), version_error_);
}

// NPMP-21
TEST_F(VersionDemuxTest, ComplainsOfTheVersionBeforeTheOpcode) {
  EXPECT_EQ(ask("01 63"), version_error_);
  EXPECT_EQ(ask("02 7f"), version_error_);
}

// NPMP-15
TEST_F(VersionDemuxTest, NeverAnswersAnAnswer) {
  for (int version = 0; version < 256; ++version) {
    for (const int opcode : {0x80, 0x81, 0x82, 0x83, 0xff}) {
      Octets request(60, 0);
      request[0] = static_cast<std::uint8_t>(version);
      request[1] = static_cast<std::uint8_t>(opcode);
      EXPECT_TRUE(house_.ask(kHostA, request).empty()) << version << " " << opcode;
    }
  }
}

// NPMP-15
TEST_F(VersionDemuxTest, NeverAnswersItsOwnAnswers) {
  for (const auto* request : {"00 00", "00 01 0000 1f90 0000 0000003c", "00 03",
                              "00 02 0000 0000 "
                              "0000 0000003c"}) {
    const auto answer = ask(request);
    ASSERT_FALSE(answer.empty());
    EXPECT_TRUE(house_.ask(kHostA, answer).empty()) << request;
  }
}

// NPMP-16
TEST_F(VersionDemuxTest, IsSilentToRunts) {
  EXPECT_TRUE(ask("").empty());
  EXPECT_TRUE(ask("00").empty());
  EXPECT_TRUE(ask("02").empty());
}

// NPMP-14
TEST_F(VersionDemuxTest, IsSilentOverIpv6) {
  const Address gateway = *Address::parse("fd00::1");
  auto network = home_network();
  network.lan[0].addresses.push_back({gateway, 64});
  (void)house_.change_network(network);
  for (const auto* text : {"00 00", "00 01 0000 1f90 0000 0000003c", "00 03", "02 01"}) {
    const auto payload = from_hex(text);
    auto datagram = from(*Address::parse("fd00::10"), payload);
    datagram.destination.address = gateway;
    EXPECT_TRUE(house_.send_all({datagram}).send.empty()) << text;
  }
  EXPECT_EQ(house_.mappings(), 0U);
}

// NPMP-08, 10, 88
TEST(VersionDemuxSwitchedOff, AnswersAndAnnouncesNothing) {
  MemoryBackend backend;
  VersionDemux demux(nullptr, nullptr);
  MemoryFlowTable flows;
  Gateway gateway({}, backend, flows, demux, kStart);
  const auto started = gateway.start(home_network(), kStart);
  ASSERT_TRUE(started);
  EXPECT_TRUE(started->send.empty());
  EXPECT_FALSE(gateway.next_timeout());
  EXPECT_TRUE(gateway.on_timeout(kStart + Seconds(1)).send.empty());
  for (const auto* text : {"00 00", "00 01 0000 1f90 0000 0000003c", "02 01"}) {
    const auto payload = from_hex(text);
    EXPECT_TRUE(gateway.on_datagrams({{from(kHostA, payload)}}, kStart).send.empty()) << text;
  }
}

// --- With PCP
// -------------------------------------------------------------------------------------

/// The versions on one socket, 42 seconds after the start.
class VersionDemuxWithPcp : public testing::TestWithParam<Serves> {
 protected:
  VersionDemuxWithPcp() {
    (void)house_.start(dual_network());
    (void)house_.pass(Seconds(42));
  }
  [[nodiscard]] bool has_natpmp() const { return GetParam() == Serves::both; }
  [[nodiscard]] Octets ask(std::string_view hex) { return house_.ask(kHostA, from_hex(hex)); }

  House house_{{}, GetParam()};
};

INSTANTIATE_TEST_SUITE_P(Pcp, VersionDemuxWithPcp, testing::Values(Serves::pcp, Serves::both),
                         [](const auto& test_case) {
                           return test_case.param == Serves::both ? "besideNatPmp" : "alone";
                         });

// NPMP-17, 19, PCP-031, 032
TEST_P(VersionDemuxWithPcp, GivesVersionZeroToNatPmpWhereThatIsServed) {
  EXPECT_EQ(
      to_hex(ask("00 00")),
      to_hex(has_natpmp() ? from_hex("00 80 0000 0000002a c6336407")
                          : from_hex("02 80 0001 00000708 0000002a 000000000000000000000000")));
  EXPECT_EQ(
      to_hex(ask("00 01 0000 1f90 9c41 00000258")),
      to_hex(has_natpmp() ? from_hex("00 81 0000 0000002a 1f90 9c41 00000258")
                          : from_hex("02 81 0001 00000708 0000002a 000000000000000000000000")));
  EXPECT_EQ(house_.mappings(), has_natpmp() ? 1U : 0U);
}

// NPMP-17, PCP-024
TEST_P(VersionDemuxWithPcp, GivesVersionTwoToPcp) {
  EXPECT_EQ(to_hex(ask("02 00 0000 00000000 00000000000000000000ffff c0a8010a")),
            to_hex(from_hex("02 80 0000 00000000 0000002a 000000000000000000000000")));
}

// NPMP-20, PCP-012, 030, 033, 034
TEST_P(VersionDemuxWithPcp, ComplainsOfOtherVersionsAsPcpDoes) {
  for (int version = 1; version < 256; ++version) {
    if (version == 2) continue;
    Octets request(60, 7);
    request[0] = static_cast<std::uint8_t>(version);
    request[1] = 1;
    Octets expected = request;
    const auto header = from_hex("02 81 0001 00000708 0000002a");
    std::copy(header.begin(), header.end(), expected.begin());
    EXPECT_EQ(to_hex(house_.ask(kHostA, request)), to_hex(expected)) << version;
    request.resize(2);
    EXPECT_EQ(house_.ask(kHostA, request).size(), 24U) << version;
  }
  EXPECT_EQ(house_.mappings(), 0U);
}

// NPMP-14, PCP-031
TEST_P(VersionDemuxWithPcp, ComplainsOfVersionZeroOverIpv6) {
  for (const auto* text : {"00 00", "00 01 0000 1f90 0000 0000003c"}) {
    const auto answer = house_.ask(kHostA6, from_hex(text));
    ASSERT_EQ(answer.size(), 24U) << text;
    EXPECT_EQ(answer[0], 2) << text;
    EXPECT_EQ(answer[3], 1) << text;
  }
  EXPECT_EQ(house_.mappings(), 0U);
}

// NPMP-15, 16, PCP-010, 011
TEST_P(VersionDemuxWithPcp, IsSilentToAnswersAndRunts) {
  for (const auto* text : {"", "00", "02", "00 80", "01 80", "02 80", "ff ff"}) {
    EXPECT_TRUE(ask(text).empty()) << text;
    EXPECT_TRUE(house_.ask(kHostA6, from_hex(text)).empty()) << text;
  }
}

// NPMP-89
TEST_P(VersionDemuxWithPcp, AnnouncesInEachProtocolThatIsServed) {
  House house({}, GetParam());
  std::vector<std::string> sent;
  for (const auto& datagram : house.start().send) {
    EXPECT_EQ(datagram.destination, (Endpoint{Address::v4({224, 0, 0, 1}), 5350}));
    sent.push_back(to_hex(datagram.payload));
  }
  std::vector<std::string> expected;
  if (has_natpmp()) expected.push_back(to_hex(from_hex("00 80 0000 00000000 c6336407")));
  expected.push_back(to_hex(from_hex("02 80 0000 00000000 00000000 000000000000000000000000")));
  EXPECT_EQ(sent, expected);
}

// NPMP-18, PCP-035
TEST_F(VersionDemuxTest, SendsPcpClientsBackToNatPmpWherePcpIsOff) {
  EXPECT_EQ(ask("02 01 0000 00000e10 00000000000000000000ffff c0a8010a"
                "0102030405060708090a0b0c 11 000000 1f90 9c41 00000000000000000000ffff 00000000"),
            version_error_);
}

}  // namespace
}  // namespace postern
