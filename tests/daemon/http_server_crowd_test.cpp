#include <algorithm>
#include <cstdint>
#include <vector>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include "daemon/http_server.h"
#include "tests/daemon/http_server_fixture.h"

namespace postern {
namespace {

[[nodiscard]] Address source(int number) {
  return Address::v4({127, 0, 1, static_cast<std::uint8_t>(number + 1)});
}

/// Room for the clients of these tests and the server's side of each.
class HttpServerCrowdTest : public HttpServerTest {
 protected:
  HttpServerCrowdTest() {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    auto more = before_;
    more.rlim_cur = std::min<rlim_t>(more.rlim_max, 4096);
    ::setrlimit(RLIMIT_NOFILE, &more);
  }
  ~HttpServerCrowdTest() override { ::setrlimit(RLIMIT_NOFILE, &before_); }

  void SetUp() override {
    rlimit now{};
    ::getrlimit(RLIMIT_NOFILE, &now);
    if (now.rlim_cur < 2048) GTEST_SKIP() << "needs 2048 descriptors";
  }
  /// `count` clients that take turns at `sources` addresses, each with a request sent.
  [[nodiscard]] std::vector<test::HttpClient> crowd(int count, int sources) {
    std::vector<test::HttpClient> clients;
    for (int i = 0; i < count; ++i) {
      clients.push_back(client(source(i % sources)));
      EXPECT_TRUE(comes_true([&] { return clients.back().send(request(i)); })) << i;
    }
    return clients;
  }
  /// The same without a request.
  [[nodiscard]] std::vector<test::HttpClient> idlers(int count, int sources) {
    std::vector<test::HttpClient> clients;
    for (int i = 0; i < count; ++i) {
      clients.push_back(client(source(i % sources)));
      io_.restart();
      io_.poll();
    }
    return clients;
  }
  [[nodiscard]] static std::string request(int number) {
    return "POST /" + std::to_string(number) +
           " HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi";
  }
  [[nodiscard]] static std::string answer(int number) {
    return "POST /" + std::to_string(number) + " hi";
  }
  void expect_all_answered(std::vector<test::HttpClient>& clients) {
    for (int i = 0; i < static_cast<int>(clients.size()); ++i) {
      auto& client = clients[static_cast<std::size_t>(i)];
      EXPECT_TRUE(ends(client)) << i;
      EXPECT_FALSE(client.is_reset()) << i;
      EXPECT_EQ(count_in(client.received(), answer(i)), 1U) << i;
      client.close();
    }
    EXPECT_EQ(requests_.size(), clients.size());
  }
  /// Replies to all that have asked until now.
  void reply_to_all() {
    answers_ = true;
    const auto waiting = requests_;
    for (const auto& request : waiting) server_->reply(reply_to(request));
  }

