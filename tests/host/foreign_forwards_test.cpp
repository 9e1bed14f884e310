#include "host/foreign_forwards.h"

#include <string>

#include <gtest/gtest.h>

#include "tests/host/host_fixture.h"

// Which ports the forwards of others take, with their rules as the kernel tells them.

namespace postern::test {
namespace {

class ForeignForwardsTest : public HostFixture {
 protected:
  /// "tcp 80, 443; udp 53", and where everything is caught.
  [[nodiscard]] static std::string forwards(const char* wan = "wan") {
    const auto found = host::foreign_forwards(ruleset(), wan);
    std::string text =
        "tcp " + found.ports.tcp.to_string() + "; udp " + found.ports.udp.to_string();
    if (!found.catch_all.empty()) text += "; all by " + found.catch_all;
    return text;
  }
  /// The rules of a chain as fw4 has it, and other chains of its table.
  static void prerouting(const std::string& rules, const std::string& more = "") {
    nft("table inet fw4 {\n" + more + "\nchain dstnat {\n" +
        "type nat hook prerouting priority dstnat; policy accept;\n" + rules + "\n}\n}\n");
  }
};

TEST_F(ForeignForwardsTest, NothingIsForwarded) {
  EXPECT_EQ(forwards(), "tcp ; udp ");
}

TEST_F(ForeignForwardsTest, OpenWrt) {
  prerouting(
      "iifname \"wan\" jump dstnat_wan comment \"!fw4: Handle wan IPv4/IPv6 dstnat\"\n"
      "iifname \"br-lan\" jump dstnat_lan",
      "chain dstnat_wan {\n"
      "meta nfproto ipv4 tcp dport 2222 counter dnat ip to 192.168.1.5:22 comment \"ssh\"\n"
      "meta nfproto ipv4 udp dport 5000-5010 counter dnat ip to 192.168.1.5 comment \"x\"\n"
      "}\n"
      // Reflection for hosts of the LAN, and all their DNS caught.
      "chain dstnat_lan {\n"
      "ip saddr 192.168.1.0/24 ip daddr 203.0.113.1 tcp dport 7777 dnat ip to 192.168.1.5\n"
      "udp dport 53 redirect to :53\n"
      "}\n");
  EXPECT_EQ(forwards("wan"), "tcp 2222; udp 5000-5010");
  EXPECT_EQ(forwards("br-lan"), "tcp 7777; udp 53");
  EXPECT_EQ(forwards(""), "tcp 2222, 7777; udp 53, 5000-5010");
}

TEST_F(ForeignForwardsTest, Docker) {
  iptables("-t nat -N DOCKER");
  iptables("-t nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER");
  iptables("-t nat -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER");
  iptables("-t nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE");
  iptables("-t nat -A DOCKER -i docker0 -j RETURN");
  iptables(
      "-t nat -A DOCKER ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT "
      "--to-destination 172.17.0.2:80");
  iptables(
      "-t nat -A DOCKER ! -i docker0 -p udp -m udp --dport 5000:5005 -j DNAT "
      "--to-destination 172.17.0.2:5000-5005");
  EXPECT_EQ(forwards(), "tcp 8080; udp 5000-5005");
  EXPECT_EQ(forwards("docker0"), "tcp ; udp ");
}

TEST_F(ForeignForwardsTest, Multiport) {
  iptables(
      "-t nat -A PREROUTING -p tcp -m multiport --dports 80,443,6000:6010 -j DNAT "
      "--to-destination 192.168.1.5");
  iptables(
      "-t nat -A PREROUTING -p tcp -m multiport --ports 8000,8081 -j DNAT "
      "--to-destination 192.168.1.5");
  // This version of iptables writes a port beside a TCP option as an extension.
  iptables("-t nat -A PREROUTING -p tcp --tcp-option 8 --dport 90:91 -j REDIRECT --to-ports 9");
  EXPECT_EQ(forwards(), "tcp 80, 90-91, 443, 6000-6010, 8000, 8081; udp ");
}

TEST_F(ForeignForwardsTest, SetsAndMaps) {
  prerouting(
      "tcp dport @web dnat ip to 10.0.0.1\n"
      "dnat ip to udp dport map { 1000 : 10.0.0.1, 1001-1010 : 10.0.0.2 }\n"
      "meta l4proto { tcp, udp } dnat ip to meta l4proto . th dport map @ports\n"
      "dnat ip to ip daddr . tcp dport map @keyed\n"
      "meta l4proto { tcp, udp } th dport { 53, 5353 } redirect",
      "set web { type inet_service; flags interval; elements = { 80, 8000-8100, 65000-65535 "
      "}; }\n"
      "map ports { type inet_proto . inet_service : ipv4_addr . inet_service; flags "
      "interval; elements = { tcp . 3000-3010 : 10.0.0.3 . 80, udp . 3500 : 10.0.0.3 . 53 "
      "}; }\n"
      "map keyed { type ipv4_addr . inet_service : ipv4_addr; elements = { 203.0.113.1 . "
      "4000 : 10.0.0.4 }; }");
  EXPECT_EQ(forwards(),
            "tcp 53, 80, 3000-3010, 4000, 5353, 8000-8100, 65000-65535; "
            "udp 53, 1000-1010, 3500, 5353");
}

TEST_F(ForeignForwardsTest, VerdictMapsToChains) {
  prerouting(
      "tcp dport vmap { 22 : accept, 80 : jump web, 90-99 : goto web }\n"
      "iifname vmap { \"wan\" : jump more, \"lan\" : jump inside }",
      "chain web { dnat ip to 10.0.0.1;\n }\n"
      "chain more { udp dport 7 redirect;\n }\n"
      "chain inside { udp dport 8 redirect;\n }");
  EXPECT_EQ(forwards(), "tcp 80, 90-99; udp 7");
}

TEST_F(ForeignForwardsTest, ConditionsOfTheJumpHoldInside) {
  prerouting(
      "tcp dport { 80, 443 } jump web\n"
      "udp dport 1000-2000 jump web\n"
      "ip6 nexthdr tcp jump everything",
      "chain everything { redirect;\n }\n"
      "chain web {\n"
      "tcp dport 100-500 dnat ip to 10.0.0.1\n"
      "meta l4proto udp dnat ip to 10.0.0.1\n"
      "}");
  EXPECT_EQ(forwards(), "tcp 443; udp 1000-2000");
}

TEST_F(ForeignForwardsTest, PathsOfTwoKindsToOneChain) {
  prerouting("tcp dport 80 jump target\n meta l4proto tcp ip saddr 192.0.2.1 jump target",
             "chain target { meta l4proto tcp dnat ip to 10.0.0.1;\n }");
  EXPECT_EQ(forwards(), "tcp 80; udp ; all by inet fw4 target");
}

TEST_F(ForeignForwardsTest, ADmzHostOccupiesNothing) {
  prerouting("iifname \"wan\" dnat ip to 192.168.1.99");
  EXPECT_EQ(forwards(), "tcp ; udp ; all by inet fw4 dstnat");
  EXPECT_EQ(forwards("lan"), "tcp ; udp ");
}

TEST_F(ForeignForwardsTest, NorDoesOneWithExceptions) {
  iptables("-t nat -A PREROUTING -i wan -p tcp ! --dport 22 -j DNAT --to-destination 192.168.1.99");
  iptables("-t nat -A PREROUTING -i wan -p udp --dport 9 -j DNAT --to-destination 192.168.1.98");
  EXPECT_EQ(forwards(), "tcp ; udp 9; all by ip nat PREROUTING");
}

TEST_F(ForeignForwardsTest, OnlyWhatIsTranslatedBeforeRoutingInIpv4) {
  nft(R"(
table ip6 n { chain pre {
type nat hook prerouting priority dstnat;
tcp dport 1 redirect
}
}
table inet n { chain pre {
type nat hook prerouting priority dstnat;
meta nfproto ipv6 tcp dport 2 redirect
tcp dport 3 accept
tcp dport 10 redirect
}
chain out {
type nat hook output priority 0;
tcp dport 4 redirect
}
chain nobody_jumps_here {
tcp dport 5 redirect
}
chain post {
type nat hook postrouting priority srcnat;
tcp dport 6 snat ip to 10.0.0.1
}
}
table inet postern { chain prerouting {
type nat hook prerouting priority dstnat + 10;
tcp dport 7 redirect
}
})");
  EXPECT_EQ(forwards(), "tcp 10; udp ");
}

TEST_F(ForeignForwardsTest, OddRulesAreReadThrough) {
  prerouting(
      "ct state new meta mark & 0xff == 3 tcp dport 80 limit rate 5/second dnat ip to "
      "numgen inc mod 2 map { 0 : 10.0.0.1, 1 : 10.0.0.2 }\n"
      "ip protocol tcp @th,0,32 & 0xffff == 99 dnat ip to 10.0.0.1\n"
      "@th,16,16 1234 meta l4proto udp dnat ip to 10.0.0.1\n"
      "tcp dport & 0xff00 == 0x1f00 redirect\n"
      "tcp sport 53 tcp dport 100 redirect\n"
      "fib daddr . iif type local udp dport 77 redirect\n"
      "meta hour \"08:00\"-\"17:00\" udp dport 78 redirect\n"
      "tcp dport > 65000 redirect\n"
      "tcp dport != 1-65000 tcp dport 65001 redirect");
  EXPECT_EQ(forwards(), "tcp 80, 99-100, 7936-8191, 65001-65535; udp 77-78, 1234");
}

TEST_F(ForeignForwardsTest, AmongTenThousandUnrelatedRules) {
  std::string rules;
  for (int i = 0; i < 10'000; ++i) {
    rules += "ip saddr 10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250) + " drop\n";
  }
  nft("table inet big { chain block {\ntype filter hook forward priority 0;\n" + rules + "}\n}\n");
  prerouting("tcp dport 80 dnat ip to 10.0.0.1");
  nft("table inet more { chain block {\ntype filter hook input priority 0;\n" + rules + "}\n}\n");
  const auto all = ruleset();
  EXPECT_EQ(all.find(host::Family::inet, "big", "block")->rules.size(), 10'000U);
  EXPECT_EQ(all.find(host::Family::inet, "more", "block")->rules.size(), 10'000U);
  EXPECT_EQ(forwards(), "tcp 80; udp ");
}

}  // namespace
}  // namespace postern::test
