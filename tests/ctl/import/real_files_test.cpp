// Files as Debian, OpenWrt and OPNsense write them become files that posternd takes.

#include <fstream>
#include <iterator>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ctl/import/importing.h"

namespace postern::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

[[nodiscard]] std::string text_of(const std::string& name) {
  std::ifstream stream(POSTERN_IMPORT_DIR "/" + name);
  EXPECT_TRUE(stream.is_open()) << name;
  return {std::istreambuf_iterator<char>(stream), {}};
}

const Address kHost = *Address::parse("192.168.1.10");
const Address kGuest = *Address::parse("192.168.2.10");
const Address kHost6 = *Address::parse("2001:db8:1::10");

TEST(RealFiles, Debian) {
  const auto config = config_of(text_of("debian.conf"));
  EXPECT_EQ(config.wan, std::nullopt);
  EXPECT_THAT(config.lan, testing::IsEmpty());
  EXPECT_FALSE(config.natpmp_enabled);
  EXPECT_FALSE(config.pcp_enabled);
  EXPECT_TRUE(config.upnp.enabled);
  // Nothing is forbidden but to map for others.
  const auto policy = policy_of(config);
  EXPECT_TRUE(allows(policy, kHost, {kHost, 22}, 80));
  EXPECT_TRUE(allows(policy, kHost6, {kHost6, 22}, 22));
  EXPECT_FALSE(allows(policy, kHost, {kGuest, 4000}, 4000));
}

TEST(RealFiles, OpenWrtGenerated) {
  const auto made = imported(text_of("openwrt_generated.conf"));
  const auto config = read_by_daemon(made.toml);
  EXPECT_EQ(config.wan, "pppoe-wan");
  EXPECT_THAT(config.lan, ElementsAre("br-lan"));
  EXPECT_TRUE(config.natpmp_enabled && config.pcp_enabled && config.upnp.enabled);
  EXPECT_EQ(config.upnp.http_port, 5000);
  EXPECT_THAT(made.lease_files,
              ElementsAre("/nowhere/miniupnpd.leases", "/nowhere/miniupnpd.leases-ipv6"));
  const auto policy = policy_of(config);
  EXPECT_TRUE(allows(policy, kHost, {kHost, 5432}, 1024));
  EXPECT_FALSE(allows(policy, kHost, {kHost, 3389}, 3389));
  EXPECT_TRUE(allows(policy, kHost, {kHost, 3389}, 4000));
  EXPECT_FALSE(allows(policy, kHost, {kHost, 1023}, 4000));
  EXPECT_EQ(config.rules[1].name, "line 26: Accept port 1024-65535 on lan");
}

TEST(RealFiles, OpenWrtUci) {
  const auto made = imported(text_of("openwrt/upnpd"), {}, text_of("openwrt/network"));
  const auto config = read_by_daemon(made.toml);
  EXPECT_THAT(config.lan, ElementsAre("br-home", "br-guest"));
  EXPECT_TRUE(config.natpmp_enabled && config.pcp_enabled && config.upnp.enabled);
  EXPECT_EQ(config.upnp.http_port, 5000);
  EXPECT_THAT(made.remarks, HasSubstr("file:2: enabled: the service was switched off"));
  EXPECT_EQ(config.rules[0].name, "line 16: High ports");
  const auto policy = policy_of(config);
  EXPECT_TRUE(allows(policy, kHost, {kHost, 4000}, 4000));
  EXPECT_FALSE(allows(policy, kHost, {kHost, 80}, 4000));
}

TEST(RealFiles, OpenWrtUciVersion2) {
  const auto config = config_of(text_of("openwrt2.upnpd"));
  EXPECT_THAT(config.lan, ElementsAre("br-lan", "guest"));
  EXPECT_EQ(config.upnp.friendly_name, "OpenWrt \"caf\xc3\xa9\"");
  EXPECT_TRUE(config.natpmp_enabled && config.pcp_enabled && config.upnp.enabled);
}

TEST(RealFiles, OpnSense) {
  const auto config = config_of(text_of("opnsense.conf"));
  EXPECT_EQ(config.wan, "igb0");
  EXPECT_THAT(config.lan, ElementsAre("igb1", "igb2"));
  EXPECT_EQ(config.external_address, Address::parse("198.51.100.7"));
  EXPECT_EQ(config.upnp.http_port, 2189);
  EXPECT_EQ(config.upnp.presentation_url, "https://192.168.1.1:8443/");
  EXPECT_EQ(config.limits.min_lifetime, Seconds(120));
  EXPECT_EQ(config.limits.max_lifetime, Seconds(86400));
  const auto policy = policy_of(config);
  EXPECT_TRUE(allows(policy, kHost, {kHost, 443}, 443));
  EXPECT_FALSE(allows(policy, kHost, {kHost, 80}, 443));
  EXPECT_FALSE(allows(policy, kGuest, {kGuest, 4000}, 4000));
}

/// Nothing is said on stderr alone, nor in the file alone.
TEST(RealFiles, RemarksAreInTheFileAndBeside) {
  for (const auto* name : {"debian.conf", "openwrt_generated.conf", "opnsense.conf",
                           "openwrt/upnpd", "openwrt2.upnpd"}) {
    const auto made = imported(text_of(name));
    std::istringstream remarks(made.remarks);
    int count = 0;
    for (std::string line; std::getline(remarks, line); ++count) {
      ASSERT_TRUE(line.starts_with("file:")) << line;
      EXPECT_THAT(made.toml, HasSubstr(line.substr(line.find(' ') + 1)));
    }
    EXPECT_GT(count, 5) << name;
  }
}

}  // namespace
}  // namespace postern::test
