#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/ctl/import/importing.h"

namespace postern::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

[[nodiscard]] std::string remarks_of(const std::string& text) {
  return imported(text).remarks;
}

[[nodiscard]] Interface interface(const std::string& name, const std::string& address,
                                  unsigned length) {
  Interface made;
  made.name = name;
  made.addresses.push_back({*Address::parse(address), length});
  return made;
}

TEST(Conversion, GuardedPortsThatARuleOpensAreTold) {
  const std::string end = "deny 0-65535 0.0.0.0/0 0-65535\nipv6_disable=yes\n";
  constexpr const char* kRemark = "services that should rarely be seen from outside";
  constexpr const char* kAgain = "are named again";
  const auto alone = imported("allow 22 192.168.1.0/24 22\n" + end);
  EXPECT_THAT(alone.remarks, HasSubstr(kRemark));
  EXPECT_THAT(alone.toml, Not(HasSubstr(kAgain)));
  const auto among = imported("allow 20-30 192.168.1.0/24 20-30\n" + end);
  EXPECT_THAT(among.remarks, HasSubstr(kRemark));
  EXPECT_THAT(among.toml,
              HasSubstr(std::string(kAgain) + ": only so are they open.\n"
                                              "internal_ports = \"20-30, 21-23, 25\"\n"));
  const auto none = imported("allow 1024-2000 192.168.1.0/24 1024-2000\n" + end);
  EXPECT_THAT(none.remarks, Not(HasSubstr(kRemark)));
  EXPECT_THAT(none.toml, Not(HasSubstr(kAgain)));
}

TEST(Conversion, Interfaces) {
  const auto config =
      config_of("ext_ifname=ppp0\nlistening_ip=br0 eth1 wlan0\nlistening_ip=eth2\n");
  EXPECT_EQ(config.wan, "ppp0");
  EXPECT_THAT(config.lan, ElementsAre("br0", "eth2"));
  EXPECT_THAT(remarks_of("listening_ip=br0 eth1"), HasSubstr("file:1: listening_ip: the interf"));
  EXPECT_THAT(remarks_of("ext_ifname=a\next_ifname6=b"),
              HasSubstr("file:2: ext_ifname6: no count"));
  EXPECT_THAT(remarks_of("ext_ifname=a\next_ifname6=a"), Not(HasSubstr("ext_ifname6")));
}

TEST(Conversion, AddressesThatStandForInterfaces) {
  const std::vector<Interface> here{interface("eth0", "203.0.113.9", 24),
                                    interface("br1", "192.168.1.1", 24),
                                    interface("br2", "10.5.7.1", 24)};
  EXPECT_THAT(config_of("listening_ip=192.168.1.1/24", here).lan, ElementsAre("br1"));
  EXPECT_THAT(config_of("listening_ip=192.168.1.1", here).lan, ElementsAre("br1"));
  EXPECT_THAT(config_of("listening_ip=192.168.1.1/255.255.255.0 203.0.113.9", here).lan,
              ElementsAre("br1"));
  // The network, not the address.
  EXPECT_THAT(config_of("listening_ip=10.5.0.0/16", here).lan, ElementsAre("br2"));
  EXPECT_THAT(imported("listening_ip=192.168.1.1/24 203.0.113.9", here).remarks,
              HasSubstr("the external address 203.0.113.9 for this network has no counterpart"));
  const auto elsewhere = imported("listening_ip=172.16.0.1/24", here);
  EXPECT_THAT(read_by_daemon(elsewhere.toml).lan, IsEmpty());
  EXPECT_THAT(elsewhere.remarks,
              HasSubstr("file:1: listening_ip: Postern serves interfaces, and "));
  // Two addresses of one interface.
  EXPECT_THAT(config_of("listening_ip=br1\nlistening_ip=192.168.1.1/24", here).lan,
              ElementsAre("br1"));
}

TEST(Conversion, Protocols) {
  struct Row {
    std::string text;
    bool natpmp, upnp;
  };
  for (const auto& [text, natpmp, upnp] : std::vector<Row>{{"", false, true},
                                                           {"enable_natpmp=yes", true, true},
                                                           {"enable_natpmp=1", true, true},
                                                           {"enable_natpmp=0", false, true},
                                                           {"enable_pcp_pmp=yes", true, true},
                                                           {"enable_pcp_pmp=no", false, true},
                                                           {"enable_upnp=no", false, false},
                                                           {"enable_upnp=true", false, false},
                                                           {"enable_natpmp=yes\n"
                                                            "enable_pcp_pmp=no",
                                                            true, true}}) {
    const auto config = config_of(text);
    EXPECT_EQ(config.natpmp_enabled, natpmp) << text;
    EXPECT_EQ(config.pcp_enabled, natpmp) << text;
    EXPECT_EQ(config.upnp.enabled, upnp) << text;
  }
  EXPECT_THAT(remarks_of("enable_upnp=true"),
              HasSubstr("file:1: enable_upnp: is \"true\", which miniupnpd takes for no"));
  EXPECT_THAT(remarks_of("enable_upnp=no"), HasSubstr("file: switches all protocols off"));
}

