#include "ctl/teardown.h"

#include <cstddef>
#include <cstring>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "host/instance_name.h"
#include "host/mark_rules.h"
#include "tests/support/private_netns.h"
#include "tests/support/shell.h"

namespace postern::test {
namespace {

using ctl::ExitCode;
using ctl::tear_down;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class Teardown : public testing::Test {
 protected:
  void SetUp() override {
    if (netns_.why_not()) GTEST_SKIP() << *netns_.why_not();
  }

  PrivateNetns netns_;
};

/// The lock of a daemon that runs.
class Lock {
 public:
  Lock() : socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un name{};
    name.sun_family = AF_UNIX;
    std::memcpy(name.sun_path + 1, host::kInstanceName.data(), host::kInstanceName.size());
    const auto size = offsetof(sockaddr_un, sun_path) + 1 + host::kInstanceName.size();
    EXPECT_EQ(
        ::bind(socket_, reinterpret_cast<const sockaddr*>(&name), static_cast<socklen_t>(size)), 0);
  }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  ~Lock() { ::close(socket_); }

 private:
  int socket_;
};

TEST_F(Teardown, NothingThere) {
  const auto removed = tear_down(false);
  ASSERT_TRUE(removed) << removed.error().text;
  EXPECT_THAT(*removed, IsEmpty());
}

TEST_F(Teardown, TableAndMarkRules) {
  ASSERT_EQ(nft("add table inet postern"), "");
  ASSERT_EQ(nft("add table inet host"), "");
  ASSERT_EQ(output_of("iptables-nft -A FORWARD -s 192.0.2.1 -j DROP"), "");
  const auto before = nft("list ruleset");
  ASSERT_TRUE((*MarkRules::open())->ensure(0x10000000));
  ASSERT_THAT(nft("list ruleset"), HasSubstr("postern"));
  const auto removed = tear_down(false);
  ASSERT_TRUE(removed) << removed.error().text;
  EXPECT_THAT(*removed, ElementsAre("table inet postern", "the mark rule in ip filter FORWARD"));
  const auto after = nft("list ruleset");
  EXPECT_THAT(after, Not(HasSubstr("postern")));
  EXPECT_THAT(after, HasSubstr("table inet host"));
  EXPECT_THAT(after, HasSubstr("192.0.2.1"));
  EXPECT_THAT(*tear_down(false), IsEmpty());
}

TEST_F(Teardown, ChainsOfTheIptablesBackend) {
  for (const auto* program : {"iptables-nft", "ip6tables-nft"}) {
    const std::string run(program);
    ASSERT_EQ(output_of(run + " -N POSTERN-FORWARD"), "");
    ASSERT_EQ(output_of(run + " -A POSTERN-FORWARD -p udp --dport 4000 -j ACCEPT"), "");
    ASSERT_EQ(output_of(run + " -A FORWARD -j POSTERN-FORWARD"), "");
    ASSERT_EQ(output_of(run + " -t mangle -N POSTERN-MARK"), "");
    ASSERT_EQ(output_of(run + " -N OTHERS"), "");
  }
  const auto removed = tear_down(false);
  ASSERT_TRUE(removed) << removed.error().text;
  EXPECT_EQ(removed->size(), 4U);
  EXPECT_THAT(*removed, Contains(HasSubstr("chain POSTERN-FORWARD of table filter")));
  EXPECT_THAT(*removed, Contains(HasSubstr("chain POSTERN-MARK of table mangle")));
  const auto after = nft("list ruleset");
  EXPECT_THAT(after, Not(HasSubstr("POSTERN")));
  EXPECT_THAT(after, HasSubstr("OTHERS"));
  EXPECT_THAT(*tear_down(false), IsEmpty());
}

TEST_F(Teardown, RefusesWhilePosterndRuns) {
  ASSERT_EQ(nft("add table inet postern"), "");
  const Lock lock;
  const auto refused = tear_down(false);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ExitCode::failure);
  EXPECT_THAT(refused.error().text, HasSubstr("--yes"));
  EXPECT_THAT(nft("list tables"), HasSubstr("inet postern"));
  const auto removed = tear_down(true);
  ASSERT_TRUE(removed) << removed.error().text;
  EXPECT_THAT(*removed, ElementsAre("table inet postern"));
}

}  // namespace
}  // namespace postern::test
