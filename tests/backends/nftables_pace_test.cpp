#include <cstdint>
#include <map>
#include <string>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/nftables_fixture.h"

// How many packets the input chain lets through to our ports. Hardware addresses, which loopback
// has not, are tried by tests/lab/test_flood.py.
namespace postern::test {
namespace {

constexpr std::uint16_t kPort = 5351;
constexpr std::uint32_t kRate = 10;

/// Closes with its life.
class Socket {
 public:
  Socket(int family, int type) : number_(::socket(family, type | SOCK_NONBLOCK, 0)) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() { ::close(number_); }
  [[nodiscard]] int number() const { return number_; }

 private:
  int number_;
};

[[nodiscard]] sockaddr_in at(std::uint32_t address, std::uint16_t port) {
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(address);
  return to;
}

template <class Name>
[[nodiscard]] const sockaddr* as_name(const Name& name) {
  return reinterpret_cast<const sockaddr*>(&name);
}

/// The machine's own loopback stands for the LAN.
class NftablesPaceTest : public NftablesFixture {
 protected:
  void SetUp() override {
    NftablesFixture::SetUp();
    if (!backend_) return;  // Skipped, or failed.
    ASSERT_EQ(output_of("ip link set lo up"), "");
    paced_ = open(kRate);
    ASSERT_TRUE(ok(paced_->reset(network(), {}, kNow)));
  }

  [[nodiscard]] static std::unique_ptr<NftablesBackend> open(std::uint32_t rate) {
    BackendOptions options;
    options.own_ports = {{Protocol::udp, kPort, true}, {Protocol::tcp, kPort}};
    options.requests_per_second = rate;
    auto opened = NftablesBackend::open(options);
    if (!opened) throw std::runtime_error(opened.error().reason);
    return std::move(*opened);
  }
  [[nodiscard]] static Network network() {
    auto network = one_lan();
    network.lan.front().name = "lo";
    return network;
  }

  /// How many of `count` datagrams from 127.0.0.0 + `host` to one of our ports arrive.
  static int arriving4(std::uint32_t host, int count) {
    const Socket server(AF_INET, SOCK_DGRAM);
    const auto to = at(INADDR_LOOPBACK, kPort);
    EXPECT_EQ(::bind(server.number(), as_name(to), sizeof to), 0);
    const Socket client(AF_INET, SOCK_DGRAM);
    const auto from = at(0x7f000000 + host, 0);
    EXPECT_EQ(::bind(client.number(), as_name(from), sizeof from), 0);
    return arriving(server, client, as_name(to), sizeof to, count);
  }
  static int arriving6(int count) {
    const Socket server(AF_INET6, SOCK_DGRAM);
    sockaddr_in6 to{};
    to.sin6_family = AF_INET6;
    to.sin6_port = htons(kPort);
    to.sin6_addr = in6addr_loopback;
    EXPECT_EQ(::bind(server.number(), as_name(to), sizeof to), 0);
    const Socket client(AF_INET6, SOCK_DGRAM);
    return arriving(server, client, as_name(to), sizeof to, count);
  }
  static int arriving(const Socket& server, const Socket& client, const sockaddr* to,
                      socklen_t size, int count) {
    int sum = 0;
    for (int i = 0; i < count; ++i) {
      (void)::sendto(client.number(), "?", 1, 0, to, size);
      char octet = 0;
      if (::recv(server.number(), &octet, 1, 0) == 1) ++sum;
    }
    return sum;
  }

