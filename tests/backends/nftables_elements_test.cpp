#include <gtest/gtest.h>

#include "backends/nftables/elements.h"

namespace postern::nftables {
namespace {

const Endpoint kOutside{Address::v4({203, 0, 113, 1}), 1000};
const Endpoint kInside{Address::v4({192, 168, 78, 2}), 5000};

TEST(Elements, AForwardIsKeyedByItsOutside) {
  const auto element = element_of(Forward4{Protocol::udp, kOutside, kInside});
  EXPECT_EQ(element.container, Container::dnat4);
  EXPECT_EQ(element.key, (ElementKey{203, 0, 113, 1,         // external address
                                     17, 0, 0, 0,            // protocol, padding
                                     0x03, 0xe8, 0, 0}));    // external port, padding
  EXPECT_EQ(element.data, (ElementData{192, 168, 78, 2,      // internal address
                                       0x13, 0x88, 0, 0}));  // internal port, padding
}

TEST(Elements, AnOutboundIsKeyedByItsInside) {
  const auto element = element_of(Outbound4{Protocol::tcp, kInside, kOutside});
  EXPECT_EQ(element.container, Container::snat4);
  EXPECT_EQ(element.key, (ElementKey{6, 0, 0, 0,             // protocol, padding
                                     192, 168, 78, 2,        // internal address
                                     0x13, 0x88, 0, 0}));    // internal port, padding
  EXPECT_EQ(element.data, (ElementData{203, 0, 113, 1,       // external address
                                       0x03, 0xe8, 0, 0}));  // external port, padding
}

TEST(Elements, APinIsTheInsideAlone) {
  const auto element = pin_element(Protocol::udp, kInside);
  EXPECT_EQ(element.container, Container::pin4);
  EXPECT_EQ(element.key, (ElementKey{192, 168, 78, 2,      // internal address
                                     17, 0, 0, 0,          // protocol, padding
                                     0x13, 0x88, 0, 0}));  // internal port, padding
  EXPECT_FALSE(element.data);
}

TEST(Elements, DoorsComeBackFromTheirElements) {
  for (const auto protocol : {Protocol::tcp, Protocol::udp}) {
    const Door forward = Forward4{protocol, kOutside, kInside};
    const Door outbound = Outbound4{protocol, kInside, kOutside};
    EXPECT_EQ(door_of(element_of(forward)), forward);
    EXPECT_EQ(door_of(element_of(outbound)), outbound);
  }
}

TEST(Elements, WhatIsNotOursIsNoDoor) {
  const auto ours = element_of(Forward4{Protocol::udp, kOutside, kInside});
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

  EXPECT_FALSE(door_of(pin_element(Protocol::udp, kInside)));
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
