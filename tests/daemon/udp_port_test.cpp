#include "daemon/udp_port.h"

#include <cstdint>
#include <map>
#include <set>
#include <string>

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

constexpr std::uint16_t kPort = 5351;
constexpr std::uint32_t kFlooder = 0x7f000002;
constexpr std::uint32_t kNeighbour = 0x7f000003;

/// A port on the loopback of a namespace of its own, whose addresses are hosts.
class UdpPortTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto& why = netns_.why_not()) GTEST_SKIP() << *why;
    ASSERT_EQ(test::output_of("ip link set lo up"), "");
    auto opened = UdpPort::open(io_, {"lo", ::if_nametoindex("lo"), Family::v4, kPort});
    ASSERT_TRUE(opened) << opened.error();
    port_ = std::move(*opened);
  }

  /// Sends the datagrams "0", "1" and so on, as one host.
  static void send(std::uint32_t host, int count) {
    const int sender = ::socket(AF_INET, SOCK_DGRAM, 0);
    const auto from = at(host, 0);
    EXPECT_EQ(::bind(sender, reinterpret_cast<const sockaddr*>(&from), sizeof from), 0);
    const auto to = at(INADDR_LOOPBACK, kPort);
    for (int i = 0; i < count; ++i) {
      const auto text = std::to_string(i);
      (void)::sendto(sender, text.data(), text.size(), 0, reinterpret_cast<const sockaddr*>(&to),
                     sizeof to);
    }
    ::close(sender);
  }
  [[nodiscard]] static sockaddr_in at(std::uint32_t address, std::uint16_t port) {
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(address);
    return to;
  }
  /// The texts of the datagrams of one turn, by their host.
  [[nodiscard]] std::map<Address, std::vector<std::string>> receive() {
    std::map<Address, std::vector<std::string>> received;
    for (const auto& datagram : port_->receive()) {
      received[datagram.source.address].emplace_back(datagram.payload.begin(),
                                                     datagram.payload.end());
    }
    return received;
  }

  test::PrivateNetns netns_;
  asio::io_context io_;
  std::shared_ptr<UdpPort> port_;
};

TEST_F(UdpPortTest, WhoSendsMuchKeepsNobodyWaiting) {
  send(kFlooder, 200);
  send(kNeighbour, 3);
  const auto received = receive();
  ASSERT_EQ(received.size(), 2U);
  EXPECT_EQ(received.at(Address::v4(kNeighbour)), (std::vector<std::string>{"0", "1", "2"}));
  EXPECT_EQ(received.at(Address::v4(kFlooder)).size(), UdpPort::kBatch - 3);
}

TEST_F(UdpPortTest, LosesNothingAndKeepsTheOrder) {
  send(kFlooder, 150);
  std::vector<std::string> all;
  for (int turn = 0; turn < 3; ++turn) {
    for (const auto& [host, texts] : receive()) all.insert(all.end(), texts.begin(), texts.end());
  }
  ASSERT_EQ(all.size(), 150U);
  for (int i = 0; i < 150; ++i) EXPECT_EQ(all[static_cast<std::size_t>(i)], std::to_string(i));
  EXPECT_TRUE(receive().empty());
  EXPECT_EQ(port_->take_overflow(), 0U);
}

TEST_F(UdpPortTest, GivesDatagramsOfATurnInTheOrderOfArrival) {
  for (int i = 0; i < 5; ++i) {
    send(kFlooder, 1);
    send(kNeighbour, 1);
  }
  std::vector<Address> sources;
  for (const auto& datagram : port_->receive()) sources.push_back(datagram.source.address);
  ASSERT_EQ(sources.size(), 10U);
  for (std::size_t i = 0; i < 10; ++i) {
    EXPECT_EQ(sources[i], Address::v4(i % 2 == 0 ? kFlooder : kNeighbour)) << i;
  }
}

TEST_F(UdpPortTest, ThrowsAwayWhatIsTooMuch) {
  // Each turn takes 64 and finds 200 more.
  std::size_t received = 0;
  for (int turn = 0; turn < 5; ++turn) {
    send(kFlooder, 200);
    received += receive().at(Address::v4(kFlooder)).size();
  }
  EXPECT_EQ(received, 5 * UdpPort::kBatch);
  send(kNeighbour, 1);
  EXPECT_EQ(receive().count(Address::v4(kNeighbour)), 1U);
  const auto overflow = port_->take_overflow();
  for (auto more = receive(); !more.empty(); more = receive()) {
    received += more.at(Address::v4(kFlooder)).size();
  }
  EXPECT_EQ(received + overflow + UdpPort::kBatch - 1, 1000U);
  EXPECT_EQ(port_->take_overflow(), 0U);
}

TEST_F(UdpPortTest, CallsUntilNothingWaits) {
  std::size_t received = 0;
  port_->watch([&] { received += port_->receive().size(); });
  send(kFlooder, 200);
  for (int i = 0; i < 10 && received < 200; ++i) io_.poll();
  EXPECT_EQ(received, 200U);
}

}  // namespace
}  // namespace postern
