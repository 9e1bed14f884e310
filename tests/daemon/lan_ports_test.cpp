#include "daemon/lan_ports.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

[[nodiscard]] Address address(const char* text) {
  return Address::parse(text).value();
}

/// "br-lan 4 5351" or "br-lan 6 1900 ff02::c ff05::c" for each port.
[[nodiscard]] std::vector<std::string> ports(const Network& network, const Config& config) {
  std::vector<std::string> all;
  for (const auto& at : wanted_udp_ports(network, config)) {
    std::string text = at.interface + (at.family == Family::v4 ? " 4 " : " 6 ");
    text += std::to_string(at.port);
    for (const auto& group : at.groups) text += " " + group.to_string();
    all.push_back(text);
  }
  return all;
}

[[nodiscard]] Network network(std::vector<InterfaceAddress> addresses) {
  Network network;
  network.lan.push_back({"br-lan", 2, std::move(addresses)});
  return network;
}

const InterfaceAddress kV4{address("192.168.1.1"), 24};
const InterfaceAddress kLinkLocal{address("fe80::1"), 64};

TEST(LanPorts, EachProtocolHasItsOwn) {  // SSDP-30
  EXPECT_THAT(ports(network({kV4, kLinkLocal}), Config()),
              ElementsAre("br-lan 4 5351", "br-lan 4 1900 239.255.255.250", "br-lan 6 5351",
                          "br-lan 6 1900 ff02::c ff05::c"));
}

TEST(LanPorts, WithoutIpv6ThereAreNoneOfIt) {
  EXPECT_THAT(ports(network({kV4}), Config()),
              ElementsAre("br-lan 4 5351", "br-lan 4 1900 239.255.255.250"));
}

TEST(LanPorts, NatPmpIsNotServedOverIpv6) {
  Config config;
  config.pcp_enabled = config.upnp.enabled = false;
  EXPECT_THAT(ports(network({kV4, kLinkLocal}), config), ElementsAre("br-lan 4 5351"));
}

TEST(LanPorts, WhatIsSwitchedOffHasNone) {
  Config config;
  config.pcp_enabled = config.natpmp_enabled = false;
  EXPECT_THAT(ports(network({kV4}), config), ElementsAre("br-lan 4 1900 239.255.255.250"));
  config.upnp.enabled = false;
  EXPECT_THAT(ports(network({kV4, kLinkLocal}), config), IsEmpty());
}

TEST(LanPorts, AnInterfaceThatIsNotThereHasNone) {
  Network gone = network({});
  gone.lan[0].index = 0;
  EXPECT_THAT(ports(gone, Config()), IsEmpty());
}

}  // namespace
}  // namespace postern
