#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/backend_conformance.h"
#include "tests/support/nftables_fixture.h"

// What stands in the kernel, as nft prints it.

namespace postern::test {
namespace {

class NftablesRulesetTest : public NftablesFixture {};

INSTANTIATE_TEST_SUITE_P(InPlace, NftablesRulesetTest, testing::Values(true));
INSTANTIATE_TEST_SUITE_P(DeleteAndAdd, NftablesRulesetTest, testing::Values(false));

constexpr const char* kGolden = R"(table inet postern {
	map dnat4 {
		type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service
		flags timeout
		counter
		elements = { 203.0.113.1 . udp . 1000 counter packets 0 bytes 0 timeout 1h expires soon : 192.168.78.2 . 5000 }
	}

	map dnat4_host {
		type ipv4_addr . ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service
		flags timeout
		counter
		elements = { 198.51.100.9 . 203.0.113.1 . udp . 1001 counter packets 0 bytes 0 timeout 1h expires soon : 192.168.78.2 . 5000 }
	}

	map dnat4_range {
		type ipv4_addr . inet_service . ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service
		flags interval,timeout
		counter
		elements = { 198.51.100.0/24 . 53 . 203.0.113.1 . udp . 1002 counter packets 0 bytes 0 timeout 1h expires soon : 192.168.78.2 . 5000 }
	}

	set pin4 {
		type ipv4_addr . inet_proto . inet_service
		flags timeout
		elements = { 192.168.78.2 . udp . 5000 timeout 1h expires soon }
	}

	map snat4 {
		type inet_proto . ipv4_addr . inet_service : ipv4_addr . inet_service
		flags timeout
		elements = { udp . 192.168.78.2 . 5000 timeout 1h expires soon : 203.0.113.1 . 1000 }
	}

	set pin6 {
		type ipv6_addr . inet_proto . inet_service
		flags timeout
		counter
		elements = { 2001:db8::2 . tcp . 5000 counter packets 0 bytes 0 timeout 1h expires soon }
	}

	set pin6_host {
		type ipv6_addr . ipv6_addr . inet_proto . inet_service
		flags timeout
		counter
		elements = { 2001:db8:1::9 . 2001:db8::2 . tcp . 5001 counter packets 0 bytes 0 timeout 1h expires soon }
	}

	set pin6_range {
		type ipv6_addr . inet_service . ipv6_addr . inet_proto . inet_service
		flags interval,timeout
		counter
		elements = { 2001:db8:1::/48 . 0-65535 . 2001:db8::2 . tcp . 5002 counter packets 0 bytes 0 timeout 1h expires soon }
	}

	chain prerouting {
		type nat hook prerouting priority dstnat + 10; policy accept;
		ct mark set ct mark | 0x10000000
		dnat ip to ip daddr . meta l4proto . th dport map @dnat4
		dnat ip to ip saddr . ip daddr . meta l4proto . th dport map @dnat4_host
		dnat ip to ip saddr . tcp sport . ip daddr . meta l4proto . tcp dport map @dnat4_range
		dnat ip to ip saddr . udp sport . ip daddr . meta l4proto . udp dport map @dnat4_range
		ct mark set ct mark & 0xefffffff
	}

	chain postrouting {
		type nat hook postrouting priority srcnat - 10; policy accept;
		oifname "wan0" snat ip to meta l4proto . ip saddr . th sport map @snat4
		iifname != "wan0" oifname != "wan0" ct status dnat ct mark & 0x10000000 == 0x10000000 ip daddr . meta l4proto . th dport @pin4 snat ip to meta l4proto . ip saddr . th sport map @snat4
		iifname != "wan0" oifname != "wan0" ct original ip daddr 203.0.113.1 ct status dnat ct mark & 0x10000000 == 0x10000000 ip daddr . meta l4proto . th dport @pin4 snat ip to 203.0.113.1
		iifname != "wan0" oifname != "wan0" ct original ip daddr 203.0.113.2 ct status dnat ct mark & 0x10000000 == 0x10000000 ip daddr . meta l4proto . th dport @pin4 snat ip to 203.0.113.2
	}

