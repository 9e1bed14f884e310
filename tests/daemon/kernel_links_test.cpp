#include "daemon/kernel_links.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/private_netns.h"
#include "tests/support/shell.h"

namespace postern {
namespace {

[[nodiscard]] Address address(const char* text) {
  return Address::parse(text).value();
}

/// A LAN with a host whose IPv4 and IPv6 addresses are known, in a network namespace of its own.
class KernelLinksTest : public testing::Test {
 protected:
  void SetUp() override {
    if (netns_.why_not()) GTEST_SKIP() << *netns_.why_not();
    run("ip link add lan type veth peer name far");
    run("ip link set lan up; ip link set far up");
    run("ip neigh add 192.168.1.10 lladdr 02:00:00:00:00:0a dev lan nud permanent");
    run("ip neigh add 2001:db8:1::10 lladdr 02:00:00:00:00:0a dev lan nud permanent");
    run("ip neigh add 192.168.1.11 lladdr 02:00:00:00:00:0b dev lan nud permanent");
    index_ = ::if_nametoindex("lan");
    links_.emplace();
  }

  static void run(const std::string& command) { EXPECT_EQ(test::output_of(command), ""); }
  [[nodiscard]] bool are_one(const char* left, const char* right) {
    return links_->are_one_host(index_, address(left), address(right));
  }

  test::PrivateNetns netns_;
  std::uint32_t index_ = 0;
  std::optional<KernelLinks> links_;
};

TEST_F(KernelLinksTest, AddressesWithOneMacAreOneHosts) {  // IGD-047
  EXPECT_TRUE(are_one("192.168.1.10", "2001:db8:1::10"));
  EXPECT_TRUE(are_one("2001:db8:1::10", "192.168.1.10"));
  EXPECT_FALSE(are_one("192.168.1.11", "2001:db8:1::10"));
  EXPECT_FALSE(are_one("192.168.1.10", "192.168.1.11"));
}

TEST_F(KernelLinksTest, WhoIsNotKnownIsNobodyElse) {
  EXPECT_FALSE(are_one("192.168.1.12", "2001:db8:1::10"));
  EXPECT_FALSE(are_one("192.168.1.12", "192.168.1.13"));
  EXPECT_TRUE(are_one("192.168.1.12", "192.168.1.12"));
  // An answer that was no is not taken for the next one's.
  EXPECT_TRUE(are_one("192.168.1.10", "2001:db8:1::10"));
  EXPECT_FALSE(
      links_->are_one_host(index_ + 100, address("192.168.1.10"), address("2001:db8:1::10")));
}

TEST_F(KernelLinksTest, AFailedNeighbourIsNotKnown) {
  run("ip neigh replace 192.168.1.12 dev lan nud failed");
  EXPECT_FALSE(are_one("192.168.1.12", "192.168.1.10"));
}

TEST_F(KernelLinksTest, CountsWhatWentOverALink) {  // IGD-137
  const auto before = links_->counters(index_);
  ASSERT_TRUE(before);
  run("ip address add 192.168.1.1/24 dev lan");
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(9);
  ASSERT_EQ(::inet_pton(AF_INET, "192.168.1.10", &to.sin_addr), 1);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(::sendto(socket, "x", 1, 0, reinterpret_cast<sockaddr*>(&to), sizeof to), 1);
  }
  ::close(socket);
  const auto after = links_->counters(index_);
  ASSERT_TRUE(after);
  EXPECT_GE(after->packets_sent, before->packets_sent + 3);
  EXPECT_GE(after->bytes_sent, before->bytes_sent + 3 * 43);
  EXPECT_FALSE(links_->counters(index_ + 100));
}

TEST_F(KernelLinksTest, TellsTheSpeedThatTheDriverTells) {  // IGD-136
  EXPECT_EQ(links_->speed(index_), 10'000'000'000U) << "veth says so";
  EXPECT_FALSE(links_->speed(::if_nametoindex("lo")));
  EXPECT_FALSE(links_->speed(index_ + 100));
}

}  // namespace
}  // namespace postern
