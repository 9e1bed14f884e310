#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "core/bytes.h"
#include "tests/support/nftables_fixture.h"
#include "tests/support/octets.h"
#include "tests/support/tun_device.h"

// What is counted of the packets through pinholes, as UPnP tells it (GetPinholePackets).
namespace postern::test {
namespace {

class NftablesPacketsTest : public NftablesFixture {
 protected:
  void SetUp() override {
    NftablesFixture::SetUp();
    if (!backend_) return;  // Skipped, or failed.
    ASSERT_TRUE(ok(reset()));
  }

  /// Nothing or the count; fails the test on an error.
  [[nodiscard]] std::optional<std::uint64_t> packets(const TimedDoor& timed) {
    const auto answer = backend_->packets_through(timed.door);
    EXPECT_TRUE(answer) << answer.error().reason;
    return answer.value_or(std::nullopt);
  }
  /// "pin6 { … timeout 1h }", as if so many packets had come.
  static void plant(const std::string& container, const std::string& remote, int packets,
                    const std::string& port = "5000") {
    const auto element = remote + "2001:db8::2 . tcp . " + port + " counter packets " +
                         std::to_string(packets) + " bytes 60 timeout 1h";
    ASSERT_EQ(nft("add element inet postern " + container + " { " + element + " }"), "");
  }
};

INSTANTIATE_TEST_SUITE_P(InPlace, NftablesPacketsTest, testing::Values(true));
INSTANTIATE_TEST_SUITE_P(DeleteAndAdd, NftablesPacketsTest, testing::Values(false));

TEST_P(NftablesPacketsTest, AreThoseOfThePinholeAskedFor) {
  plant("pin6", "", 7);
  plant("pin6", "", 1000, "5001");
  EXPECT_EQ(packets(pinhole(5000)), 7U);
}

TEST_P(NftablesPacketsTest, AreThoseOfAllItsFilters) {
  plant("pin6_host", "2001:db8:1::1 . ", 3);
  plant("pin6_range", "2001:db8:2::/48 . 0-65535 . ", 20);
  const auto door = pinhole(5000, filters6());
  EXPECT_EQ(packets(door), std::nullopt) << "one of the filters is not there";
  plant("pin6_range", "2001:db8:3::/48 . 53 . ", 100);
  EXPECT_EQ(packets(door), 123U);
  EXPECT_EQ(packets(pinhole(5000)), std::nullopt) << "it is not open to all";
}

// The kernel gives whatever interval the asked key lies in.
TEST_P(NftablesPacketsTest, AreNotThoseOfAWiderFilter) {
  plant("pin6_range", "2001:db8::/32 . 0-65535 . ", 7);
  EXPECT_EQ(packets(pinhole(5000, {{*Prefix::parse("2001:db8::/48")}})), std::nullopt);
  EXPECT_EQ(packets(pinhole(5000, {{*Prefix::parse("2001:db8::/32")}})), 7U);
}

TEST_P(NftablesPacketsTest, AreCountedOnThroughARenewalInPlaceOnly) {
  const auto door = pinhole(5000, filters6());
  plant("pin6_host", "2001:db8:1::1 . ", 3);
  plant("pin6_range", "2001:db8:2::/48 . 0-65535 . ", 20);
  plant("pin6_range", "2001:db8:3::/48 . 53 . ", 100);
  const auto renewed = pinhole(5000, filters6(), in(std::chrono::hours(3)));
  ASSERT_TRUE(ok(commit({changed(door, renewed)})));
  EXPECT_EQ(packets(renewed), backend_->capabilities().renews_in_place ? 123U : 0U);
  ASSERT_TRUE(ok(reset({renewed})));
  EXPECT_EQ(packets(renewed), 0U);
}

// Its map is asked for the first packet of a connection only.
TEST_P(NftablesPacketsTest, AreNotKnownOfAForward) {
  ASSERT_TRUE(ok(commit({opened(forward(1000, 5000)), opened(pin(5000))})));
  EXPECT_EQ(packets(forward(1000, 5000)), std::nullopt);
  EXPECT_EQ(packets(pin(5000)), std::nullopt);
}

TEST_P(NftablesPacketsTest, AreNotKnownWhenTheTableIsGone) {
  ASSERT_EQ(nft("delete table inet postern"), "");
  EXPECT_EQ(packets(pinhole(5000)), std::nullopt);
}

/// UDP over IPv6 without a payload.
[[nodiscard]] Octets udp6(const Endpoint& from, const Endpoint& to) {
  constexpr std::uint16_t kUdpSize = 8;
  Octets packet(40 + kUdpSize);
  ByteWriter writer(packet);
  writer.u32(0x60000000);
  writer.u16(kUdpSize);
  writer.u8(17);
  writer.u8(64);  // Hop limit.
  writer.bytes(from.address.octets());
  writer.bytes(to.address.octets());
  writer.u16(from.port);
  writer.u16(to.port);
  writer.u16(kUdpSize);
  writer.u16(0);  // No checksum: routers do not look.
  return packet;
}

/// The same as it is one router further.
[[nodiscard]] Octets forwarded(Octets packet) {
  --packet[7];
  return packet;
}

TEST_P(NftablesPacketsTest, AreThePacketsThatCameThrough) {
  const TunDevice wan("wan0");
  const TunDevice lan("br-lan");
  if (wan.why_not()) GTEST_SKIP() << *wan.why_not();
  ASSERT_EQ(output_of("ip link set wan0 up && ip link set br-lan up && "
                      "ip -6 route add 2001:db8::/64 dev br-lan && "
                      "ip -6 route add default dev wan0 && "
                      "echo 1 > /proc/sys/net/ipv6/conf/all/forwarding"),
            "");
  const Endpoint inside{*Address::parse("2001:db8::2"), 5000};
  const TimedDoor door{Pinhole6{Protocol::udp, inside, filters6()}, in(std::chrono::hours(1))};
  ASSERT_TRUE(ok(commit({opened(door)})));
  const auto send = [&](const char* from, std::uint16_t port, const Endpoint& to) {
    const auto packet = udp6({*Address::parse(from), port}, to);
    ASSERT_TRUE(wan.write(packet));
    ASSERT_TRUE(lan.gives(forwarded(packet))) << from;
  };
  for (int i = 0; i < 5; ++i) send("2001:db8:1::1", 9000, inside);
  for (int i = 0; i < 2; ++i) send("2001:db8:2::7", 9000, inside);
  send("2001:db8:3::7", 53, inside);
  EXPECT_EQ(packets(door), 8U);
  // Nothing here drops what comes through no door, but it is not counted.
  send("2001:db8:3::7", 54, inside);
  send("2001:db8:1::1", 9000, {inside.address, 5001});
  EXPECT_EQ(packets(door), 8U);
}

}  // namespace
}  // namespace postern::test