	chain forward {
		type filter hook forward priority filter - 10; policy accept;
		ct status dnat ct mark & 0x10000000 == 0x10000000 ip daddr . meta l4proto . th dport @pin4 meta mark set meta mark | 0x10000000 accept
		ip6 daddr . meta l4proto . th dport @pin6 meta mark set meta mark | 0x10000000 ct mark set ct mark | 0x10000000 accept
		ip6 saddr . ip6 daddr . meta l4proto . th dport @pin6_host meta mark set meta mark | 0x10000000 ct mark set ct mark | 0x10000000 accept
		ip6 saddr . th sport . ip6 daddr . meta l4proto . th dport @pin6_range meta mark set meta mark | 0x10000000 ct mark set ct mark | 0x10000000 accept
	}

	chain input {
		type filter hook input priority filter - 10; policy accept;
		iifname "br-lan" udp dport 5351 meta mark set meta mark | 0x10000000 accept
		udp dport 5351 drop
	}
}
)";

/// A network whose WAN has two IPv4 addresses and an IPv6 one.
[[nodiscard]] Network golden_network() {
  auto network = one_lan();
  network.wan->addresses = {{outside(0).address, 24},
                            {*Address::parse("2001:db8:ffff::1"), 64},
                            {*Address::parse("203.0.113.2"), 24}};
  return network;
}

/// One door of each kind that there is.
[[nodiscard]] std::vector<TimedDoor> golden_doors() {
  return {forward(1000, 5000),
          filtered(forward(1001, 5000), {{*Prefix::parse("198.51.100.9")}}),
          filtered(forward(1002, 5000), {{*Prefix::parse("198.51.100.0/24"), 53, 53}}),
          pin(5000),
          outbound(5000, 1000),
          pinhole(5000),
          pinhole(5001, {{*Prefix::parse("2001:db8:1::9")}}),
          pinhole(5002, {{*Prefix::parse("2001:db8:1::/48")}})};
}

TEST_P(NftablesRulesetTest, ResetWritesThisTable) {
  ASSERT_TRUE(ok(reset(golden_doors(), golden_network())));
  EXPECT_EQ(table_text(), kGolden);
}

TEST_P(NftablesRulesetTest, CommitWritesTheSameElements) {
  ASSERT_TRUE(ok(reset({}, golden_network())));
  std::vector<DoorChange> changes;
  for (const auto& door : golden_doors()) changes.push_back(opened(door));
  ASSERT_TRUE(ok(commit(changes)));
  EXPECT_EQ(table_text(), kGolden);
}

TEST_P(NftablesRulesetTest, NftReadsItsOwnListingOfTheTable) {
  ASSERT_TRUE(ok(reset(golden_doors(), golden_network())));
  EXPECT_EQ(output_of("saved=$(mktemp) && nft list table inet postern > $saved && "
                      "nft flush ruleset && nft -f $saved; rm $saved"),
            "");
  EXPECT_EQ(table_text(), kGolden);
}

TEST_P(NftablesRulesetTest, WithoutAWanNothingIsTranslatedOnItsWayOut) {
  auto network = one_lan();
  network.wan.reset();
  const std::string empty = R"(table inet postern {
	chain postrouting {
		type nat hook postrouting priority srcnat - 10; policy accept;
	}
}
)";
  ASSERT_TRUE(ok(reset(golden_doors(), network)));
  EXPECT_EQ(nft("list chain inet postern postrouting"), empty);
  network.wan = Interface{};
  ASSERT_TRUE(ok(reset(golden_doors(), network)));
  EXPECT_EQ(nft("list chain inet postern postrouting"), empty);
}

