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

	map snat4 {
		type inet_proto . ipv4_addr . inet_service : ipv4_addr . inet_service
		flags timeout
		elements = { udp . 192.168.78.2 . 5000 timeout 1h expires soon : 203.0.113.1 . 1000 }
	}

	set pin4 {
		type ipv4_addr . inet_proto . inet_service
		flags timeout
		elements = { 192.168.78.2 . udp . 5000 timeout 1h expires soon }
	}

	chain prerouting {
		type nat hook prerouting priority dstnat + 10; policy accept;
		dnat ip to ip daddr . meta l4proto . th dport map @dnat4
	}

	chain postrouting {
		type nat hook postrouting priority srcnat - 10; policy accept;
		oifname "wan0" snat ip to meta l4proto . ip saddr . th sport map @snat4
	}

	chain forward {
		type filter hook forward priority filter - 10; policy accept;
		ct status dnat ip daddr . meta l4proto . th dport @pin4 meta mark set meta mark | 0x10000000 accept
	}

	chain input {
		type filter hook input priority filter - 10; policy accept;
		iifname "br-lan" udp dport 5351 meta mark set meta mark | 0x10000000 accept
		udp dport 5351 drop
	}
}
)";

TEST_P(NftablesRulesetTest, ResetWritesThisTable) {
  ASSERT_TRUE(ok(reset({forward(1000, 5000), outbound(5000, 1000)})));
  EXPECT_EQ(table_text(), kGolden);
}

TEST_P(NftablesRulesetTest, CommitWritesTheSameElements) {
  ASSERT_TRUE(ok(reset()));
  ASSERT_TRUE(ok(commit({opened(forward(1000, 5000)), opened(outbound(5000, 1000))})));
  EXPECT_EQ(table_text(), kGolden);
}

TEST_P(NftablesRulesetTest, NftReadsItsOwnListingOfTheTable) {
  ASSERT_TRUE(ok(reset({forward(1000, 5000), outbound(5000, 1000)})));
  EXPECT_EQ(output_of("saved=$(mktemp) && nft list table inet postern > $saved && "
                      "nft flush ruleset && nft -f $saved; rm $saved"),
            "");
  EXPECT_EQ(table_text(), kGolden);
}

TEST_P(NftablesRulesetTest, WithoutAWanNothingIsTranslatedOnItsWayOut) {
  auto network = one_lan();
  network.wan.reset();
  ASSERT_TRUE(ok(reset({forward(1000, 5000), outbound(5000, 1000)}, network)));
  std::string expected = kGolden;
  const std::string rule =
      "\t\toifname \"wan0\" snat ip to meta l4proto . ip saddr . th sport map @snat4\n";
  expected.erase(expected.find(rule), rule.size());
  EXPECT_EQ(table_text(), expected);

  network.wan = Interface{};
  ASSERT_TRUE(ok(reset({forward(1000, 5000), outbound(5000, 1000)}, network)));
  EXPECT_EQ(table_text(), expected);
}

TEST_P(NftablesRulesetTest, EachLanReachesOurPorts) {
  auto opened = NftablesBackend::open({.forward_mark = 0x2, .own_udp_ports = {5351, 1900}});
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
		iifname "br-lan" udp dport 1900 meta mark set meta mark | 0x00000002 accept
		iifname "fifteen-letters" udp dport 1900 meta mark set meta mark | 0x00000002 accept
		udp dport 1900 drop
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

// In one turn, in whatever order the changes come.
TEST_P(NftablesRulesetTest, APinPassesFromOneDoorToAnother) {
  const auto late = in(std::chrono::hours(3));
  ASSERT_TRUE(ok(reset({forward(1000, 5000)})));
  ASSERT_TRUE(ok(commit({opened(forward(1001, 5000, late)), closed(forward(1000, 5000))})));
  EXPECT_EQ(pins(), "192.168.78.2 . udp . 5000 timeout 3h expires soon");
  ASSERT_TRUE(ok(commit({closed(forward(1001, 5000, late)), opened(forward(1000, 5000))})));
  EXPECT_EQ(pins(), "192.168.78.2 . udp . 5000 timeout 1h expires soon");
  ASSERT_TRUE(ok(commit({closed(forward(1000, 5000))})));
  EXPECT_EQ(pins(), "");
}

TEST_P(NftablesRulesetTest, ADoorSentElsewhereTakesItsPinAlong) {
  ASSERT_TRUE(ok(reset({forward(1000, 5000)})));
  ASSERT_TRUE(ok(commit({changed(forward(1000, 5000), forward(1000, 6000))})));
  EXPECT_EQ(pins(), "192.168.78.2 . udp . 6000 timeout 1h expires soon");
}

}  // namespace
}  // namespace postern::test
