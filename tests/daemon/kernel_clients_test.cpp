#include "daemon/kernel_clients.h"

#include <gtest/gtest.h>
#include <net/if.h>

#include "tests/support/private_netns.h"
#include "tests/support/shell.h"

namespace postern {
namespace {

[[nodiscard]] Address address(const char* text) {
  return Address::parse(text).value();
}

/// Two LANs of which the first has a host that the kernel knows, in a network namespace of its own.
class KernelClientsTest : public testing::Test {
 protected:
  void SetUp() override {
    if (netns_.why_not()) GTEST_SKIP() << *netns_.why_not();
    run("ip link add lan type veth peer name far");
    run("ip link set lan up; ip link set far up");
    run("ip neigh add 192.168.1.10 lladdr 02:00:00:00:00:0a dev lan nud permanent");
    run("ip neigh add 2001:db8:1::10 lladdr 02:00:00:00:00:0a dev lan nud permanent");
    const Interface lan{
        "lan",
        ::if_nametoindex("lan"),
        {{address("192.168.1.1"), 24}, {address("2001:db8:1::1"), 64}, {address("fe80::1"), 64}}};
    const Interface guests{
        "guests", 1000, {{address("192.168.2.1"), 24}, {address("fe80::2"), 64}}};
    clients_.emplace();
    const Interface tunnel{"lo", ::if_nametoindex("lo"), {{address("192.168.3.1"), 24}}};
    clients_->follow({std::nullopt, {lan, guests, tunnel}});
  }
  static void run(const std::string& command) { EXPECT_EQ(test::output_of(command), ""); }

  test::PrivateNetns netns_;
  std::optional<KernelClients> clients_;
};

TEST_F(KernelClientsTest, FindsInterfaceAndMacAddress) {
  const ClientLink known{"lan", MacAddress::parse("02:00:00:00:00:0a"), true, true};
  EXPECT_EQ(clients_->find(address("192.168.1.10")), known);
  EXPECT_EQ(clients_->find(address("2001:db8:1::10")), known);
}

TEST_F(KernelClientsTest, TellsWhoHasAnsweredFromWhoWasMerelyHeard) {
  const auto has_answered = [&](const std::string& state) {
    run("ip neigh replace 192.168.1.12 lladdr 02:00:00:00:00:0c dev lan nud " + state);
    const auto found = clients_->find(address("192.168.1.12"));
    EXPECT_TRUE(found && found->mac) << state;
    return found && found->has_answered;
  };
  EXPECT_FALSE(has_answered("stale"));
  EXPECT_TRUE(has_answered("reachable"));
  EXPECT_FALSE(has_answered("delay"));
}

TEST_F(KernelClientsTest, AnUnknownNeighbourStillHasAnInterface) {
  EXPECT_EQ(clients_->find(address("192.168.1.11")), (ClientLink{"lan", std::nullopt}));
  EXPECT_EQ(clients_->find(address("192.168.2.10")), (ClientLink{"guests", std::nullopt}));
}

TEST_F(KernelClientsTest, HostsOfATunnelHaveNoMacAddresses) {
  EXPECT_EQ(clients_->find(address("192.168.3.10")), (ClientLink{"lo", std::nullopt, false}));
  EXPECT_TRUE(clients_->find(address("192.168.1.11"))->has_macs);
}

TEST_F(KernelClientsTest, WhoIsOnNoLinkOrOnEveryIsNotKnown) {
  EXPECT_FALSE(clients_->find(address("10.0.0.1")));
  EXPECT_FALSE(clients_->find(address("fe80::10")));
}

}  // namespace
}  // namespace postern
