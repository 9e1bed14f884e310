#include "core/port_set.h"

#include <array>
#include <bitset>
#include <random>

#include <gtest/gtest.h>

namespace postern {
namespace {

PortSet ports(std::string_view text) {
  return PortSet::parse(text).value();
}

std::bitset<65536> bits(const PortSet& set) {
  std::bitset<65536> all;
  for (const auto& range : set.ranges()) {
    for (std::uint32_t port = range.first; port <= range.last; ++port) all.set(port);
  }
  return all;
}

TEST(PortSet, IsReadAsSortedRangesThatDoNotTouch) {
  EXPECT_EQ(ports("9, 1024-65535").to_string(), "9, 1024-65535");
  EXPECT_EQ(ports("1024-65535,9").to_string(), "9, 1024-65535");
  EXPECT_EQ(ports("1-5, 6-10").to_string(), "1-10");
  EXPECT_EQ(ports("1-5, 3-4").to_string(), "1-5");
  EXPECT_EQ(ports("1-5, 7-10").to_string(), "1-5, 7-10");
  EXPECT_EQ(ports("65535, 1-65535").to_string(), "1-65535");
  EXPECT_EQ(ports("\t80 -  81 ").to_string(), "80-81");
}

TEST(PortSet, IsNotReadFromAnythingElse) {
  for (const auto* text : {"", " ", ",", "80,", ",80", "0", "0-5", "65536", "5-1", "1-2-3", "-5",
                           "5-", "http", "80 81", "+80", "0x50", "1.5"}) {
    EXPECT_FALSE(PortSet::parse(text)) << text;
  }
}

TEST(PortSet, ContainsItsBordersAndNothingBeyond) {
  const auto set = ports("9, 1024-2000, 65535");
  for (const std::uint16_t port : std::to_array<std::uint16_t>({9, 1024, 1500, 2000, 65535}))
    EXPECT_TRUE(set.contains(port));
  for (const std::uint16_t port : std::to_array<std::uint16_t>({0, 8, 10, 1023, 2001, 65534}))
    EXPECT_FALSE(set.contains(port));
  EXPECT_FALSE(PortSet().contains(1));
}

TEST(PortSet, CountsAndNumbersItsPortsInOrder) {
  const auto set = ports("9, 1024-1026, 65535");
  ASSERT_EQ(set.size(), 5U);
  EXPECT_EQ(set.at(0), 9);
  EXPECT_EQ(set.at(1), 1024);
  EXPECT_EQ(set.at(3), 1026);
  EXPECT_EQ(set.at(4), 65535);
  EXPECT_EQ(ports("1-65535").size(), 65535U);
  EXPECT_TRUE(PortSet().empty());
  EXPECT_EQ(PortSet().size(), 0U);
}

TEST(PortSet, IsUnitedAndCut) {
  EXPECT_EQ(ports("1-10").united_with(ports("5-20")), ports("1-20"));
  EXPECT_EQ(ports("1-10").united_with(PortSet()), ports("1-10"));
  EXPECT_EQ(ports("1-10").without(ports("5")), ports("1-4, 6-10"));
  EXPECT_EQ(ports("1-10").without(ports("1-10")), PortSet());
  EXPECT_EQ(ports("1-65535").without(ports("65535")), ports("1-65534"));
  EXPECT_EQ(ports("1-65535").without(ports("1, 65535")), ports("2-65534"));
  EXPECT_EQ(ports("5-6, 8-9").without(ports("1-5, 9-20")), ports("6, 8"));
}

TEST(PortSet, KnowsWhatLiesWithinAnother) {
  EXPECT_TRUE(ports("80, 443").is_within(ports("80-443")));
  EXPECT_TRUE(PortSet().is_within(ports("80")));
  EXPECT_FALSE(ports("79-80").is_within(ports("80-443")));
}

TEST(PortSet, AgreesWithBitsOnRandomSets) {
  std::mt19937 random(7);
  const auto random_set = [&] {
    std::vector<PortRange> ranges;
    for (auto count = random() % 5; count > 0; --count) {
      const auto first = static_cast<std::uint16_t>(1 + random() % 300);
      const auto last = static_cast<std::uint16_t>(first + random() % 40);
      ranges.push_back({first, last});
    }
    return PortSet(ranges);
  };
  for (int round = 0; round < 500; ++round) {
    const auto a = random_set();
    const auto b = random_set();
    ASSERT_EQ(bits(a.united_with(b)), bits(a) | bits(b)) << a.to_string() << " | " << b.to_string();
    ASSERT_EQ(bits(a.without(b)), bits(a) & ~bits(b)) << a.to_string() << " - " << b.to_string();
    ASSERT_EQ(a.size(), bits(a).count());
    // The ranges are in their one normal form, so that equal sets compare equal.
    ASSERT_EQ(a.without(b).united_with(PortSet()), a.without(b));
  }
}

}  // namespace
}  // namespace postern
