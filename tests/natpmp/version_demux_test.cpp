#include "protocols/version_demux.h"

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

}  // namespace
}  // namespace postern
