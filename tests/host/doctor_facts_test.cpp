#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "host/host_facts.h"
#include "host/instance_name.h"
#include "host/own_table.h"
#include "tests/host/host_fixture.h"

// What the doctor sees of a real gateway, and of an imitated /proc.

namespace postern::test {
namespace {

namespace fs = std::filesystem;

using host::HostLink;
using host::PortHolder;
using host::Process;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

class DoctorFactsTest : public HostFixture {
 protected:
  [[nodiscard]] static HostLink link_named(const std::string& name) {
    const auto links = host::read_links();
    EXPECT_TRUE(links) << links.error();
    for (const auto& link : *links) {
      if (link.interface.name == name) return link;
    }
    ADD_FAILURE() << "no " << name;
    return {};
  }
  /// This program, as the kernel names it.
  [[nodiscard]] static Process myself() {
    std::string name;
    std::getline(std::ifstream("/proc/self/comm"), name);
    return {::getpid(), name};
  }
};

/// A socket that is closed at the end.
class OpenSocket {
 public:
  OpenSocket(int family, int kind) : socket_(::socket(family, kind | SOCK_CLOEXEC, 0)) {}
  OpenSocket(const OpenSocket&) = delete;
  OpenSocket& operator=(const OpenSocket&) = delete;
  ~OpenSocket() { ::close(socket_); }

