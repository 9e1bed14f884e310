#include "host/mark_rules.h"

#include <cstdint>
#include <cstdio>
#include <memory>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "host/ruleset_watch.h"
#include "netlink/socket.h"
#include "tests/support/private_netns.h"
#include "tests/support/shell.h"

namespace postern {
namespace {

using test::nft;
using test::output_of;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint32_t kMark = 0x10000000;
/// Our rule as iptables-save prints it, behind "-A CHAIN ".
constexpr const char* kOurs =
    "-m mark --mark 0x10000000/0x10000000 -m comment --comment postern -j ACCEPT";

class MarkRulesTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto& why = netns_.why_not()) GTEST_SKIP() << *why;
    auto opened = MarkRules::open();
    ASSERT_TRUE(opened) << opened.error();
    rules_ = std::move(*opened);
  }

  /// As ufw and Docker leave it: chains that drop, each with rules of its own.
  static void make_host_firewall() {
    for (const std::string tool : {"iptables-nft ", "ip6tables-nft "}) {
      for (const std::string arguments :
           {"-P FORWARD DROP", "-P INPUT DROP", "-N more", "-A more -p udp --dport 53 -j ACCEPT",
            "-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
            "-A FORWARD -m comment --comment host -j more", "-A INPUT -i lo -j ACCEPT",
            "-A INPUT -j more"}) {
        ASSERT_EQ(output_of(tool + arguments), "");
      }
    }
  }

  [[nodiscard]] MarkRulesReport ensure(std::uint32_t mark = kMark) {
    auto report = rules_->ensure(mark);
    EXPECT_TRUE(report) << report.error();
    return report ? *report : MarkRulesReport{};
  }
  [[nodiscard]] MarkRulesReport remove() {
    auto report = rules_->remove();
    EXPECT_TRUE(report) << report.error();
    return report ? *report : MarkRulesReport{};
  }

  /// The lines of one chain in what iptables-save prints, without their "-A CHAIN ".
  [[nodiscard]] static std::vector<std::string> chain(const std::string& name,
                                                      const std::string& tool = "iptables-nft") {
    std::vector<std::string> found;
    const std::string head = "-A " + name + " ";
    std::istringstream lines(output_of(tool + "-save -t filter"));
    for (std::string line; std::getline(lines, line);) {
      if (line.rfind(head, 0) == 0) found.push_back(line.substr(head.size()));
    }
    return found;
  }

  /// Both families' filter tables, without what tells the time.
  [[nodiscard]] static std::string saved() {
    return output_of("{ iptables-nft-save; ip6tables-nft-save; } | grep -v '^#'");
  }

  test::PrivateNetns netns_;
  std::unique_ptr<MarkRules> rules_;
};

TEST_F(MarkRulesTest, StandsFirstInAllFourChains) {
  make_host_firewall();
  const auto report = ensure();
  EXPECT_THAT(report.put_back, ElementsAre("ip filter FORWARD", "ip filter INPUT",
                                           "ip6 filter FORWARD", "ip6 filter INPUT"));
  EXPECT_THAT(report.cleared, IsEmpty());
  for (const std::string tool : {"iptables-nft", "ip6tables-nft"}) {
    EXPECT_THAT(chain("FORWARD", tool),
                ElementsAre(kOurs, "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
                            "-m comment --comment host -j more"));
    EXPECT_THAT(chain("INPUT", tool), ElementsAre(kOurs, "-i lo -j ACCEPT", "-j more"));
    EXPECT_THAT(chain("more", tool), ElementsAre("-p udp -m udp --dport 53 -j ACCEPT"));
  }
  EXPECT_EQ(output_of(std::string("iptables-nft -C FORWARD ") + kOurs), "");
}

TEST_F(MarkRulesTest, IsThereOnce) {
  make_host_firewall();
  EXPECT_EQ(ensure().put_back.size(), 4U);
  const auto before = saved();
  const auto report = ensure();
  EXPECT_THAT(report.put_back, IsEmpty());
  EXPECT_THAT(report.cleared, IsEmpty());
  EXPECT_EQ(saved(), before);
}

TEST_F(MarkRulesTest, LetsMarkedPacketsThroughAndNoOthers) {
  make_host_firewall();
  ASSERT_EQ(output_of("iptables-nft -F INPUT; ip link set lo up"), "");
  ASSERT_EQ(nft("add table inet marks"), "");
  ASSERT_EQ(nft("add chain inet marks input { type filter hook input priority -10; }"), "");
  ASSERT_EQ(nft("add rule inet marks input udp dport 7001 meta mark set 0x10000001"), "");
  ASSERT_EQ(nft("add rule inet marks input udp dport 7002 meta mark set 0x20000001"), "");
  const auto arrives = [](std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    sockaddr_in self{};
    self.sin_family = AF_INET;
    self.sin_port = htons(port);
    self.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const auto* address = reinterpret_cast<const sockaddr*>(&self);
    EXPECT_EQ(::bind(fd, address, sizeof self), 0);
    EXPECT_EQ(::sendto(fd, "x", 1, 0, address, sizeof self), 1);
    pollfd waiting{fd, POLLIN, 0};
    const bool came = ::poll(&waiting, 1, 200) == 1;
    ::close(fd);
    return came;
  };
  EXPECT_FALSE(arrives(7001));
  EXPECT_EQ(ensure().put_back.size(), 4U);
  EXPECT_TRUE(arrives(7001));
  EXPECT_FALSE(arrives(7002));
  EXPECT_FALSE(arrives(7003));
}