TEST(Conversion, Ports) {
  EXPECT_EQ(config_of("port=2189").upnp.http_port, 2189);
  EXPECT_EQ(config_of("http_port=2189\nport=49000").upnp.http_port, 49000);
  EXPECT_EQ(config_of("http_port=0").upnp.http_port, 5351);
}

TEST(Conversion, Texts) {
  const auto config =
      config_of("friendly_name=Wohnzimmer \"gro\xc3\x9f\" \\ \x1b[2J\xff\npresentation_url=\n");
  EXPECT_EQ(config.upnp.friendly_name, "Wohnzimmer \"gro\xc3\x9f\" \\ ?[2J?");
  EXPECT_EQ(config.upnp.presentation_url, "");
  EXPECT_THAT(remarks_of("presentation_url="), Not(HasSubstr("presentation_url")));
  EXPECT_THAT(remarks_of(""), HasSubstr("file: does not say presentation_url"));
}

TEST(Conversion, ExternalAddress) {
  EXPECT_EQ(config_of("ext_ip=198.51.100.7").external_address, Address::parse("198.51.100.7"));
  EXPECT_EQ(config_of("ext_ip=").external_address, std::nullopt);
  EXPECT_THAT(remarks_of("ext_ip=198.51.100.7"), HasSubstr("file:1: ext_ip: external_address is"));
}

TEST(Conversion, Lifetimes) {
  const auto config = config_of("min_lifetime=300\nmax_lifetime=7200");
  EXPECT_EQ(config.limits.min_lifetime, Seconds(300));
  EXPECT_EQ(config.limits.max_lifetime, Seconds(7200));
  // As miniupnpd bounds them.
  EXPECT_EQ(config_of("min_lifetime=10").limits.min_lifetime, Seconds(120));
  EXPECT_EQ(config_of("max_lifetime=999999").limits.max_lifetime, Seconds(86400));
  EXPECT_THAT(remarks_of("min_lifetime=10"),
              HasSubstr("file:1: min_lifetime: miniupnpd takes 120"));
}

TEST(Conversion, ThirdParty) {
  EXPECT_THAT(config_of("pcp_allow_thirdparty=no").pcp.third_party, IsEmpty());
  EXPECT_EQ(config_of("enable_natpmp=yes\npcp_allow_thirdparty=yes").pcp.third_party.size(), 2U);
  EXPECT_EQ(config_of("ipv6_disable=yes\npcp_allow_thirdparty=yes").pcp.third_party.size(), 1U);
  EXPECT_THAT(remarks_of("pcp_allow_thirdparty=yes"), HasSubstr("file:1: pcp_allow_thirdparty: "));
}

TEST(Conversion, ForOthersIsSaid) {
  EXPECT_THAT(remarks_of("\nsecure_mode=no"),
              HasSubstr("file:2: secure_mode: lets hosts map for others, so"));
  EXPECT_THAT(remarks_of("secure_mode=no\nallow 1 10.0.0.1/32 1"),
              HasSubstr("file:1: secure_mode: lets hosts map for others, but"));
  EXPECT_THAT(remarks_of(""), HasSubstr("file: does not say secure_mode"));
  EXPECT_THAT(remarks_of("secure_mode=yes"), Not(HasSubstr("secure_mode")));
}

TEST(Conversion, NothingMatchesIsSaid) {
  EXPECT_THAT(remarks_of(""), HasSubstr("has no permission rule, and miniupnpd allows everything"));
  EXPECT_THAT(remarks_of("allow 1 10.0.0.1/32 1"),
              HasSubstr("does not end with a rule about every"));
  EXPECT_THAT(remarks_of("deny 0-65535 0.0.0.0/0 0-65535"),
              HasSubstr("its rules are about IPv4 alone"));
}

TEST(Conversion, RulesThatCannotBeKept) {
  const auto remarks = remarks_of(
      "allow 0 0.0.0.0/0 0-65535\nallow 1-2 0.0.0.0/0 1 \"app\"\ndeny 1-2 0.0.0.0/0 1 \"app\"\n");
  EXPECT_THAT(remarks, HasSubstr("file:1: the rule never matches"));
  EXPECT_THAT(remarks, HasSubstr("file:2: the rule allows by the description"));
  EXPECT_THAT(remarks, HasSubstr("file:3: the rule denies by the description"));
}