TEST_P(NftablesRulesetTest, AnOwnedTableIsNobodyElsesToChange) {
  auto opened = NftablesBackend::open({.owns_table = true});
  ASSERT_TRUE(opened) << opened.error().reason;
  if (const auto made = (*opened)->reset(one_lan(), std::vector{forward(1000, 5000)}, kNow);
      !made) {
    GTEST_SKIP() << "this kernel has no tables that outlive their owner: " << made.error().reason;
  }
  EXPECT_NE(nft("delete table inet postern"), "");
  EXPECT_EQ(nft("flush ruleset"), "") << "which passes over it in silence";
  EXPECT_TRUE(holds(**opened, {forward(1000, 5000)}));
  EXPECT_TRUE(ok((*opened)->commit(std::vector{postern::test::opened(forward(1001, 5001))}, kNow)));
  // Its next owner comes after it is gone.
  opened->reset();
  EXPECT_TRUE(ok(reset({forward(1002, 5002)})));
}

TEST_P(NftablesRulesetTest, EachLanReachesOurPorts) {
  auto opened = NftablesBackend::open(
      {.forward_mark = 0x2,
       .own_ports = {{Protocol::udp, 5351, true}, {Protocol::tcp, 5351}, {Protocol::udp, 1900}}});
  ASSERT_TRUE(opened) << opened.error().reason;
  auto network = one_lan();
  network.lan.push_back({"fifteen-letters", 0, {}});
  ASSERT_TRUE(ok((*opened)->reset(network, {}, kNow)));
  EXPECT_EQ(nft("list chain inet postern input"), R"(table inet postern {
	chain input {
		type filter hook input priority filter - 10; policy accept;
		iifname "br-lan" udp dport 5351 meta mark set meta mark | 0x00000002 accept
		iifname "fifteen-letters" udp dport 5351 meta mark set meta mark | 0x00000002 accept
		udp dport 5351 drop
		iifname "br-lan" tcp dport 5351 meta mark set meta mark | 0x00000002 accept
		iifname "fifteen-letters" tcp dport 5351 meta mark set meta mark | 0x00000002 accept
		iifname "br-lan" udp dport 1900 meta mark set meta mark | 0x00000002 accept
		iifname "fifteen-letters" udp dport 1900 meta mark set meta mark | 0x00000002 accept
	}
}
)");
}

TEST_P(NftablesRulesetTest, RefusesAnInterfaceNameThatNoInterfaceCanHave) {
  ASSERT_TRUE(ok(reset({forward(1000, 5000)})));
  auto network = one_lan();
  network.lan.front().name = "sixteen--letters";
  const auto refused = reset({}, network);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().reason.find("sixteen--letters"), std::string::npos);
  EXPECT_TRUE(holds(*backend_, {forward(1000, 5000)}));
}

TEST_P(NftablesRulesetTest, TheNumberOfRulesDoesNotGrowWithTheDoors) {
  ASSERT_TRUE(ok(reset()));
  const auto rules_of = [] { return output_of("nft --terse list table inet postern"); };
  const auto without_doors = rules_of();
  ASSERT_NE(without_doors.find("@dnat4"), std::string::npos);
  std::vector<DoorChange> changes;
  for (std::uint16_t port = 1; port <= 5'000; ++port) {
    changes.push_back(opened(forward(port, port)));
    changes.push_back(opened(outbound(port, port)));
  }
  ASSERT_TRUE(ok(commit(changes)));
  EXPECT_EQ(rules_of(), without_doors);
  const auto held = backend_->open_doors(kNow);
  ASSERT_TRUE(held);
  EXPECT_EQ(held->size(), 10'000U);
}

TEST_P(NftablesRulesetTest, ResetLeavesOtherTablesAlone) {
  ASSERT_EQ(nft("add table inet theirs"), "");
  ASSERT_TRUE(ok(reset()));
  EXPECT_EQ(nft("list tables"), "table inet theirs\ntable inet postern\n");
}

}  // namespace
}  // namespace postern::test
