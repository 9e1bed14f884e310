#include "host/occupied_ports.h"

#include <cstring>
#include <string>
#include <vector>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/host/host_fixture.h"

// Real sockets in a network namespace with a WAN and a LAN interface.

namespace postern::test {
namespace {

constexpr const char* kWanAddress = "203.0.113.1";
constexpr const char* kLanAddress = "192.168.1.1";

class OccupiedPortsTest : public HostFixture {
 protected:
  void SetUp() override {
    HostFixture::SetUp();
    if (IsSkipped()) return;
    run("ip link set lo up");
    // The two ends of one wire will do.
    run("ip link add wan type veth peer name lan");
    for (const auto& [interface, address] :
         {std::pair{"wan", kWanAddress}, std::pair{"lan", kLanAddress}}) {
      const std::string name = interface;
      run("ip link set " + name + " up");
      run("ip address add " + std::string(address) + "/24 dev " + name);
    }
    run("ip address add 2001:db8::1/64 dev wan nodad");
  }
  void TearDown() override {
    for (const int socket : sockets_) ::close(socket);
  }

  /// A socket that is bound, and listens when it is TCP's.
  int bound(Protocol protocol, const char* address, std::uint16_t port, bool is_ipv6_only = false,
            const char* device = nullptr) {
    const bool is_v6 = std::strchr(address, ':') != nullptr;
    const int socket = ::socket(is_v6 ? AF_INET6 : AF_INET,
                                protocol == Protocol::tcp ? SOCK_STREAM : SOCK_DGRAM, 0);
    EXPECT_GE(socket, 0);
    sockets_.push_back(socket);
    sockaddr_storage storage{};
    socklen_t size = 0;
    if (is_v6) {
      const int only = is_ipv6_only ? 1 : 0;
      EXPECT_EQ(::setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &only, sizeof only), 0);
      auto* v6 = reinterpret_cast<sockaddr_in6*>(&storage);
      v6->sin6_family = AF_INET6;
      v6->sin6_port = htons(port);
      EXPECT_EQ(::inet_pton(AF_INET6, address, &v6->sin6_addr), 1);
      size = sizeof *v6;
    } else {
      auto* v4 = reinterpret_cast<sockaddr_in*>(&storage);
      v4->sin_family = AF_INET;
      v4->sin_port = htons(port);
      EXPECT_EQ(::inet_pton(AF_INET, address, &v4->sin_addr), 1);
      size = sizeof *v4;
    }
    if (device != nullptr) {
      const auto length = static_cast<socklen_t>(std::strlen(device) + 1);
      EXPECT_EQ(::setsockopt(socket, SOL_SOCKET, SO_BINDTODEVICE, device, length), 0);
    }
    EXPECT_EQ(::bind(socket, reinterpret_cast<sockaddr*>(&storage), size), 0) << address << port;
    if (protocol == Protocol::tcp && port % 1000 != 999) {
      EXPECT_EQ(::listen(socket, 1), 0);
    }
    return socket;
  }
  static void connect_to_wan(int socket, std::uint16_t port) {
    sockaddr_in other{};
    other.sin_family = AF_INET;
    other.sin_port = htons(port);
    ASSERT_EQ(::inet_pton(AF_INET, kWanAddress, &other.sin_addr), 1);
    ASSERT_EQ(::connect(socket, reinterpret_cast<sockaddr*>(&other), sizeof other), 0);
  }

  [[nodiscard]] static host::Wan wan() { return {"wan", {*Address::parse(kWanAddress)}}; }
  /// "tcp 22; udp 53"
  [[nodiscard]] static std::string occupied(const host::Wan& wan = OccupiedPortsTest::wan()) {
    const auto read = host::read_occupied_ports(wan);
    if (!read) return read.error();
    return "tcp " + read->tcp.to_string() + "; udp " + read->udp.to_string();
  }

  std::vector<int> sockets_;
};

TEST_F(OccupiedPortsTest, Nothing) {
  EXPECT_EQ(occupied(), "tcp ; udp ");
}

TEST_F(OccupiedPortsTest, SocketsOfAllAddresses) {
  bound(Protocol::tcp, "0.0.0.0", 22);
  bound(Protocol::udp, "0.0.0.0", 123);
  bound(Protocol::tcp, "::", 80);
  bound(Protocol::udp, "::", 443);
  bound(Protocol::tcp, "::", 8081, true);
  bound(Protocol::udp, "::", 8082, true);
  EXPECT_EQ(occupied(), "tcp 22, 80; udp 123, 443");
}

TEST_F(OccupiedPortsTest, SocketsOfOneAddress) {
  bound(Protocol::tcp, kWanAddress, 1000);
  bound(Protocol::udp, "::ffff:203.0.113.1", 1001);
  bound(Protocol::tcp, kLanAddress, 1002);
  bound(Protocol::udp, kLanAddress, 1003);
  bound(Protocol::tcp, "127.0.0.1", 1004);
  bound(Protocol::udp, "::1", 1005);
  bound(Protocol::tcp, "2001:db8::1", 1006);
  EXPECT_EQ(occupied(), "tcp 1000; udp 1001");
  EXPECT_EQ(occupied({"wan", {}}), "tcp ; udp ");
  EXPECT_EQ(occupied({"lan", {*Address::parse(kLanAddress)}}), "tcp 1002; udp 1003");
}

TEST_F(OccupiedPortsTest, SocketsOfOneInterface) {
  bound(Protocol::udp, "0.0.0.0", 67, false, "lan");
  bound(Protocol::udp, "0.0.0.0", 68, false, "wan");
  EXPECT_EQ(occupied(), "tcp ; udp 68");
  EXPECT_EQ(occupied({"", {}}), "tcp ; udp 67-68");
  EXPECT_EQ(occupied({"gone", {}}), "tcp ; udp 67-68");
}

TEST_F(OccupiedPortsTest, ConnectedSocketsDoNotCount) {
  const int listening = bound(Protocol::tcp, "0.0.0.0", 2000);
  // Bound only: a TCP socket that does not listen takes nothing.
  const int client = bound(Protocol::tcp, kWanAddress, 2999);
  connect_to_wan(client, 2000);
  const int sender = bound(Protocol::udp, "0.0.0.0", 3000);
  EXPECT_EQ(occupied(), "tcp 2000; udp 3000");
  connect_to_wan(sender, 9);
  EXPECT_EQ(occupied(), "tcp 2000; udp ");
  ::shutdown(listening, SHUT_RDWR);
  EXPECT_EQ(occupied(), "tcp ; udp ");
}

TEST_F(OccupiedPortsTest, ManySockets) {
  // More than fit one answer of the kernel.
  for (std::uint16_t port = 10'001; port <= 10'600; ++port) bound(Protocol::udp, "0.0.0.0", port);
  EXPECT_EQ(occupied(), "tcp ; udp 10001-10600");
}

TEST_F(OccupiedPortsTest, SocketsAndForwardsTogether) {
  bound(Protocol::tcp, "0.0.0.0", 22);
  nft("table ip mine { chain pre {\ntype nat hook prerouting priority dstnat;\n"
      "tcp dport { 23, 8080 } dnat to 192.168.1.5\niifname \"lan\" udp dport 53 redirect\n}\n}\n");
  EXPECT_EQ(occupied(), "tcp 22-23, 8080; udp ");
}

}  // namespace
}  // namespace postern::test