  void bind_v4(const char* address, std::uint16_t port) const {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    ASSERT_EQ(::inet_pton(AF_INET, address, &to.sin_addr), 1);
    ASSERT_EQ(::bind(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  }
  void bind_v6(const char* address, std::uint16_t port) const {
    sockaddr_in6 to{};
    to.sin6_family = AF_INET6;
    to.sin6_port = htons(port);
    ASSERT_EQ(::inet_pton(AF_INET6, address, &to.sin6_addr), 1);
    ASSERT_EQ(::bind(socket_, reinterpret_cast<const sockaddr*>(&to), sizeof to), 0);
  }
  void listen() const { ASSERT_EQ(::listen(socket_, 1), 0); }
  void bind_abstract(std::string_view name) const {
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    std::memcpy(to.sun_path + 1, name.data(), name.size());
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
    ASSERT_EQ(::bind(socket_, reinterpret_cast<const sockaddr*>(&to), size), 0);
  }

 private:
  int socket_;
};

TEST_F(DoctorFactsTest, Links) {
  run("ip link add wan0 type veth peer name far");
  run("ip address add 203.0.113.1/24 dev wan0");
  run("ip address add 203.0.113.2/24 dev wan0 label wan0:more");
  run("ip address add 2001:db8::1/64 dev wan0 nodad");
  run("ip link set wan0 up");
  const auto wan = link_named("wan0");
  EXPECT_TRUE(wan.is_up);
  EXPECT_FALSE(wan.is_loopback);
  EXPECT_NE(wan.interface.index, 0U);
  EXPECT_TRUE(wan.interface.has(*Address::parse("203.0.113.1")));
  EXPECT_TRUE(wan.interface.has(*Address::parse("203.0.113.2")));
  EXPECT_TRUE(wan.interface.has(*Address::parse("2001:db8::1")));
  EXPECT_EQ(wan.interface.addresses.at(0).prefix_length, 24U);
  const auto far = link_named("far");
  EXPECT_FALSE(far.is_up);
  EXPECT_THAT(far.interface.addresses, IsEmpty());
  EXPECT_TRUE(link_named("lo").is_loopback);
}

TEST_F(DoctorFactsTest, DefaultRoute) {
  EXPECT_EQ(host::read_default_route(), std::nullopt);
  for (const std::string number : {"1", "2"}) {
    run("ip link add wan" + number + " type veth peer name far" + number);
    run("ip address add 203.0.113." + number + "/24 dev wan" + number);
    run("ip link set far" + number + " up");
    run("ip link set wan" + number + " up");
  }
  EXPECT_EQ(host::read_default_route(), std::nullopt);
  run("ip route add unreachable default metric 50");
  EXPECT_EQ(host::read_default_route(), std::nullopt);
  run("ip route add default dev wan1 metric 200");
  EXPECT_EQ(host::read_default_route(), "wan1");
  run("ip route add default dev wan2 metric 100");
  EXPECT_EQ(host::read_default_route(), "wan2");
}

TEST_F(DoctorFactsTest, SettingsOfTheKernel) {
  for (const bool on : {true, false}) {
    const std::string value = on ? "1" : "0";
    run("echo " + value + " > /proc/sys/net/ipv4/ip_forward");
    run("echo " + value + " > /proc/sys/net/ipv6/conf/all/forwarding");
    const auto facts = host::collect_host_facts();
    EXPECT_EQ(facts.forwards_ipv4, on);
    EXPECT_EQ(facts.forwards_ipv6, on);
  }
}

TEST_F(DoctorFactsTest, Rules) {
  nft("table inet host { chain forward { type filter hook forward priority 0; policy drop; }; }");
  const auto facts = host::collect_host_facts();
  ASSERT_TRUE(facts.ruleset) << facts.ruleset_error;
  EXPECT_NE(facts.ruleset->find(host::Family::inet, "host", "forward"), nullptr);
  EXPECT_EQ(facts.has_own_table, false);
  EXPECT_TRUE(facts.has_net_admin);
}

TEST_F(DoctorFactsTest, OwnTable) {
  nft("add table ip postern");
  nft("add table inet posterns");
  EXPECT_EQ(host::has_own_table(), false);
  EXPECT_EQ(host::remove_own_table(), false);
  nft("table inet postern { set s { type ipv4_addr; }; chain c { }; }");
  EXPECT_EQ(host::has_own_table(), true);
  EXPECT_EQ(host::remove_own_table(), true);
  EXPECT_EQ(host::has_own_table(), false);
  EXPECT_EQ(host::remove_own_table(), false);
  run("nft list table ip postern > /dev/null");
  run("nft list table inet posterns > /dev/null");
}

TEST_F(DoctorFactsTest, HoldersOfPorts) {
  run("ip link set lo up");
  const OpenSocket udp(AF_INET, SOCK_DGRAM);
  udp.bind_v4("0.0.0.0", 5351);
  const OpenSocket tcp(AF_INET6, SOCK_STREAM);
  tcp.bind_v6("::", 5351);
  // Not listening yet.
  EXPECT_THAT(host::collect_host_facts().holders,
              ElementsAre(PortHolder{Protocol::udp, 5351, myself()}));
  tcp.listen();
  const OpenSocket another(AF_INET, SOCK_DGRAM);
  another.bind_v4("0.0.0.0", 5352);
  EXPECT_THAT(host::collect_host_facts().holders,
              UnorderedElementsAre(PortHolder{Protocol::udp, 5351, myself()},
                                   PortHolder{Protocol::tcp, 5351, myself()}));
}

TEST_F(DoctorFactsTest, LoopbackIsNobodysBusiness) {
  run("ip link set lo up");
  const OpenSocket v4(AF_INET, SOCK_DGRAM);
  v4.bind_v4("127.0.0.2", 5351);
  const OpenSocket v6(AF_INET6, SOCK_DGRAM);
  v6.bind_v6("::1", 1900);
  const OpenSocket mapped(AF_INET6, SOCK_DGRAM);
  mapped.bind_v6("::ffff:127.0.0.1", 1900);
  EXPECT_THAT(host::collect_host_facts().holders, IsEmpty());
}

TEST_F(DoctorFactsTest, PosterndRuns) {
  EXPECT_FALSE(host::is_posternd_running());
  const OpenSocket similar(AF_UNIX, SOCK_DGRAM);
  similar.bind_abstract(std::string(host::kInstanceName) + "s");
  EXPECT_FALSE(host::is_posternd_running());
  const OpenSocket lock(AF_UNIX, SOCK_DGRAM);
  lock.bind_abstract(host::kInstanceName);
  EXPECT_TRUE(host::is_posternd_running());
}

/// A /proc with processes of our making.
class ImitatedProc : public testing::Test {
 protected:
  void SetUp() override {
    make("thread-self", "", "net:[1]", "");
    make("10", "miniupnpd", "net:[1]", "CapEff:\t0000000000001000\n");
    make("11", "miniupnpd", "net:[2]", "CapEff:\t000001ffffffefff\n");
    make("12", "bash", "net:[1]", "CapEff:\t000001ffffffffff\n");
    make("13", "upnpd", "", "Name:\tx\n");
  }
  void TearDown() override { fs::remove_all(proc_); }

  void make(const std::string& directory, const std::string& name, const std::string& netns,
            const std::string& status) const {
    const fs::path at = fs::path(proc_) / directory;
    fs::create_directories(at / "ns");
    if (!name.empty()) std::ofstream(at / "comm") << name << "\n";
    if (!netns.empty()) fs::create_symlink(netns, at / "ns" / "net");
    std::ofstream(at / "status") << status;
  }

  const std::string proc_ = testing::TempDir() + "imitated_proc_" + std::to_string(::getpid());
};

TEST_F(ImitatedProc, ProcessesOfThisNamespaceOrOneThatIsNotKnown) {
  EXPECT_THAT(host::processes_named({"miniupnpd", "upnpd"}, proc_),
              UnorderedElementsAre(Process{10, "miniupnpd"}, Process{13, "upnpd"}));
  EXPECT_THAT(host::processes_named({"posternd"}, proc_), IsEmpty());
}

TEST_F(ImitatedProc, Capabilities) {
  EXPECT_EQ(host::has_net_admin("10", proc_), true);
  EXPECT_EQ(host::has_net_admin("11", proc_), false);
  EXPECT_EQ(host::has_net_admin("12", proc_), true);
  EXPECT_EQ(host::has_net_admin("13", proc_), std::nullopt);
  EXPECT_EQ(host::has_net_admin("14", proc_), std::nullopt);
}

TEST_F(ImitatedProc, HolderThatHides) {
  fs::create_directories(fs::path(proc_) / "thread-self" / "net");
  std::ofstream(proc_ + "/thread-self/net/udp")
      << "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  "
         "timeout inode ref pointer drops\n"
         " 1: 00000000:14E7 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 "
         "77 2 0000000000000000 0\n"
         // Connected: it hears its peer alone.
         " 2: 00000000:076C 08080808:0035 01 00000000:00000000 00:00000000 00000000     0        0 "
         "78 2 0000000000000000 0\n"
         "nonsense\n";
  const std::vector<host::WatchedPort> ports{{Protocol::udp, 5351}, {Protocol::udp, 1900}};
  EXPECT_THAT(host::port_holders(ports, proc_),
              ElementsAre(PortHolder{Protocol::udp, 5351, std::nullopt}));
  fs::create_directories(fs::path(proc_) / "12" / "fd");
  fs::create_symlink("socket:[77]", fs::path(proc_) / "12" / "fd" / "3");
  EXPECT_THAT(host::port_holders(ports, proc_),
              ElementsAre(PortHolder{Protocol::udp, 5351, Process{12, "bash"}}));
}

}  // namespace
}  // namespace postern::test