  rlimit before_{};
};

TEST_F(HttpServerCrowdTest, ServesManyAtOnce) {  // HTTP-08, issue 5: 64 and 256 clients
  serve();
  for (const int count : {64, 256}) {
    requests_.clear();
    answers_ = false;
    auto clients = crowd(count, 8);
    // All of them are there at the same time before the first one is answered.
    ASSERT_TRUE(comes_true([&] { return requests_.size() == clients.size(); }));
    reply_to_all();
    expect_all_answered(clients);
  }
}

TEST_F(HttpServerCrowdTest, ServesSixtyFourOfASourceAndTheRestAfterThem) {  // HTTP-08
  serve();
  answers_ = false;
  auto clients = crowd(256, 1);
  ASSERT_TRUE(comes_true([&] { return requests_.size() == 64; }));
  settle();
  EXPECT_EQ(requests_.size(), 64U);
  // Others are not kept waiting.
  auto other = client(source(99));
  ASSERT_TRUE(other.send(get("/other")));
  ASSERT_TRUE(comes_true([&] { return requests_.size() == 65; }));
  EXPECT_EQ(requests_.back().target, "/other");
  server_->reply(reply_to(requests_.back()));
  requests_.pop_back();
  EXPECT_TRUE(comes(other, "GET /other "));
  reply_to_all();
  expect_all_answered(clients);
}

TEST_F(HttpServerCrowdTest, ServesFiveHundredAndTwelveInAllAndTheRestAfterThem) {  // HTTP-08
  serve();
  answers_ = false;
  auto clients = crowd(600, 10);
  ASSERT_TRUE(comes_true([&] { return requests_.size() == 512; }));
  settle();
  EXPECT_EQ(requests_.size(), 512U);
  reply_to_all();
  expect_all_answered(clients);
}

TEST_F(HttpServerCrowdTest, OneSourceCannotTakeAllPlaces) {  // HTTP-08
  serve();
  std::vector<test::HttpClient> idle;
  for (int i = 0; i < 600; ++i) {
    idle.push_back(client(source(0)));
    io_.restart();
    io_.poll();
  }
  auto other = client(source(1));
  ASSERT_TRUE(other.send(get("/a")));
  EXPECT_TRUE(comes(other, "GET /a "));
  EXPECT_FALSE(idle[0].is_ended());
  EXPECT_FALSE(idle[255].is_ended());
  EXPECT_TRUE(ends(idle[256]));
}

TEST_F(HttpServerCrowdTest, TwoSourcesCannotTakeAllPlaces) {  // HTTP-08
  serve();
  auto idle = idlers(512, 2);
  auto other = client(source(99));
  ASSERT_TRUE(other.send(get("/a")));
  EXPECT_TRUE(comes(other, "GET /a "));
  // Only one that waited anyway had to go.
  EXPECT_EQ(std::ranges::count_if(idle, [](auto& client) { return client.is_ended(); }), 1);
}

TEST_F(HttpServerCrowdTest, WhoIsSlowestGivesWayWhenAllPlacesAreServed) {  // HTTP-08
  serve();
  auto idle = idlers(512, 8);
  for (int i = 0; i < 3; ++i) {
    auto other = client(source(99));
    ASSERT_TRUE(other.send(get("/a")));
    EXPECT_TRUE(comes(other, "GET /a ")) << i;
    other.close();
  }
  EXPECT_TRUE(ends(idle[0]));
  EXPECT_FALSE(idle[511].is_ended());
}

TEST_F(HttpServerCrowdTest, DoesNotLetMoreThanHalfIdle) {
  HttpOptions options;
  options.crowd = {.served_of_a_source = 4, .waiting_of_a_source = 4, .in_all = 16};
  serve(options);
  std::vector<test::HttpClient> clients;
  for (int i = 0; i < 2; ++i) {
    clients.push_back(client());
    ASSERT_TRUE(clients.back().send(get("/a")));
    ASSERT_TRUE(comes(clients.back(), "GET /a "));
    EXPECT_EQ(count_in(clients.back().received(), "Connection: close"), 0U);
  }
  auto third = client();
  ASSERT_TRUE(third.send(get("/a")));
  EXPECT_TRUE(ends(third));
  EXPECT_EQ(count_in(third.received(), "Connection: close"), 1U);
}

TEST_F(HttpServerCrowdTest, WaitsOutALackOfDescriptors) {
  serve();
  // UBSan opens descriptors to look at types that it has not met yet, so it meets all of them here.
  auto first = this->client();
  ASSERT_TRUE(first.send(get("/first")));
  ASSERT_TRUE(comes(first, "GET /first "));
  auto client = this->client();
  rlimit now{};
  ::getrlimit(RLIMIT_NOFILE, &now);
  auto none = now;
  // The lowest free descriptor is the first that is not allowed.
  const int lowest = ::dup(0);
  ASSERT_GE(lowest, 0);
  ::close(lowest);
  none.rlim_cur = static_cast<rlim_t>(lowest);
  ::setrlimit(RLIMIT_NOFILE, &none);
  ASSERT_TRUE(client.send(get("/a")));
  settle();
  EXPECT_EQ(requests_.size(), 1U);
  EXPECT_FALSE(client.is_ended());
  ::setrlimit(RLIMIT_NOFILE, &now);
  EXPECT_TRUE(comes(client, "GET /a "));
}

TEST_F(HttpServerCrowdTest, FollowsItsAddresses) {  // HTTP-01
  serve();
  const Address second = Address::v4({127, 0, 0, 2});
  auto kept = client();
  ASSERT_TRUE(kept.send(get("/a")));
  ASSERT_TRUE(comes(kept, "GET /a "));

  ASSERT_TRUE(server_->listen({{{kLoopback, 0}, "", 0}, {{second, endpoint_.port}, "lo", 1}}));
  ASSERT_EQ(server_->endpoints(), (std::vector<Endpoint>{endpoint_, {second, endpoint_.port}}));
  test::HttpClient other({second, endpoint_.port}, kLoopback);
  ASSERT_TRUE(other.send(get("/b")));
  ASSERT_TRUE(comes(other, "GET /b "));
  EXPECT_EQ(requests_.back().interface_index, 1U);
  EXPECT_EQ(requests_.back().server.address, second);

  ASSERT_TRUE(server_->listen({{{second, endpoint_.port}, "lo", 1}}));
  auto refused = client();
  EXPECT_TRUE(ends(refused));
  // What is connected stays so.
  ASSERT_TRUE(kept.send(get("/c")));
  EXPECT_TRUE(comes(kept, "GET /c "));
}

TEST_F(HttpServerCrowdTest, ListensOverIpv6) {
  serve();
  const Address v6 = *Address::parse("::1");
  if (const auto listening = server_->listen({{{v6, 0}, "", 0}}); !listening) {
    GTEST_SKIP() << "no IPv6 on loopback: " << listening.error();
  }
  endpoint_ = server_->endpoints().at(0);
  auto client = this->client(v6);
  ASSERT_TRUE(client.send(get("/a")));
  EXPECT_TRUE(comes(client, "GET /a "));
  EXPECT_EQ(requests_.at(0).client.address, v6);
  EXPECT_EQ(requests_.at(0).server, endpoint_);
}

TEST_F(HttpServerCrowdTest, OneRefusedAddressDoesNotStopTheOthers) {
  serve();
  const HttpListenAt foreign{{Address::v4({192, 0, 2, 1}), 0}, "", 0};
  const auto listening = server_->listen(
      {foreign, {{kLoopback, 0}, "", 0}, {{Address::v4({127, 0, 0, 2}), 0}, "", 0}});
  ASSERT_FALSE(listening);
  EXPECT_EQ(listening.error(), "TCP port 192.0.2.1:0: Cannot assign requested address");
  EXPECT_EQ(server_->endpoints().size(), 2U);
  const auto no_interface = server_->listen({{{kLoopback, 0}, "no-such", 0}});
  ASSERT_FALSE(no_interface);
  EXPECT_EQ(no_interface.error(), "TCP port 127.0.0.1:0 on no-such: No such device");
}

}  // namespace
}  // namespace postern
