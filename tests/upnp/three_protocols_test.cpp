#include <algorithm>
#include <array>
#include <cstdint>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/pcp_client.h"
#include "tests/upnp/http_house.h"

// One internal endpoint that is asked for over several protocols.
namespace postern::upnp {
namespace {

using namespace test;

constexpr std::uint16_t kInside = 6000;
constexpr std::uint16_t kOutside = 7000;

class ThreeProtocolsTest : public testing::Test {
 protected:
  ThreeProtocolsTest() { house_.start(); }
  ~ThreeProtocolsTest() override { EXPECT_TRUE(house_.gateway.is_consistent(house_.now)); }

  /// The external port that is granted.
  std::uint16_t ask(const std::string& protocol, std::uint16_t outside) {
    if (protocol == "upnp") {
      const auto own = with(kAddArguments, "192.168.77.2", kHostA.to_string());
      const auto reply = house_.call("AddPortMapping", with(own, "7000", std::to_string(outside)));
      return reply.status == 200 ? outside : std::uint16_t{0};
    }
    const auto request = protocol == "natpmp"
                             ? postern::test::map_request(Protocol::tcp, kInside, outside, 600)
                             : pcp::emit(postern::test::map_of({.protocol = postern::test::kTcp,
                                                                .internal_port = kInside,
                                                                .suggested_port = outside,
                                                                .lifetime = 600}));
    const IncomingDatagram datagram{kLanIndex, {kHostA, 40123}, {kGateway, 5351}, request};
    const auto turn = house_.gateway.on_datagrams({&datagram, 1}, house_.now);
    const auto& answer = turn.send.at(0).payload;
    if (protocol == "natpmp") {
      return postern::test::read_as<natpmp::MapResponse>(answer).external_port;
    }
    return postern::test::success_as<pcp::MapResponse>(postern::test::read_pcp(answer))
        .external_port;
  }
  [[nodiscard]] std::size_t mappings() const { return house_.gateway.state().table.size(); }
  [[nodiscard]] std::size_t claims() const {
    const auto* mapping =
        house_.gateway.state().table.find_by_external(Protocol::tcp, {kWan, kOutside});
    return mapping ? mapping->claims.size() : 0;
  }

  HttpHouse house_;
};

// Whoever comes first, in every order.
TEST_F(ThreeProtocolsTest, ShareOneMapping) {
  std::array<std::string, 3> order{"natpmp", "pcp", "upnp"};
  do {
    for (const auto& protocol : order) {
      EXPECT_EQ(ask(protocol, kOutside), kOutside) << protocol;
      EXPECT_EQ(mappings(), 1U) << protocol;
    }
    EXPECT_EQ(claims(), 3U);
    // Nobody is in the way of the next order.
    house_.now += Seconds(601);
    (void)house_.gateway.on_timeout(house_.now);
    ASSERT_EQ(mappings(), 0U);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_F(ThreeProtocolsTest, AnotherSuggestionIsNoSecondMapping) {
  EXPECT_EQ(ask("upnp", kOutside), kOutside);
  for (const int wish : {0, 6000, 8000}) {
    const auto suggested = static_cast<std::uint16_t>(wish);
    EXPECT_EQ(ask("natpmp", suggested), kOutside) << suggested;
    EXPECT_EQ(ask("pcp", suggested), kOutside) << suggested;
    EXPECT_EQ(mappings(), 1U);
  }
  EXPECT_EQ(claims(), 3U);
}

TEST_F(ThreeProtocolsTest, TheOtherTwoAgreeWithoutUpnp) {
  EXPECT_EQ(ask("natpmp", kOutside), kOutside);
  EXPECT_EQ(ask("pcp", 8000), kOutside);
  EXPECT_EQ(ask("natpmp", 9000), kOutside);
  EXPECT_EQ(mappings(), 1U);
  EXPECT_EQ(claims(), 2U);
}

}  // namespace
}  // namespace postern::upnp
