#include "host/ruleset_watch.h"

#include <cstdint>
#include <string>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/host/ruleset_watch_fixture.h"

namespace postern {
namespace {

using test::nft;
using test::output_of;

/// What the kernel gives a socket when nobody asks for more: SO_RCVBUF is doubled.
constexpr int kDefaultBuffer = 212992 / 2;

class RulesetWatchTest : public test::RulesetWatchFixture {};

TEST_F(RulesetWatchTest, SeesNothingWhenNothingHappens) {
  EXPECT_FALSE(is_readable(*watch_));
  const auto seen = watch_->drain();
  EXPECT_FALSE(seen.ours || seen.others || seen.overrun);
  EXPECT_EQ(seen.reason, "");
}

TEST_F(RulesetWatchTest, TenThousandOwnChangesNeitherWakeNorOverrun) {
  const auto unfiltered = watch({});
  ASSERT_NE(unfiltered, nullptr);
  set_buffer(*watch_, kDefaultBuffer);
  set_buffer(*unfiltered, kDefaultBuffer);
  for (std::uint32_t first = 0; first < 10'000; first += 1'000) {
    add_elements(*own_, first, 1'000);
  }
  EXPECT_FALSE(is_readable(*watch_));
  const auto seen = watch_->drain();
  EXPECT_FALSE(seen.ours || seen.others || seen.overrun);
  // Without the filter it is too much indeed.
  EXPECT_TRUE(drain_all(*unfiltered).overrun);
}

TEST_F(RulesetWatchTest, SeveralSocketsCanBeOurs) {
  const auto both = watch({own_.get(), stranger_.get()});
  ASSERT_NE(both, nullptr);
  add_elements(*own_, 0, 1);
  add_elements(*stranger_, 1, 1);
  EXPECT_FALSE(is_readable(*both));
  EXPECT_TRUE(drain_all(*watch_).ours);
}

TEST_F(RulesetWatchTest, HearsAStrangerBetweenOwnChanges) {
  add_elements(*own_, 0, 100);
  add_elements(*stranger_, 200, 1);
  add_elements(*own_, 300, 100);
  const auto seen = drain_all(*watch_);
  EXPECT_TRUE(seen.ours);
  EXPECT_FALSE(seen.others);
  EXPECT_EQ(seen.reason, "elements changed");
}

TEST_F(RulesetWatchTest, ForeignFlushOfEverything) {
  ASSERT_EQ(nft("flush ruleset"), "");
  ASSERT_TRUE(is_readable(*watch_));
  const auto seen = watch_->drain();
  EXPECT_TRUE(seen.ours);
  EXPECT_TRUE(seen.others);
  EXPECT_FALSE(seen.overrun);
  EXPECT_EQ(seen.reason, "table deleted");
  EXPECT_EQ(seen.by, "nft");
  EXPECT_FALSE(is_readable(*watch_));
}

TEST_F(RulesetWatchTest, ForeignDeletionOfOurTable) {
  ASSERT_EQ(nft("delete table inet postern"), "");
  const auto seen = watch_->drain();
  EXPECT_TRUE(seen.ours);
  EXPECT_FALSE(seen.others);
  EXPECT_EQ(seen.reason, "table deleted");
}

TEST_F(RulesetWatchTest, ForeignDeletionOfAnElement) {
  ASSERT_EQ(nft("delete element inet postern kept { 192.0.2.1 }"), "");
  const auto seen = watch_->drain();
  EXPECT_TRUE(seen.ours);
  EXPECT_FALSE(seen.others);
  EXPECT_EQ(seen.reason, "elements changed");
  EXPECT_EQ(seen.by, "nft");
}

TEST_F(RulesetWatchTest, ForeignChangesOfOurRules) {
  for (const std::string change :
       {"add rule inet postern forward drop", "flush chain inet postern forward",
        "add chain inet postern forward { policy drop; }", "add chain inet postern more",
        "add set inet postern more { type ipv4_addr; }",
        "add table inet postern { flags dormant; }", "delete set inet postern kept"}) {
    ASSERT_EQ(nft(change), "");
    const auto seen = watch_->drain();
    EXPECT_TRUE(seen.ours) << change;
    EXPECT_FALSE(seen.others) << change;
    EXPECT_EQ(seen.reason, "rules changed") << change;
  }
}

TEST_F(RulesetWatchTest, TheGravestReasonIsTold) {
  ASSERT_EQ(nft("add rule inet postern forward drop"), "");
  ASSERT_EQ(nft("add element inet postern kept { 192.0.2.7 timeout 1h }"), "");
  EXPECT_EQ(watch_->drain().reason, "rules changed");
}

TEST_F(RulesetWatchTest, ChangesElsewhere) {
  for (const std::string change :
       {"nft 'add rule ip other forward drop'", "nft 'add element ip other kept { 192.0.2.1 }'",
        "nft 'add table ip postern'", "nft 'delete table ip other'",
        "iptables-nft -P INPUT DROP"}) {
    ASSERT_EQ(output_of(change), "");
    const auto seen = watch_->drain();
    EXPECT_FALSE(seen.ours) << change;
    EXPECT_TRUE(seen.others) << change;
    EXPECT_FALSE(seen.overrun) << change;
    EXPECT_EQ(seen.reason, "") << change;
    EXPECT_EQ(seen.by, "") << change;
  }
}

TEST_F(RulesetWatchTest, AnotherNamespaceIsNotOurs) {
  ASSERT_EQ(output_of("unshare -n nft 'add table inet postern'"), "");
  EXPECT_FALSE(is_readable(*watch_));
}

TEST_F(RulesetWatchTest, AnElementThatEndsByItsTimeoutIsNoChange) {
  // A hash table, a tree of ranges, and what the kernel takes for concatenated ranges.
  ASSERT_EQ(nft("add set inet postern fast { type ipv4_addr; flags timeout; gc-interval 100ms; }"),
            "");
  ASSERT_EQ(nft("add set inet postern tree { type ipv4_addr; flags interval, timeout; "
                "gc-interval 100ms; }"),
            "");
  ASSERT_EQ(nft("add set inet postern wide { type ipv4_addr . inet_service; "
                "flags interval, timeout; gc-interval 100ms; }"),
            "");
  ASSERT_EQ(nft("add element inet postern fast { 192.0.2.1 timeout 50ms }"), "");
  ASSERT_EQ(nft("add element inet postern tree { 192.0.2.0/24 timeout 50ms }"), "");
  ASSERT_EQ(nft("add element inet postern wide { 192.0.2.0/24 . 80 timeout 50ms }"), "");
  EXPECT_TRUE(drain_all(*watch_).ours);

  EXPECT_FALSE(is_readable(*watch_, 800));
  // Here the kernel sweeps the ranges that are over: they have no timer of their own.
  add_elements(*own_, 0, 1);
  EXPECT_FALSE(is_readable(*watch_));
  EXPECT_EQ(nft("list ruleset").find("192.0.2.0"), std::string::npos);
}

TEST_F(RulesetWatchTest, AQuotaThatIsUsedUpIsNoChange) {
  ASSERT_EQ(output_of("ip link set lo up"), "");
  ASSERT_EQ(nft("add quota ip other once { 1 bytes }"), "");
  ASSERT_EQ(nft("add chain ip other output { type filter hook output priority 0; }"), "");
  ASSERT_EQ(nft("add rule ip other output quota name once drop"), "");
  EXPECT_TRUE(drain_all(*watch_).others);
  const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in self{};
  self.sin_family = AF_INET;
  self.sin_port = htons(9);
  self.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  ::sendto(fd, "x", 1, 0, reinterpret_cast<const sockaddr*>(&self), sizeof self);
  ::close(fd);
  // The kernel does tell of it.
  ASSERT_TRUE(is_readable(*watch_));
  const auto seen = watch_->drain();
  EXPECT_FALSE(seen.ours || seen.others || seen.overrun);
}

TEST_F(RulesetWatchTest, AnOverrunMayBeAnything) {
  set_buffer(*watch_, 1);
  add_elements(*stranger_, 0, 1'000);
  ASSERT_TRUE(is_readable(*watch_));
  const auto seen = watch_->drain();
  EXPECT_TRUE(seen.overrun);
  EXPECT_TRUE(seen.ours);
  EXPECT_TRUE(seen.others);
  EXPECT_EQ(seen.reason, "overrun");
  EXPECT_FALSE(is_readable(*watch_));

  set_buffer(*watch_, kDefaultBuffer);
  ASSERT_EQ(nft("add rule ip other forward drop"), "");
  const auto later = watch_->drain();
  EXPECT_TRUE(later.others);
  EXPECT_FALSE(later.ours || later.overrun);
}

// While its queue is full of what came before an overrun, the kernel drops what comes, silently.
TEST_F(RulesetWatchTest, AnOverrunLastsUntilTheQueueWasEmpty) {
  add_elements(*stranger_, 0, 50'000);
  EXPECT_TRUE(watch_->drain().overrun);
  ASSERT_TRUE(is_readable(*watch_));
  ASSERT_EQ(nft("delete table inet postern"), "");
  Seen last;
  while (is_readable(*watch_)) last = watch_->drain();
  EXPECT_TRUE(last.overrun);
  EXPECT_FALSE(watch_->drain().overrun);
}

TEST_F(RulesetWatchTest, OneDrainIsBounded) {
  // Two datagrams each: the change, and the end of the transaction.
  for (std::uint32_t number = 0; number < 40; ++number) add_elements(*stranger_, number, 1);
  ASSERT_EQ(nft("delete table inet postern"), "");
  EXPECT_EQ(watch_->drain().reason, "elements changed");
  ASSERT_TRUE(is_readable(*watch_));
  EXPECT_EQ(watch_->drain().reason, "table deleted");
  EXPECT_FALSE(is_readable(*watch_));
}

}  // namespace
}  // namespace postern
