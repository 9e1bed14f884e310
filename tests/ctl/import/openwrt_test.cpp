#include "ctl/import/openwrt.h"

#include <array>
#include <cstdint>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ctl/import/importing.h"
#include "tests/support/known_clients.h"

namespace postern::test {
namespace {

using namespace ctl::miniupnpd;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(Uci, IsRecognised) {
  EXPECT_TRUE(is_uci("\n# remark\n  config upnpd 'config'\n"));
  EXPECT_TRUE(is_uci("package upnpd\n"));
  EXPECT_FALSE(is_uci("ext_ifname=eth0\n"));
  EXPECT_FALSE(is_uci("# config upnpd\nallow 1 10.0.0.1 1\nconfig upnpd\n"));
  EXPECT_FALSE(is_uci(""));
}

TEST(Uci, Words) {
  const auto sections = read_uci(
      "package upnpd\nconfig upnpd 'config'\n\toption a 'it is'  # remark\n\toption b \"x\\\"'#\"\n"
      "\tlist c one\\ 'two'three\n\tlist c \"\"\nconfig perm_rule\n\toption a 1\n\toption a 2\n");
  ASSERT_TRUE(sections);
  ASSERT_EQ(sections->size(), 2U);
  const auto& main = sections->front();
  EXPECT_EQ(main.type + " " + main.name, "upnpd config");
  std::vector<std::string> options;
  for (const auto& option : main.options) {
    options.push_back(std::to_string(option.line) + " " + option.name + " " + option.value);
  }
  EXPECT_THAT(options, ElementsAre("3 a it is", "4 b x\"'#", "5 c one twothree", "6 c "));
  EXPECT_EQ(sections->back().find("a")->value, "2");
  EXPECT_EQ(sections->back().find("b"), nullptr);
}

TEST(Uci, ErrorsNameFileAndLine) {
  for (const auto* line :
       {"option a 'open", "option a", "option a 1 2", "config", "config a b c", "nonsense 1"}) {
    const auto error = import_error("config upnpd\n\n" + std::string(line) + "\n");
    EXPECT_TRUE(error.starts_with("file:3: ")) << line << ": " << error;
  }
  EXPECT_THAT(import_error("package upnpd\noption a 1"), HasSubstr("file:2: stands before"));
  EXPECT_THAT(import_error("config perm_rule\noption ext_ports '1,2'"),
              HasSubstr("file:2: ext_ports: "));
  EXPECT_THAT(import_error("config perm_rule\n\noption int_addr 'fe80::1'"),
              HasSubstr("file:3: int_addr: "));
  EXPECT_THAT(import_error("config internal_network\noption interface '10.0.0.1'"),
              HasSubstr("file:1: interface: "));
}

[[nodiscard]] Config openwrt_config(const std::string& options) {
  return config_of("config upnpd 'config'\n" + options);
}

TEST(OpenWrt, Protocols) {
  EXPECT_TRUE(openwrt_config("").natpmp_enabled);
  EXPECT_TRUE(openwrt_config("").upnp.enabled);
  EXPECT_FALSE(openwrt_config("option enable_natpmp 0").pcp_enabled);
  EXPECT_FALSE(openwrt_config("option enable_upnp off").upnp.enabled);
  EXPECT_TRUE(openwrt_config("option enable_upnp enabled").upnp.enabled);
  EXPECT_FALSE(openwrt_config("option enabled_protocols upnp-igd").natpmp_enabled);
  EXPECT_TRUE(openwrt_config("option enabled_protocols upnp-igd").upnp.enabled);
  EXPECT_FALSE(openwrt_config("option enabled_protocols 'pcp+nat-pmp'").upnp.enabled);
  EXPECT_TRUE(openwrt_config("option enabled_protocols 'pcp+nat-pmp'").natpmp_enabled);
}

TEST(OpenWrt, ForOthers) {
  const auto host = *Address::parse("192.168.1.10");
  const auto other = *Address::parse("192.168.1.11");
  const auto maps_for_others = [&](const std::string& options) {
    return allows(policy_of(openwrt_config(options)), host, {other, 4000}, 4000);
  };
  EXPECT_FALSE(maps_for_others(""));
  EXPECT_FALSE(maps_for_others("option secure_mode 1"));
  EXPECT_TRUE(maps_for_others("option secure_mode 0"));
  EXPECT_FALSE(maps_for_others("option allow_third_party_mapping 0"));
  EXPECT_TRUE(maps_for_others("option allow_third_party_mapping 1"));
  EXPECT_TRUE(maps_for_others("option allow_third_party_mapping upnp-igd"));
  EXPECT_FALSE(maps_for_others("option allow_third_party_mapping pcp"));
  EXPECT_THAT(openwrt_config("option allow_third_party_mapping pcp").pcp.third_party,
              Not(IsEmpty()));
  EXPECT_THAT(openwrt_config("option allow_third_party_mapping upnp-igd").pcp.third_party,
              IsEmpty());
}

TEST(OpenWrt, NamesOfDevices) {
  const std::string network =
      "config interface lan\noption device br-a\nconfig interface 'old'\noption type "
      "bridge\noption "
      "ifname 'eth0 eth1'\nconfig interface plain\noption ifname eth7\n";
  const auto lan_of = [&](const std::string& text, const std::string& names) {
    return read_by_daemon(imported(text, {}, names).toml).lan;
  };
  EXPECT_THAT(lan_of("config upnpd\n", network), ElementsAre("br-a"));
  EXPECT_THAT(lan_of("config upnpd\n", ""), ElementsAre("br-lan"));
  EXPECT_THAT(lan_of("config upnpd\noption internal_iface 'old plain'\n", network),
              ElementsAre("br-old", "eth7"));
  EXPECT_THAT(imported("config upnpd\noption internal_iface x").remarks,
              HasSubstr("file:2: network \"x\": taken for the device x"));
  EXPECT_THAT(imported("config upnpd\noption external_iface wan2").remarks,
              HasSubstr("file:2: external_iface: names the network \"wan2\""));
}

TEST(OpenWrt, NamesOfOptionsAreThoseOfTheFile) {
  const auto remarks = imported(
                           "config upnpd\noption serial_number 7\noption log_output 1\noption "
                           "what_is_this 1\nconfig other\nconfig perm_rule\noption more 1\n")
                           .remarks;
  EXPECT_THAT(remarks, HasSubstr("file:2: serial_number: no counterpart"));
  EXPECT_THAT(remarks, HasSubstr("file:3: log_output: no counterpart"));
  EXPECT_THAT(remarks, HasSubstr("file:4: what_is_this: is not an option"));
  EXPECT_THAT(remarks, HasSubstr("file:5: config other: is not a section"));
  EXPECT_THAT(imported("config upnpd\noption allow_third_party_mapping 1").remarks,
              testing::AllOf(HasSubstr("file:2: allow_third_party_mapping: lets hosts map"),
                             HasSubstr("file:2: allow_third_party_mapping: lets every host")));
  EXPECT_THAT(imported("config upnpd\noption external_iface6 w").remarks,
              HasSubstr("file:2: external_iface6: no counterpart"));
  EXPECT_THAT(remarks, HasSubstr("file:7: more: is not an option of perm_rule"));
}

TEST(OpenWrt, LeaseFiles) {
  EXPECT_THAT(imported("config upnpd\n").lease_files,
              ElementsAre("/var/run/miniupnpd.leases", "/var/run/miniupnpd.leases-ipv6"));
  EXPECT_THAT(imported("config upnpd\noption lease_file /l").lease_files,
              ElementsAre("/l", "/l-ipv6"));
}

TEST(OpenWrt, RulesWithoutOptionsAreAboutEverything) {
  const auto policy = policy_of(config_of("config upnpd\nconfig perm_rule\n"));
  const auto host = *Address::parse("192.168.1.10");
  EXPECT_FALSE(allows(policy, host, {host, 4000}, 4000));
}

/// Networks with presets mean what the start script writes for them.
TEST(OpenWrt, Presets) {
  const std::string uci =
      "config upnpd 'config'\n"
      "config internal_network\noption interface lan\noption acl_preset accept-high-ports+web\n"
      "option acl_reject_ports '137-139 3389 x'\n"
      "config internal_network\noption interface guest\noption acl_preset none\n"
      "option acl_accept_ports 5000-5010\noption acl_custom_first 1\n"
      "config perm_rule\noption int_addr 192.168.2.9\noption int_ports 3074\n"
      "option ext_ports 3074\noption action allow\n"
      "config perm_rule\noption int_addr 192.168.2.8\n";
  const std::string conf =
      "secure_mode=yes\n"
      "deny 137-139 192.168.1.0/24 137-139\ndeny 3389 192.168.1.0/24 3389\n"
      "allow 1024-65535 192.168.1.0/24 1024-65535\nallow 80 192.168.1.0/24 80\n"
      "allow 443 192.168.1.0/24 443\ndeny 1-65535 192.168.1.0/24 1-65535\n"
      "deny 21 192.168.2.0/24 21\ndeny 23 192.168.2.0/24 23\ndeny 135 192.168.2.0/24 135\n"
      "deny 137-139 192.168.2.0/24 137-139\ndeny 445 192.168.2.0/24 445\n"
      "deny 3389 192.168.2.0/24 3389\n"
      "allow 3074 192.168.2.9/32 3074\ndeny 0-65535 192.168.2.8/32 0-65535\n"
      "allow 5000-5010 192.168.2.0/24 5000-5010\n";
  KnownClients clients;
  std::vector<Address> hosts;
  for (const auto* text : {"192.168.1.8", "192.168.2.7", "192.168.2.8", "192.168.2.9"}) {
    hosts.push_back(*Address::parse(text));
    clients.links[hosts.back()] = {text[8] == '1' ? "br-lan" : "guest", std::nullopt};
  }
  const auto ours = policy_of(config_of(uci), &clients);
  const auto theirs = policy_of(config_of(conf));
  int allowed = 0;
  for (const auto& host : hosts) {
    for (const auto port :
         std::to_array<std::uint16_t>({1, 21, 22, 80, 138, 443, 1024, 3074, 3389, 5005, 65535})) {
      const bool is_allowed = allows(theirs, host, {host, port}, port);
      EXPECT_EQ(allows(ours, host, {host, port}, port), is_allowed)
          << host.to_string() << " " << port;
      allowed += is_allowed ? 1 : 0;
    }
  }
  EXPECT_GT(allowed, 10);
  EXPECT_THAT(imported(uci).remarks, HasSubstr("file:2: port \"x\" is none"));
}

}  // namespace
}  // namespace postern::test
