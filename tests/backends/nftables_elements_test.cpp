#include <algorithm>
#include <initializer_list>
#include <vector>

#include <gtest/gtest.h>

#include "backends/nftables/elements.h"

namespace postern::nftables {
namespace {

const Endpoint kOutside{Address::v4({203, 0, 113, 1}), 1000};
const Endpoint kInside{Address::v4({192, 168, 78, 2}), 5000};

const Endpoint kInside6{*Address::parse("2001:db8::2"), 5000};

/// A key of these octets, the rest zero.
[[nodiscard]] ElementKey key(std::initializer_list<int> octets) {
  ElementKey key{};
  std::copy(octets.begin(), octets.end(), key.begin());
  return key;
}

[[nodiscard]] std::vector<Element> elements_of(const Door& door) {
  std::vector<Element> elements;
  append_elements(door, elements);
  return elements;
}

[[nodiscard]] Element only_element_of(const Door& door) {
  const auto elements = elements_of(door);
  EXPECT_EQ(elements.size(), 1U);
  return elements.front();
}

TEST(Elements, AForwardIsKeyedByItsOutside) {
  const auto element = only_element_of(Forward4{Protocol::udp, kOutside, kInside});
  EXPECT_EQ(element.container, Container::dnat4);
  EXPECT_EQ(key_size(element.container), 12U);
  EXPECT_EQ(element.key, key({203, 0, 113, 1,                // external address
                              17, 0, 0, 0,                   // protocol, padding
                              0x03, 0xe8, 0, 0}));           // external port, padding
  EXPECT_EQ(element.data, (ElementData{192, 168, 78, 2,      // internal address
                                       0x13, 0x88, 0, 0}));  // internal port, padding
  EXPECT_FALSE(element.key_end);
}

TEST(Elements, AForwardForOneHostIsKeyedByThatHostToo) {
  const auto element = only_element_of(
      Forward4{Protocol::udp, kOutside, kInside, {{*Prefix::parse("198.51.100.9")}}});
  EXPECT_EQ(element.container, Container::dnat4_host);
  EXPECT_EQ(key_size(element.container), 16U);
  EXPECT_EQ(element.key, key({198, 51, 100, 9,      // remote address
                              203, 0, 113, 1,       // external address
                              17, 0, 0, 0,          // protocol, padding
                              0x03, 0xe8, 0, 0}));  // external port, padding
  EXPECT_FALSE(element.key_end);
}

TEST(Elements, AForwardForAPrefixIsAnInterval) {
  const auto element = only_element_of(
      Forward4{Protocol::udp, kOutside, kInside, {{*Prefix::parse("198.51.100.0/24"), 7, 9}}});
  EXPECT_EQ(element.container, Container::dnat4_range);
  EXPECT_EQ(key_size(element.container), 20U);
  EXPECT_EQ(element.key, key({198,  51,   100, 0,     // first remote address
                              0,    7,    0,   0,     // first remote port, padding
                              203,  0,    113, 1,     // external address
                              17,   0,    0,   0,     // protocol, padding
                              0x03, 0xe8, 0,   0}));  // external port, padding
  EXPECT_EQ(element.key_end,
            key({198, 51, 100, 255, 0, 9, 0, 0, 203, 0, 113, 1, 17, 0, 0, 0, 0x03, 0xe8, 0, 0}));
}

TEST(Elements, AnOutboundIsKeyedByItsInside) {
  const auto element = only_element_of(Outbound4{Protocol::tcp, kInside, kOutside});
  EXPECT_EQ(element.container, Container::snat4);
  EXPECT_EQ(element.key, key({6, 0, 0, 0,                    // protocol, padding
                              192, 168, 78, 2,               // internal address
                              0x13, 0x88, 0, 0}));           // internal port, padding
  EXPECT_EQ(element.data, (ElementData{203, 0, 113, 1,       // external address
                                       0x03, 0xe8, 0, 0}));  // external port, padding
}

TEST(Elements, APinIsTheInsideAlone) {
  const auto element = only_element_of(Pin4{Protocol::udp, kInside});
  EXPECT_EQ(element.container, Container::pin4);
  EXPECT_EQ(element.key, key({192, 168, 78, 2,      // internal address
                              17, 0, 0, 0,          // protocol, padding
                              0x13, 0x88, 0, 0}));  // internal port, padding
  EXPECT_FALSE(element.data);
}

TEST(Elements, APinholeIsItsInside) {
  const auto element = only_element_of(Pinhole6{Protocol::tcp, kInside6});
  EXPECT_EQ(element.container, Container::pin6);
  EXPECT_EQ(key_size(element.container), 24U);
  EXPECT_EQ(element.key, key({0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0,
                              0,    0,    0,    0,    0, 2, 6, 0, 0, 0,  // protocol, padding
                              0x13, 0x88, 0,    0}));                    // internal port, padding
  EXPECT_FALSE(element.data);
}

TEST(Elements, TheLargestKeyIsThatOfAnIpv6Interval) {
  for (const auto container : kContainers) EXPECT_LE(key_size(container), kLargestKey);
  EXPECT_EQ(key_size(Container::pin6_range), kLargestKey);
}

TEST(Elements, DoorsComeBackFromTheirElements) {
  const RemoteFilter host4{*Prefix::parse("198.51.100.9")};
  const RemoteFilter prefix4{*Prefix::parse("198.51.0.0/17"), 0, 79};
  const RemoteFilter everybody4{*Prefix::parse("0.0.0.0/0"), 53, 53};
  const RemoteFilter host6{*Prefix::parse("2001:db8:1::1")};
  const RemoteFilter prefix6{*Prefix::parse("2001:db8:1::/49")};
  const RemoteFilter everybody6{*Prefix::parse("::/0"), 53, 53};
  for (const auto protocol : {Protocol::tcp, Protocol::udp}) {
    for (const Door& door : std::initializer_list<Door>{
             Forward4{protocol, kOutside, kInside}, Forward4{protocol, kOutside, kInside, {host4}},
             Forward4{protocol, kOutside, kInside, {prefix4}},
             Forward4{protocol, kOutside, kInside, {everybody4}}, Pin4{protocol, kInside},
             Outbound4{protocol, kInside, kOutside}, Pinhole6{protocol, kInside6},
             Pinhole6{protocol, kInside6, {host6}}, Pinhole6{protocol, kInside6, {prefix6}},
             Pinhole6{protocol, kInside6, {everybody6}}}) {
      EXPECT_EQ(door_of(only_element_of(door)), door);
    }
  }
}

TEST(Elements, EachFilterIsAnElement) {
  const RemoteFilters filters{{*Prefix::parse("198.51.100.9")}, {*Prefix::parse("192.0.2.0/24")}};
  EXPECT_EQ(elements_of(Forward4{Protocol::udp, kOutside, kInside, filters}).size(), 2U);
}

TEST(Elements, WhatIsNotOursIsNoDoor) {
  const auto ours = only_element_of(Forward4{Protocol::udp, kOutside, kInside});
  ASSERT_TRUE(door_of(ours));

  const auto with_key = [&](std::size_t index, std::uint8_t octet) {
    auto element = ours;
    element.key[index] = octet;
    return element;
  };
  EXPECT_FALSE(door_of(with_key(4, 132))) << "SCTP";
  EXPECT_FALSE(door_of(with_key(5, 1))) << "padding of the protocol";
  EXPECT_FALSE(door_of(with_key(11, 1))) << "padding of the port";

  auto port_zero = with_key(8, 0);
  port_zero.key[9] = 0;
  EXPECT_FALSE(door_of(port_zero));

  auto padded_data = ours;
  (*padded_data.data)[7] = 1;
  EXPECT_FALSE(door_of(padded_data));

  auto without_data = ours;
  without_data.data.reset();
  EXPECT_FALSE(door_of(without_data));
}

TEST(Elements, AnIntervalThatIsNoPrefixIsNoDoor) {
  const auto ours = only_element_of(
      Forward4{Protocol::udp, kOutside, kInside, {{*Prefix::parse("198.51.100.0/24"), 7, 9}}});
  ASSERT_TRUE(door_of(ours));
  const auto with_end = [&](std::size_t index, std::uint8_t octet) {
    auto element = ours;
    (*element.key_end)[index] = octet;
    return element;
  };
  EXPECT_FALSE(door_of(with_end(3, 254))) << "not the last address of a prefix";
  EXPECT_FALSE(door_of(with_end(5, 6))) << "ports backwards";
  EXPECT_FALSE(door_of(with_end(11, 2))) << "several external addresses";
  EXPECT_FALSE(door_of(with_end(12, 6))) << "several protocols";
  auto single = ours;
  single.key_end.reset();
  EXPECT_FALSE(door_of(single));
}

TEST(Elements, ATimeoutIsTheTimeLeft) {
  const Moment now{std::chrono::hours(1000)};
  EXPECT_EQ(timeout_until(now + std::chrono::minutes(2), now), Milliseconds(120'000));
  EXPECT_EQ(timeout_until(now + Milliseconds(11), now), Milliseconds(11));
}

TEST(Elements, ATimeoutIsNeverRoundedToNone) {
  const Moment now{std::chrono::hours(1000)};
  EXPECT_EQ(timeout_until(now + Milliseconds(1), now), Milliseconds(10));
  EXPECT_EQ(timeout_until(now, now), std::nullopt);
  EXPECT_EQ(timeout_until(now - Milliseconds(1), now), std::nullopt);
}

TEST(Elements, ATimeoutIsAtMostAYear) {
  const Moment now{std::chrono::hours(1000)};
  constexpr Milliseconds kYear = std::chrono::hours(365 * 24);
  EXPECT_EQ(timeout_until(now + kYear - Milliseconds(1), now), kYear - Milliseconds(1));
  EXPECT_EQ(timeout_until(now + kYear + Milliseconds(1), now), kYear);
  EXPECT_EQ(timeout_until(Moment::max(), now), kYear);
}

}  // namespace
}  // namespace postern::nftables