/// Every option that miniupnpd's own reader knows is known here, and no other.
TEST(Conversion, EveryOption) {
  for (const auto* option : {"ext_ifname=e",
                             "ext_ifname6=e",
                             "ext_ip=198.51.100.1",
                             "ext_perform_stun=yes",
                             "ext_stun_host=h",
                             "ext_stun_port=3478",
                             "ext_allow_private_ipv4=yes",
                             "listening_ip=br0",
                             "ipv6_listening_ip=::1",
                             "ipv6_disable=yes",
                             "port=1",
                             "http_port=1",
                             "https_port=1",
                             "bitrate_up=1",
                             "bitrate_down=1",
                             "presentation_url=http://a/",
                             "friendly_name=f",
                             "manufacturer_name=m",
                             "manufacturer_url=m",
                             "model_name=m",
                             "model_description=m",
                             "model_url=m",
                             "notify_interval=60",
                             "system_uptime=yes",
                             "packet_log=yes",
                             "uuid=u",
                             "serial=s",
                             "model_number=m",
                             "clean_ruleset_threshold=1",
                             "clean_ruleset_interval=1",
                             "upnp_table_name=t",
                             "upnp_nat_table_name=t",
                             "upnp_forward_chain=t",
                             "upnp_nat_chain=t",
                             "upnp_nat_postrouting_chain=t",
                             "upnp_nft_family_split=yes",
                             "enable_natpmp=yes",
                             "enable_pcp_pmp=yes",
                             "min_lifetime=120",
                             "max_lifetime=86400",
                             "pcp_allow_thirdparty=yes",
                             "enable_upnp=yes",
                             "anchor=a",
                             "queue=q",
                             "tag=t",
                             "quickrules=yes",
                             "lease_file=/l",
                             "lease_file6=/l",
                             "force_igd_desc_v1=yes",
                             "minissdpdsocket=/s",
                             "secure_mode=yes",
                             "set_learn_dscp \"a\" 1"}) {
    EXPECT_THAT(remarks_of(option), Not(HasSubstr("is not an option"))) << option;
    (void)config_of(option);
  }
  EXPECT_THAT(remarks_of("\nwps_enable=1"),
              HasSubstr("file:2: wps_enable: is not an option of miniupnpd that Postern knows of"));
}

TEST(Conversion, AdviceOnWhatHasNoCounterpart) {
  EXPECT_THAT(remarks_of("\nnotify_interval=60"),
              HasSubstr("file:2: notify_interval: no counterp"));
  EXPECT_THAT(remarks_of("uuid="), Not(HasSubstr("uuid")));
  EXPECT_THAT(remarks_of("packet_log=no"), Not(HasSubstr("packet_log")));
  // Said once.
  EXPECT_THAT(remarks_of("upnp_forward_chain=a\nupnp_nat_chain=b"),
              HasSubstr("file:2: upnp_nat_chain: no counterpart, see line 1\n"));
}

TEST(Conversion, ErrorsNameFileAndLine) {
  EXPECT_EQ(import_error("ext_ip=nowhere"), "file:1: ext_ip: is not a host's IPv4 address\n");
  EXPECT_THAT(import_error("\next_ip=127.0.0.1"), HasSubstr("file:2: ext_ip"));
  EXPECT_THAT(import_error("\nhttp_port=65536"), HasSubstr("file:2: http_port"));
  EXPECT_THAT(import_error("http_port=x"), HasSubstr("file:1: http_port"));
  EXPECT_THAT(import_error("ext_ifname=an-interface-too-long"), HasSubstr("file:1: ext_ifname"));
  EXPECT_THAT(import_error("listening_ip="), HasSubstr("file:1: listening_ip"));
  EXPECT_THAT(import_error("listening_ip=192.168.1.256/24"), HasSubstr("file:1: listening_ip"));
  EXPECT_THAT(import_error("listening_ip=192.168.1.1/33"), HasSubstr("file:1: listening_ip"));
  EXPECT_THAT(import_error("ext_ifname=eth0\nlistening_ip=eth0"),
              HasSubstr("file:2: the LAN is the WAN interface itself, eth0"));
  EXPECT_THAT(import_error("min_lifetime=600\nmax_lifetime=600"),
              HasSubstr("file:2: min_lifetime"));
  EXPECT_THAT(import_error("max_lifetime=never"), HasSubstr("file:1: max_lifetime"));
  EXPECT_EQ(import_error("a\nport=x\nallow 1 2 3"),
            "file:1: is neither option=value nor a rule (allow or deny)\n"
            "file:3: the address is not an IPv4 one such as \"192.168.1.0/24\"\n");
  std::string many;
  for (int i = 0; i < 998; ++i) many += "deny 80 10.0.0.1/32 80\n";
  EXPECT_THAT(import_error(many), HasSubstr("file:998: there are more rules"));
}

TEST(Conversion, AsManyRulesAsPosternTakes) {
  std::string many = "secure_mode=no\n";
  for (int i = 0; i < 997; ++i) many += "deny 80 0.0.0.0/0 80\n";
  EXPECT_EQ(config_of(many).rules.size(), 1000U);
}

}  // namespace
}  // namespace postern::test