TEST_F(MarkRulesTest, IsRecognisedAfterSavingAndRestoring) {
  make_host_firewall();
  EXPECT_EQ(ensure().put_back.size(), 4U);
  const auto before = saved();
  // iptables 1.8.9 writes the mark in another encoding than it read.
  ASSERT_EQ(output_of("iptables-nft-save -c | iptables-nft-restore -c"), "");
  ASSERT_EQ(output_of("ip6tables-nft-save | ip6tables-nft-restore"), "");
  EXPECT_EQ(saved(), before);
  const auto report = ensure();
  EXPECT_THAT(report.put_back, IsEmpty());
  EXPECT_THAT(report.cleared, IsEmpty());
  EXPECT_EQ(saved(), before);
  EXPECT_EQ(remove().cleared.size(), 4U);
  EXPECT_EQ(saved().find("postern"), std::string::npos);
}

TEST_F(MarkRulesTest, IsPutBackAfterAFlush) {
  make_host_firewall();
  EXPECT_EQ(ensure().put_back.size(), 4U);
  ASSERT_EQ(output_of("iptables-nft -F FORWARD; ip6tables-nft -F INPUT"), "");
  EXPECT_THAT(ensure().put_back, ElementsAre("ip filter FORWARD", "ip6 filter INPUT"));
  EXPECT_THAT(chain("FORWARD"), ElementsAre(kOurs));
  EXPECT_THAT(chain("INPUT", "ip6tables-nft"), ElementsAre(kOurs));
}

TEST_F(MarkRulesTest, ReturnsToTheHeadWhenDisplaced) {
  make_host_firewall();
  EXPECT_EQ(ensure().put_back.size(), 4U);
  ASSERT_EQ(output_of("iptables-nft -I FORWARD -s 198.51.100.1 -j DROP"), "");
  const auto report = ensure();
  EXPECT_THAT(report.put_back, ElementsAre("ip filter FORWARD"));
  EXPECT_THAT(report.cleared, ElementsAre("ip filter FORWARD"));
  EXPECT_THAT(chain("FORWARD"), ElementsAre(kOurs, "-s 198.51.100.1/32 -j DROP",
                                            "-m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
                                            "-m comment --comment host -j more"));
}

TEST_F(MarkRulesTest, DoublesAreTakenAway) {
  make_host_firewall();
  EXPECT_EQ(ensure().put_back.size(), 4U);
  ASSERT_EQ(output_of(std::string("iptables-nft -A INPUT ") + kOurs), "");
  ASSERT_EQ(output_of(std::string("iptables-nft -I INPUT ") + kOurs), "");
  const auto report = ensure();
  EXPECT_THAT(report.put_back, IsEmpty());
  EXPECT_THAT(report.cleared, ElementsAre("ip filter INPUT"));
  EXPECT_THAT(chain("INPUT"), ElementsAre(kOurs, "-i lo -j ACCEPT", "-j more"));
}

TEST_F(MarkRulesTest, AnotherMarkReplacesTheFormer) {
  make_host_firewall();
  EXPECT_EQ(ensure(0x20000000).put_back.size(), 4U);
  const auto report = ensure(kMark);
  EXPECT_EQ(report.put_back.size(), 4U);
  EXPECT_EQ(report.cleared.size(), 4U);
  EXPECT_THAT(chain("INPUT"), ElementsAre(kOurs, "-i lo -j ACCEPT", "-j more"));
}

// Rules that an administrator might write beside ours.
TEST_F(MarkRulesTest, SimilarRulesAreNotOurs) {
  make_host_firewall();
  for (const std::string rule :
       {"-m mark --mark 0x10000000/0x10000000 -j ACCEPT",
        "-m mark --mark 0x10000000/0x10000000 -m comment --comment posterns -j ACCEPT",
        "-m mark ! --mark 0x10000000/0x10000000 -m comment --comment postern -j ACCEPT",
        "-m mark --mark 0x10000000/0x30000000 -m comment --comment postern -j ACCEPT",
        "-m mark --mark 0x10000000/0x10000000 -m comment --comment postern -j DROP",
        "-m mark --mark 0x10000000/0x10000000 -m comment --comment postern -j more",
        "-m mark --mark 0x10000000/0x10000000 -m comment --comment postern",
        "-m mark --mark 1/1 -m mark --mark 16/16 -m comment --comment postern -j ACCEPT",
        "-i wan0 -m mark --mark 0x10000000/0x10000000 -m comment --comment postern -j ACCEPT",
        "-p udp -m udp --dport 5351 -m comment --comment postern -j ACCEPT",
        "-m comment --comment postern -j ACCEPT"}) {
    ASSERT_EQ(output_of("iptables-nft -A INPUT " + rule), "");
  }
  const auto before = saved();
  const auto report = ensure();
  EXPECT_EQ(report.put_back.size(), 4U);
  EXPECT_THAT(report.cleared, IsEmpty());
  EXPECT_EQ(remove().cleared.size(), 4U);
  EXPECT_EQ(saved(), before);
}

