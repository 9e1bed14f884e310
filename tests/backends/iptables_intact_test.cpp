#include <vector>

#include <gtest/gtest.h>

#include "backends/iptables/iptables_backend.h"
#include "tests/support/backend_conformance.h"
#include "tests/support/iptables_fixture.h"

namespace postern::test {
namespace {

class IptablesIntactTest : public IptablesFixture {};

INSTANTIATE_TEST_SUITE_P(Nft, IptablesIntactTest, testing::Values(kNft));
INSTANTIATE_TEST_SUITE_P(Legacy, IptablesIntactTest, testing::Values(kLegacy));

/// Doors of every kind, with all the ways to write a filter.
[[nodiscard]] std::vector<TimedDoor> varied() {
  auto several = forward(1001, 5001);
  std::get<Forward4>(several.door).filters =
      normalized({from("198.51.100.7"), from("192.0.2.0/24"), from("0.0.0.0/0", 5, 5),
                  from("203.0.113.128/25", 7, 9)});
  return {forward(1000, 5000), several, outbound(5000, 1000), pinhole(80),
          pinhole(81, {from("2001:db8:1::/48"), from("2001:db8:2::7", 1, 2), from("::/0", 9, 9)})};
}

TEST_P(IptablesIntactTest, WhatItWroteIsIntact) {
  EXPECT_TRUE(backend_->is_intact()) << "nothing is written yet";
  ASSERT_TRUE(ok(reset()));
  EXPECT_TRUE(backend_->is_intact());
  ASSERT_TRUE(ok(reset(varied())));
  EXPECT_TRUE(backend_->is_intact());
  const std::vector changes{closed(forward(1000, 5000)), opened(forward(1002, 5002))};
  ASSERT_TRUE(ok(commit(changes)));
  EXPECT_TRUE(backend_->is_intact());
}

TEST_P(IptablesIntactTest, TellsWhomItHoldsToThePace) {
  auto network = one_lan();
  network.lan.front().addresses = {{*Address::parse("192.168.1.1"), 19}};
  auto opened = host_.open(0);
  ASSERT_TRUE(opened) << opened.error().reason;
  auto& backend = **opened;
  const auto reset = [&](std::uint32_t rate) {
    backend.set_requests_per_second(rate);
    EXPECT_TRUE(ok(backend.reset(network, {}, kNow)));
    return backend.pacing();
  };
  EXPECT_FALSE(reset(0).is_on);
  EXPECT_EQ(host_.saved("filter").find("hashlimit"), std::string::npos);
  EXPECT_TRUE(reset(7).is_on);
  EXPECT_EQ(backend.pacing().trouble, "");
  EXPECT_NE(host_.saved("filter").find("postern-7"), std::string::npos);
  EXPECT_TRUE(reset(8).is_on);
  EXPECT_NE(host_.saved("filter").find("postern-8"), std::string::npos);
  EXPECT_EQ(host_.saved("filter").find("postern-7"), std::string::npos);
  network.lan.front().addresses.push_back({*Address::parse("10.0.0.1"), 18});
  EXPECT_TRUE(reset(8).is_on);
  EXPECT_EQ(backend.pacing().trouble.find("10.0.0.0/18: "), 0U) << backend.pacing().trouble;
  network.lan.front().addresses.erase(network.lan.front().addresses.begin());
  EXPECT_FALSE(reset(8).is_on);
}

TEST_P(IptablesIntactTest, TellsThatItHoldsNobodyToThePaceOverIpv6) {
  auto opened = host_.open(200);
  ASSERT_TRUE(opened) << opened.error().reason;
  if (!(*opened)->capabilities().pinholes) GTEST_SKIP() << "needs ip6tables";
  auto network = one_lan();
  network.lan.front().addresses = {{*Address::parse("192.168.1.1"), 24},
                                   {*Address::parse("2001:db8::1"), 64}};
  ASSERT_TRUE(ok((*opened)->reset(network, {}, kNow)));
  const auto pacing = (*opened)->pacing();
  EXPECT_TRUE(pacing.is_on);
  EXPECT_EQ(pacing.trouble.find("over IPv6 posternd alone"), 0U) << pacing.trouble;
}

TEST_P(IptablesIntactTest, TriesAgainWhatFailedAndTellsWhy) {
  auto network = one_lan();
  network.lan.front().addresses = {{*Address::parse("192.168.1.1"), 24}};
  host_.state().unknown_match = "hashlimit";
  auto opened = host_.open(200);
  ASSERT_TRUE(opened) << opened.error().reason;
  ASSERT_TRUE(ok((*opened)->reset(network, {}, kNow))) << "the rest works";
  const auto pacing = (*opened)->pacing();
  EXPECT_FALSE(pacing.is_on);
  EXPECT_NE(pacing.trouble.find("hashlimit"), std::string::npos) << pacing.trouble;
  EXPECT_NE(pacing.trouble.find("it was told to fail"), std::string::npos) << pacing.trouble;
  host_.state().unknown_match.clear();
  ASSERT_TRUE(ok((*opened)->reset(network, {}, kNow)));
  EXPECT_TRUE((*opened)->pacing().is_on);
  EXPECT_EQ((*opened)->pacing().trouble, "");
}

// What iptables-save makes of a rate is not always what was written.
TEST_P(IptablesIntactTest, AnyLimitOfRequestsReadsBack) {
  auto network = one_lan();
  network.lan.front().addresses = {{*Address::parse("192.168.1.1"), 24}};
  for (const std::uint32_t rate : {1U, 7U, 90U, 200U, 300U, 999U, 3000U, 10000U, 20000U}) {
    auto opened = host_.open(rate);
    ASSERT_TRUE(opened) << opened.error().reason;
    ASSERT_TRUE(ok((*opened)->reset(network, {}, kNow)));
    EXPECT_TRUE((*opened)->is_intact()) << rate;
    const auto saved = host_.saved("filter");
    EXPECT_NE(saved.find("hashlimit"), std::string::npos) << saved;
  }
}

TEST_P(IptablesIntactTest, WhatOthersChangeOfTheirsLeavesOursIntact) {
  ASSERT_TRUE(ok(reset(varied())));
  ASSERT_EQ(host_.change("filter", "-I FORWARD 1 -j DROP\n:OTHERS - [0:0]\n-A OTHERS -j DROP"), "");
  ASSERT_EQ(host_.change("nat", "-I PREROUTING -p udp --dport 9 -j REDIRECT"), "");
  EXPECT_TRUE(backend_->is_intact());
}

TEST_P(IptablesIntactTest, WhatOthersChangeOfOursIsSeenAndMendedByReset) {
  ASSERT_TRUE(ok(reset(varied())));
  struct Damage {
    const char* table;
    const char* lines;
  };
  for (const auto& [table, lines] : std::vector<Damage>{
           {"filter", "-F FORWARD"},
           {"filter", "-D FORWARD -j POSTERN-FORWARD\n-F POSTERN-FORWARD\n-X POSTERN-FORWARD"},
           {"filter", "-I FORWARD -p udp -j POSTERN-FORWARD"},
           {"filter", "-I POSTERN-FORWARD -j DROP"},
           {"mangle", "-D POSTERN-MARK 1"},
           {"mangle", "-R POSTERN-MARK 1 -j MARK --set-xmark 0x1/0x1"},
           {"nat", "-F"},
           {"nat", "-A PREROUTING -p udp --dport 9 -j REDIRECT"},
           {"nat", "-A POSTERN-PREROUTING -p udp --dport 9 -j REDIRECT"},
           {"nat", ":POSTERN-MORE - [0:0]"}}) {
    SCOPED_TRACE(lines);
    ASSERT_EQ(host_.change(table, lines), "");
    EXPECT_FALSE(backend_->is_intact());
    ASSERT_TRUE(ok(reset(varied())));
    EXPECT_TRUE(backend_->is_intact());
  }
}

TEST_P(IptablesIntactTest, WhatCannotBeReadCountsAsIntact) {
  ASSERT_TRUE(ok(reset()));
  host_.state().failing = {"-save"};
  EXPECT_TRUE(backend_->is_intact());
}

}  // namespace
}  // namespace postern::test