  std::unique_ptr<NftablesBackend> paced_;
};

INSTANTIATE_TEST_SUITE_P(InPlace, NftablesPaceTest, testing::Values(true));

TEST_P(NftablesPaceTest, AnotherRateHoldsFromTheNextReset) {
  EXPECT_TRUE(paced_->pacing().is_on);
  paced_->set_requests_per_second(3);
  ASSERT_TRUE(ok(paced_->reset(network(), {}, kNow)));
  EXPECT_EQ(arriving4(5, 100), 6);
  paced_->set_requests_per_second(0);
  EXPECT_TRUE(paced_->pacing().is_on) << "not yet";
  ASSERT_TRUE(ok(paced_->reset(network(), {}, kNow)));
  EXPECT_FALSE(paced_->pacing().is_on);
  EXPECT_EQ(arriving4(5, 100), 100);
}

TEST_P(NftablesPaceTest, LetsABurstOfEachHostThrough) {  // NPMP-91
  EXPECT_EQ(arriving4(2, 100), 20);
  EXPECT_EQ(arriving4(3, 10), 10);
  EXPECT_EQ(arriving6(100), 20);
}

TEST_P(NftablesPaceTest, LimitsConnectionsThatBegin) {  // NPMP-91
  const Socket server(AF_INET, SOCK_STREAM);
  const auto to = at(INADDR_LOOPBACK, kPort);
  const int on = 1;
  ::setsockopt(server.number(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  ASSERT_EQ(::bind(server.number(), as_name(to), sizeof to), 0);
  ASSERT_EQ(::listen(server.number(), 128), 0);
  // 20 connections are as many packets that count; those that follow in them do not.
  for (int i = 0; i < 40; ++i) {
    const Socket client(AF_INET, SOCK_STREAM);
    (void)::connect(client.number(), as_name(to), sizeof to);
    const bool is_taken = ::send(client.number(), "12", 2, 0) == 2;
    EXPECT_EQ(is_taken, i < 20) << i;
  }
}

TEST_P(NftablesPaceTest, HostsBeyondTheBookShareABucket) {
  // No host of these uses up what it has; only the book is full then.
  for (std::uint32_t host = 2; host < 2 + 1024; ++host) ASSERT_EQ(arriving4(host, 1), 1) << host;
  int sum = 0;
  for (std::uint32_t host = 5000; host < 5030; ++host) sum += arriving4(host, 10);
  // A few may find the place of one that was forgotten, and two seconds may pass.
  EXPECT_GE(sum, 20);
  EXPECT_LT(sum, 300);
}

TEST_P(NftablesPaceTest, ARateOfZeroHasNoRules) {
  const auto unpaced = open(0);
  ASSERT_TRUE(ok(unpaced->reset(network(), {}, kNow)));
  EXPECT_EQ(arriving4(2, 1000), 1000);
  EXPECT_EQ(table_text().find("pace"), std::string::npos);
}

TEST_P(NftablesPaceTest, TheTableCanBeSavedWithBucketsInIt) {
  ASSERT_EQ(arriving4(2, 100), 20);
  EXPECT_EQ(output_of("saved=$(mktemp) && nft list table inet postern > $saved && "
                      "nft flush ruleset && nft -f $saved; rm $saved"),
            "");
  EXPECT_EQ(arriving4(2, 100), 20);
}

TEST_P(NftablesPaceTest, IsWrittenAnewWithTheTable) {
  ASSERT_EQ(arriving4(2, 100), 20);
  ASSERT_TRUE(ok(paced_->reset(network(), std::vector{forward(1000, 5000)}, kNow)));
  EXPECT_TRUE(holds(*paced_, {forward(1000, 5000)}));
  EXPECT_EQ(arriving4(2, 100), 20);
}

constexpr const char* kGolden = R"(table inet postern {
	set pace_ether {
		type ether_addr
		size 1024
		flags dynamic,timeout
		timeout 5s
	}
}
table inet postern {
	chain pace {
		update @pace_ether { ether saddr limit rate over 10/second burst 20 packets } drop
		ether saddr != @pace_ether limit rate over 10/second burst 20 packets drop
		meta iiftype ether return
		update @pace4 { ip saddr limit rate over 10/second burst 20 packets } drop
		ip saddr != @pace4 limit rate over 10/second burst 20 packets drop
		update @pace6 { ip6 saddr limit rate over 10/second burst 20 packets } drop
		ip6 saddr != @pace6 limit rate over 10/second burst 20 packets drop
	}
}
table inet postern {
	chain input {
		type filter hook input priority filter - 10; policy accept;
		iifname "lo" udp dport 5351 jump pace
		iifname "lo" udp dport 5351 meta mark set meta mark | 0x10000000 accept
		udp dport 5351 drop
		iifname "lo" tcp dport 5351 tcp flags syn / fin,syn,rst,ack jump pace
		iifname "lo" tcp dport 5351 meta mark set meta mark | 0x10000000 accept
	}
}
)";

TEST_P(NftablesPaceTest, IsWrittenSo) {
  EXPECT_EQ(nft("list set inet postern pace_ether") + nft("list chain inet postern pace") +
                nft("list chain inet postern input"),
            kGolden);
}

}  // namespace
}  // namespace postern::test