TEST_F(MarkRulesTest, RemovalLeavesTheChainsAsTheyWere) {
  make_host_firewall();
  const auto before = saved();
  EXPECT_EQ(ensure().put_back.size(), 4U);
  EXPECT_NE(saved(), before);
  const auto report = remove();
  EXPECT_EQ(report.cleared.size(), 4U);
  EXPECT_THAT(report.put_back, IsEmpty());
  EXPECT_EQ(saved(), before);
  EXPECT_THAT(remove().cleared, IsEmpty());
}

TEST_F(MarkRulesTest, OnlyWhereIptablesHasItsChains) {
  ASSERT_EQ(output_of("iptables-nft -A INPUT -i lo -j ACCEPT"), "");
  EXPECT_THAT(ensure().put_back, ElementsAre("ip filter INPUT"));
  EXPECT_EQ(nft("list tables"), "table ip filter\n");
  EXPECT_EQ(nft("list chain ip filter FORWARD").rfind("Error", 0), 0U);
}

TEST_F(MarkRulesTest, NothingIsDoneOnAPlainHost) {
  EXPECT_THAT(ensure().put_back, IsEmpty());
  EXPECT_EQ(nft("list ruleset"), "");
  // The usual names of nft's own users, and a chain that no packet sees by itself.
  ASSERT_EQ(nft("add table inet filter"), "");
  ASSERT_EQ(nft("add chain inet filter FORWARD { type filter hook forward priority 0; }"), "");
  ASSERT_EQ(nft("add table ip filter"), "");
  ASSERT_EQ(nft("add chain ip filter forward { type filter hook forward priority 0; }"), "");
  ASSERT_EQ(nft("add chain ip filter FORWARD"), "");
  // Base chains that iptables itself calls incompatible.
  ASSERT_EQ(nft("add chain ip filter INPUT { type filter hook input priority 5; }"), "");
  ASSERT_EQ(nft("add table ip6 filter"), "");
  ASSERT_EQ(nft("add chain ip6 filter INPUT { type filter hook forward priority 0; }"), "");
  const auto before = nft("list ruleset");
  EXPECT_THAT(ensure().put_back, IsEmpty());
  EXPECT_EQ(nft("list ruleset"), before);
}

TEST_F(MarkRulesTest, OwnChangesAreLeftOutByTheWatch) {
  make_host_firewall();
  const auto watch = RulesetWatch::open({rules_->writer()});
  ASSERT_TRUE(watch) << watch.error();
  EXPECT_EQ(ensure().put_back.size(), 4U);
  pollfd waiting{(*watch)->descriptor(), POLLIN, 0};
  EXPECT_EQ(::poll(&waiting, 1, 0), 0);
  ASSERT_EQ(output_of("iptables-nft -F FORWARD"), "");
  EXPECT_TRUE((*watch)->drain().others);
}

TEST_F(MarkRulesTest, EveryOwnChangeIsCounted) {
  make_host_firewall();
  auto socket = netlink::Socket::open();
  ASSERT_TRUE(socket);
  const auto writer = rules_->writer();
  const auto uncounted = [&] { return socket->generation().value_or(0) - writer.commits(); };
  const auto before = uncounted();
  EXPECT_EQ(ensure().put_back.size(), 4U);
  EXPECT_THAT(ensure().put_back, IsEmpty());
  EXPECT_EQ(uncounted(), before);
  EXPECT_GT(writer.commits(), 0U);
  ASSERT_EQ(output_of("iptables-nft -A FORWARD -j DROP"), "");
  EXPECT_NE(uncounted(), before);
}

TEST_F(MarkRulesTest, HoldsWhileOthersRewriteTheTable) {
  make_host_firewall();
  auto* other = ::popen(
      "PATH=$PATH:/usr/sbin:/sbin; for i in $(seq 60); do nft delete table ip filter; "
      "iptables-nft -A FORWARD -j DROP; iptables-nft -A INPUT -j DROP; done 2>&1; echo end",
      "r");
  ASSERT_NE(other, nullptr);
  pollfd end{::fileno(other), POLLIN, 0};
  int put_back = 0;
  while (::poll(&end, 1, 1) == 0) {
    // It may lose every race, but then it says so.
    const auto report = rules_->ensure(kMark);
    if (report) put_back += report->put_back.empty() ? 0 : 1;
  }
  ::pclose(other);
  EXPECT_GT(put_back, 1);
  static_cast<void>(ensure());
  EXPECT_THAT(chain("FORWARD"), ElementsAre(kOurs, "-j DROP"));
  EXPECT_THAT(chain("INPUT"), ElementsAre(kOurs, "-j DROP"));
}

}  // namespace
}  // namespace postern
