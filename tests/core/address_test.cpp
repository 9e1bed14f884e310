#include "core/address.h"

#include <unordered_set>

#include <gtest/gtest.h>

namespace postern {
namespace {

Address address(std::string_view text) {
  return Address::parse(text).value();
}

Prefix prefix(std::string_view text) {
  return Prefix::parse(text).value();
}

TEST(Address, IsReadAndWrittenInItsUsualForm) {
  for (const auto* text : {"192.168.1.10", "0.0.0.0", "255.255.255.255", "::", "2001:db8::1"}) {
    EXPECT_EQ(address(text).to_string(), text);
  }
}

TEST(Address, IsNotReadFromAnythingElse) {
  for (const std::string_view text :
       {"", "192.168.1", "192.168.1.256", "192.168.1.1 ", " 192.168.1.1", "192.168.1.1:80",
        "192.168.1.1/24", "01.2.3.4", "2001:db8::1%eth0", "2001:db8::1::", "gateway"}) {
    EXPECT_FALSE(Address::parse(text)) << text;
  }
  EXPECT_FALSE(Address::parse(std::string_view("192.168.1.1\0", 12)));
}

TEST(Address, OfIpv4KeepsItsFourOctets) {
  const auto a = address("192.168.1.10");
  EXPECT_TRUE(a.is_v4());
  EXPECT_EQ(a.v4_value(), 0xc0a8010aU);
  EXPECT_EQ(a.v4_octets(), (std::array<std::uint8_t, 4>{192, 168, 1, 10}));
  EXPECT_EQ(a, Address::v4(0xc0a8010aU));
  EXPECT_EQ(a, Address::v4({192, 168, 1, 10}));
}

TEST(Address, OfTheTwoFamiliesIsNeverEqual) {
  EXPECT_FALSE(address("2001:db8::1").is_v4());
  EXPECT_NE(address("::"), address("0.0.0.0"));
  EXPECT_NE(address("::c0a8:10a"), address("192.168.1.10"));
}

TEST(Address, MappedIpv4IsThatIpv4Address) {
  EXPECT_EQ(address("::ffff:192.168.1.10"), address("192.168.1.10"));
}

TEST(Address, KnowsTheSpecialOnes) {
  EXPECT_TRUE(address("0.0.0.0").is_unspecified());
  EXPECT_TRUE(address("::").is_unspecified());
  EXPECT_FALSE(address("0.0.0.1").is_unspecified());

  EXPECT_TRUE(address("127.0.0.1").is_loopback());
  EXPECT_TRUE(address("127.255.255.255").is_loopback());
  EXPECT_TRUE(address("::1").is_loopback());
  EXPECT_FALSE(address("128.0.0.1").is_loopback());
  EXPECT_FALSE(address("::2").is_loopback());
  EXPECT_FALSE(address("1::1").is_loopback());

  EXPECT_TRUE(address("224.0.0.1").is_multicast());
  EXPECT_TRUE(address("239.255.255.255").is_multicast());
  EXPECT_TRUE(address("ff02::1").is_multicast());
  EXPECT_FALSE(address("223.255.255.255").is_multicast());
  EXPECT_FALSE(address("240.0.0.1").is_multicast());
  EXPECT_FALSE(address("fe80::1").is_multicast());

  EXPECT_TRUE(address("255.255.255.255").is_limited_broadcast());
  EXPECT_FALSE(address("255.255.255.254").is_limited_broadcast());
}

TEST(Address, ServesAsAHashKey) {
  std::unordered_set<Address> set;
  for (std::uint32_t i = 0; i < 1000; ++i) set.insert(Address::v4(0x0a000000 + i));
  for (std::uint32_t i = 0; i < 1000; ++i) set.insert(Address::v4(0x0a000000 + i));
  EXPECT_EQ(set.size(), 1000U);
  EXPECT_FALSE(set.contains(address("11.0.0.0")));
}

TEST(Prefix, ContainsItsHostsAndNoOthers) {
  EXPECT_TRUE(prefix("192.168.1.0/24").contains(address("192.168.1.0")));
  EXPECT_TRUE(prefix("192.168.1.0/24").contains(address("192.168.1.255")));
  EXPECT_FALSE(prefix("192.168.1.0/24").contains(address("192.168.2.0")));
  EXPECT_FALSE(prefix("192.168.1.0/24").contains(address("192.168.0.255")));
  EXPECT_TRUE(prefix("10.0.0.128/25").contains(address("10.0.0.200")));
  EXPECT_FALSE(prefix("10.0.0.128/25").contains(address("10.0.0.127")));
  EXPECT_TRUE(prefix("2001:db8::/33").contains(address("2001:db8:7fff::1")));
  EXPECT_FALSE(prefix("2001:db8::/33").contains(address("2001:db8:8000::1")));
}

TEST(Prefix, OfLengthZeroContainsItsWholeFamilyOnly) {
  EXPECT_TRUE(prefix("0.0.0.0/0").contains(address("203.0.113.9")));
  EXPECT_FALSE(prefix("0.0.0.0/0").contains(address("2001:db8::1")));
  EXPECT_TRUE(prefix("::/0").contains(address("2001:db8::1")));
  EXPECT_FALSE(prefix("::/0").contains(address("203.0.113.9")));
}

TEST(Prefix, WithoutALengthIsOneHost) {
  EXPECT_TRUE(prefix("10.0.0.1").contains(address("10.0.0.1")));
  EXPECT_FALSE(prefix("10.0.0.1").contains(address("10.0.0.0")));
  EXPECT_EQ(prefix("10.0.0.1").to_string(), "10.0.0.1/32");
  EXPECT_EQ(prefix("2001:db8::1").to_string(), "2001:db8::1/128");
}

TEST(Prefix, ForgetsTheHostBits) {
  EXPECT_EQ(prefix("192.168.1.77/24"), prefix("192.168.1.0/24"));
  EXPECT_EQ(prefix("192.168.1.77/24").to_string(), "192.168.1.0/24");
  EXPECT_NE(prefix("192.168.1.0/24"), prefix("192.168.1.0/25"));
}

TEST(Prefix, IsNotReadFromAnythingElse) {
  for (const auto* text : {"", "/24", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/8x",
                           "10.0.0.0/ 8", "2001:db8::/129", "10.0.0/8", "10.0.0.0/8/8"}) {
    EXPECT_FALSE(Prefix::parse(text)) << text;
  }
}

TEST(Prefix, KnowsItsBroadcastAddress) {
  EXPECT_EQ(prefix("192.168.1.0/24").directed_broadcast(), address("192.168.1.255"));
  EXPECT_EQ(prefix("10.0.0.0/8").directed_broadcast(), address("10.255.255.255"));
  EXPECT_EQ(prefix("192.0.2.4/30").directed_broadcast(), address("192.0.2.7"));
  EXPECT_EQ(prefix("0.0.0.0/0").directed_broadcast(), address("255.255.255.255"));
}

TEST(Prefix, HasNoBroadcastAddressWhereNoneExists) {
  EXPECT_FALSE(prefix("192.0.2.4/31").directed_broadcast());
  EXPECT_FALSE(prefix("192.0.2.4/32").directed_broadcast());
  EXPECT_FALSE(prefix("2001:db8::/64").directed_broadcast());
}

}  // namespace
}  // namespace postern
