#include "daemon/http_server.h"

#include <optional>
#include <utility>

#include <gtest/gtest.h>

#include "tests/daemon/http_server_fixture.h"

namespace postern {
namespace {

/// What a slow client sends: less than any limit.
constexpr int kFewOctets = 500;

TEST_F(HttpServerTest, AnswersWithAllThatAClientNeeds) {  // HTTP-02, 04
  HttpOptions options;
  options.server_name = "Linux/6.1 UPnP/1.1 Postern/1";
  serve(options);
  auto client = this->client();
  ASSERT_TRUE(client.send(get("/a")));
  ASSERT_TRUE(comes(client, "GET /a "));
  const auto text = client.received();
  EXPECT_TRUE(text.starts_with("HTTP/1.1 200 OK\r\nDate: ")) << text;
  EXPECT_EQ(count_in(text, "\r\nServer: Linux/6.1 UPnP/1.1 Postern/1\r\n"), 1U);
  EXPECT_EQ(count_in(text, "\r\nContent-Length: 7\r\n"), 1U);
  EXPECT_EQ(count_in(text, "Connection:"), 0U);
  EXPECT_EQ(count_in(text, "chunked"), 0U);
}

TEST_F(HttpServerTest, TellsWhereARequestCameFrom) {
  serve();
  auto client = this->client(Address::v4({127, 0, 0, 5}));
  ASSERT_TRUE(client.send(get("/")));
  ASSERT_TRUE(comes(client, "200 OK"));
  EXPECT_EQ(requests_.at(0).client.address, Address::v4({127, 0, 0, 5}));
  EXPECT_NE(requests_.at(0).client.port, 0);
  EXPECT_EQ(requests_.at(0).server, endpoint_);
  EXPECT_NE(requests_.at(0).token, 0U);
}

TEST_F(HttpServerTest, LeavesTheBodyOutForHead) {  // HTTP-02
  serve();
  auto client = this->client();
  ASSERT_TRUE(client.send("HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n" + get("/b")));
  ASSERT_TRUE(comes(client, "GET /b "));
  EXPECT_EQ(count_in(client.received(), "Content-Length: 8\r\n\r\nHTTP/1.1 200 OK"), 1U);
}

TEST_F(HttpServerTest, AnswersInOneSegment) {  // SOAP-12
  serve();
  auto client = this->client();
  for (const unsigned count : {1U, 2U}) {
    client.forget();
    ASSERT_TRUE(client.send(get("/" + std::string(2000, 'a'))));
    ASSERT_TRUE(comes(client, "aaa "));
    EXPECT_EQ(client.data_segments(), count);
  }
}

TEST_F(HttpServerTest, KeepsAConnection) {  // HTTP-03
  serve();
  auto client = this->client();
  for (const auto* path : {"/a", "/b", "/c"}) {
    client.forget();
    ASSERT_TRUE(client.send(get(path)));
    ASSERT_TRUE(comes(client, path));
    EXPECT_EQ(count_in(client.received(), "HTTP/1.1 200 OK"), 1U);
  }
  EXPECT_FALSE(client.is_ended());
}

TEST_F(HttpServerTest, ClosesWhenTheClientWantsIt) {  // HTTP-03, Q-58
  serve();
  for (const auto* request :
       {"GET / HTTP/1.0\r\n\r\n", "GET / HTTP/1.1\r\nHost: h\r\nConnection: Close\r\n\r\n"}) {
    auto client = this->client();
    ASSERT_TRUE(client.send(request));
    ASSERT_TRUE(ends(client));
    EXPECT_FALSE(client.is_reset());
    EXPECT_EQ(count_in(client.received(), "\r\nConnection: close\r\n"), 1U);
    EXPECT_EQ(count_in(client.received(), "GET / "), 1U);
  }
  auto client = this->client();
  ASSERT_TRUE(client.send("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
  ASSERT_TRUE(comes(client, "GET / "));
  EXPECT_EQ(count_in(client.received(), "\r\nConnection: keep-alive\r\n"), 1U);
  EXPECT_FALSE(client.is_ended());
}

TEST_F(HttpServerTest, MayCloseAfterEachRequest) {
  HttpOptions options;
  options.keeps_alive = false;
  serve(options);
  auto client = this->client();
  ASSERT_TRUE(client.send(get("/a") + get("/b")));
  ASSERT_TRUE(ends(client));
  EXPECT_EQ(count_in(client.received(), "HTTP/1.1"), 1U);
  EXPECT_EQ(requests_.size(), 1U);
}

TEST_F(HttpServerTest, AnswersPipelinedRequestsInOrder) {  // HTTP-03
  serve();
  answers_ = false;
  auto client = this->client();
  ASSERT_TRUE(client.send(get("/a") + "POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi" +
                          get("/c")));
  for (const auto* answer : {"GET /a ", "POST /b hi", "GET /c "}) {
    ASSERT_TRUE(comes_true([&] { return !requests_.empty(); }));
    // The next one is not even read before this one has its answer.
    settle();
    ASSERT_EQ(requests_.size(), 1U);
    server_->reply(reply_to(requests_[0]));
    requests_.clear();
    ASSERT_TRUE(comes(client, answer));
  }
}

TEST_F(HttpServerTest, ReadsOctetByOctet) {  // HTTP-05, Q-55
  serve();
  auto client = this->client();
  for (const char octet : std::string("POST /a HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello")) {
    EXPECT_TRUE(requests_.empty());
    ASSERT_TRUE(client.send({&octet, 1}));
    io_.restart();
    io_.poll();
  }
  ASSERT_TRUE(comes(client, "POST /a hello"));
}

TEST_F(HttpServerTest, ReadsChunks) {  // HTTP-05, Q-57
  serve();
  auto client = this->client();
  ASSERT_TRUE(client.send("POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"));
  ASSERT_TRUE(client.send("2\r\nhe\r\n3\r\nllo\r\n"));
  settle();
  EXPECT_TRUE(requests_.empty());
  ASSERT_TRUE(client.send("0\r\n\r\n"));
  ASSERT_TRUE(comes(client, "POST /a hello"));
}

TEST_F(HttpServerTest, TellsTheClientToContinue) {  // HTTP-06, Q-56
  serve();
  auto client = this->client();
  const std::string header =
      "POST /a HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n";
  for (int i = 0; i < 2; ++i) {
    client.forget();
    ASSERT_TRUE(client.send(header));
    ASSERT_TRUE(comes(client, "\r\n\r\n"));
    settle();
    EXPECT_EQ(client.received(), "HTTP/1.1 100 Continue\r\n\r\n");
    ASSERT_TRUE(client.send("h"));
    settle();
    ASSERT_TRUE(client.send("i"));
    ASSERT_TRUE(comes(client, "POST /a hi"));
    EXPECT_EQ(count_in(client.received(), "100 Continue"), 1U);
  }
  // Not one that has not waited.
  client.forget();
  ASSERT_TRUE(client.send(header + "hi"));
  ASSERT_TRUE(comes(client, "POST /a hi"));
  EXPECT_EQ(count_in(client.received(), "100 Continue"), 0U);
}

TEST_F(HttpServerTest, RefusesInsteadOfContinuing) {  // HTTP-06, 08
  serve();
  auto client = this->client();
  ASSERT_TRUE(
      client.send("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
                  "Content-Length: 99999\r\n\r\n"));
  ASSERT_TRUE(ends(client));
  EXPECT_TRUE(client.received().starts_with("HTTP/1.1 413 ")) << client.received();
}

TEST_F(HttpServerTest, LetsTheUserRefuseBeforeTheBody) {  // HTTP-09, 10
  serve();
  check_header_ = [](const HttpRequest& request) -> std::optional<HttpReply> {
    EXPECT_EQ(request.server.address, kLoopback);
    if (is_host_ours(request)) return std::nullopt;
    return HttpReply{0, 403, {{"X", "y"}}, "not ours"};
  };
  auto client = this->client();
  ASSERT_TRUE(
      client.send("POST / HTTP/1.1\r\nHost: evil.com\r\nExpect: 100-continue\r\n"
                  "Content-Length: 2\r\n\r\n"));
  ASSERT_TRUE(ends(client));
  EXPECT_TRUE(client.received().starts_with("HTTP/1.1 403 Forbidden")) << client.received();
  EXPECT_TRUE(client.received().ends_with("\r\n\r\nnot ours"));
  EXPECT_TRUE(requests_.empty());
  auto other = this->client();
  ASSERT_TRUE(other.send(get("/a")));
  EXPECT_TRUE(comes(other, "GET /a "));
}

TEST_F(HttpServerTest, RefusesWithAStatusAndCloses) {  // HTTP-05, 08
  serve();
  const std::string big(20000, 'x');
  for (const auto& [request, status] : std::vector<std::pair<std::string, std::string>>{
           {"GET /\r\n\r\n", "400 Bad Request"},
           {"GET /" + big, "414 URI Too Long"},
           {"GET / HTTP/1.1\r\nX: " + big, "431 Request Header Fields Too Large"},
           {"POST / HTTP/1.1\r\nHost: h\r\n\r\n", "411 Length Required"},
           {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 20000\r\n\r\n" + big,
            "413 Payload Too Large"},
           {"FETCH / HTTP/1.1\r\nHost: h\r\n\r\n", "501 Not Implemented"}}) {
    auto client = this->client();
    ASSERT_TRUE(client.send(request));
    ASSERT_TRUE(ends(client)) << status;
    EXPECT_TRUE(client.received().starts_with("HTTP/1.1 " + status + "\r\n"))
        << client.received() << " instead of " << status;
    EXPECT_EQ(count_in(client.received(), "\r\nConnection: close\r\n"), 1U);
  }
  EXPECT_TRUE(requests_.empty());
}

TEST_F(HttpServerTest, DoesNotResetAClientThatStillSends) {  // SOAP-12, Q-54
  serve();
  for (const auto& [header, more] : std::vector<std::pair<std::string, std::string>>{
           {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 50000\r\n\r\n", std::string(50000, 'x')},
           {"POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx",
            "\r\n"}}) {
    auto client = this->client();
    ASSERT_TRUE(client.send(header));
    ASSERT_TRUE(comes(client, "\r\n\r\n"));
    ASSERT_TRUE(client.send(more));
    settle();
    // A reset would have come by now, and would make the second one fail.
    EXPECT_TRUE(client.send("x"));
    settle();
    EXPECT_TRUE(client.send("x"));
    EXPECT_TRUE(client.is_ended());
    EXPECT_FALSE(client.is_reset());
  }
}

TEST_F(HttpServerTest, LingersOnlyForAWhile) {
  HttpOptions options;
  options.times.linger = Milliseconds(20);
  serve(options);
  auto client = this->client();
  ASSERT_TRUE(client.send("GET / HTTP/1.0\r\n\r\n"));
  ASSERT_TRUE(ends(client));
  // Closed for good, it answers what still comes with a reset.
  EXPECT_TRUE(comes_true([&] { return !client.send("x"); }));
}

TEST_F(HttpServerTest, AnswersAClientThatEndedItsOwnSide) {
  serve();
  answers_ = false;
  auto client = this->client();
  ASSERT_TRUE(client.send(get("/a")));
  client.shut_down();
  ASSERT_TRUE(comes_true([&] { return !requests_.empty(); }));
  settle();
  server_->reply(reply_to(requests_[0]));
  EXPECT_TRUE(comes(client, "GET /a "));
  EXPECT_TRUE(ends(client));
}

TEST_F(HttpServerTest, EndsSlowHeaders) {  // HTTP-08
  HttpOptions options;
  options.times.header = Milliseconds(40);
  serve(options);
  for (const auto* begin : {"", "GET / HTTP/1.1\r\nX: "}) {
    auto client = this->client();
    ASSERT_TRUE(client.send(begin));
    const auto since = std::chrono::steady_clock::now();
    // That it goes on sending does not help it. A fast machine must not reach the longest header.
    int sent = *begin == '\0' ? kFewOctets : 0;
    EXPECT_TRUE(comes_true([&] {
      if (sent++ < kFewOctets) (void)client.send("x");
      return client.is_ended();
    }));
    EXPECT_GE(std::chrono::steady_clock::now() - since, Milliseconds(35));
    EXPECT_EQ(client.received(), "");
  }
}

TEST_F(HttpServerTest, EndsIdleConnections) {  // HTTP-08
  HttpOptions options;
  options.times.header = Milliseconds(40);
  serve(options);
  auto client = this->client();
  ASSERT_TRUE(client.send(get("/a")));
  ASSERT_TRUE(comes(client, "GET /a "));
  EXPECT_TRUE(ends(client));
  EXPECT_FALSE(client.is_reset());
}

TEST_F(HttpServerTest, EndsSlowBodies) {  // HTTP-08
  HttpOptions options;
  options.times.header = Milliseconds(10);
  options.times.total = Milliseconds(60);
  serve(options);
  auto client = this->client();
  const auto since = std::chrono::steady_clock::now();
  ASSERT_TRUE(client.send("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9999\r\n\r\n"));
  int sent = 0;
  EXPECT_TRUE(comes_true([&] {
    if (sent++ < kFewOctets) (void)client.send("x");
    return client.is_ended();
  }));
  // The body has more time than the header.
  EXPECT_GE(std::chrono::steady_clock::now() - since, Milliseconds(55));
  EXPECT_TRUE(requests_.empty());
}

TEST_F(HttpServerTest, EndsRequestsThatGetNoReply) {  // HTTP-08, SOAP-11
  HttpOptions options;
  options.times.total = Milliseconds(40);
  serve(options);
  answers_ = false;
  auto client = this->client();
  ASSERT_TRUE(client.send(get("/a")));
  EXPECT_TRUE(ends(client));
  ASSERT_EQ(requests_.size(), 1U);
  server_->reply(reply_to(requests_[0]));
  settle();
  EXPECT_EQ(client.received(), "");
}

TEST_F(HttpServerTest, EndsClientsThatDoNotReadTheirReply) {
  HttpOptions options;
  options.times.total = Milliseconds(60);
  options.crowd = {.served_of_a_source = 1, .waiting_of_a_source = 1, .in_all = 2};
  serve(options);
  answers_ = false;
  auto deaf = this->client();
  ASSERT_TRUE(deaf.send(get("/a")));
  ASSERT_TRUE(comes_true([&] { return !requests_.empty(); }));
  auto reply = reply_to(requests_[0]);
  reply.body.assign(32 << 20, 'x');
  server_->reply(reply);
  // Its place is free again.
  answers_ = true;
  auto other = this->client();
  ASSERT_TRUE(other.send(get("/b")));
  EXPECT_TRUE(comes(other, "GET /b "));
}

TEST_F(HttpServerTest, SendsALongReplyWhole) {
  serve();
  answers_ = false;
  auto client = this->client();
  ASSERT_TRUE(client.send(get("/a")));
  ASSERT_TRUE(comes_true([&] { return !requests_.empty(); }));
  auto reply = reply_to(requests_[0]);
  reply.body = std::string(8 << 20, 'x') + "end";
  server_->reply(reply);
  EXPECT_TRUE(comes_true([&] { return client.received().ends_with("xend"); }));
}

TEST_F(HttpServerTest, ForgetsClientsThatLeft) {
  HttpOptions options;
  options.crowd = {.served_of_a_source = 1, .waiting_of_a_source = 1, .in_all = 2};
  options.times.linger = Milliseconds(20);
  serve(options);
  answers_ = false;
  for (int i = 0; i < 5; ++i) {
    requests_.clear();
    auto client = this->client();
    ASSERT_TRUE(client.send(get("/a")));
    ASSERT_TRUE(comes_true([&] { return !requests_.empty(); }));
    client.close();
    settle();
    server_->reply(reply_to(requests_[0]));
    // Twice, and to somebody else.
    server_->reply(reply_to(requests_[0]));
    server_->reply({requests_[0].token + 1, 200, {}, ""});
    server_->reply({0, 200, {}, ""});
  }
  answers_ = true;
  auto client = this->client();
  ASSERT_TRUE(client.send(get("/b")));
  EXPECT_TRUE(comes(client, "GET /b "));
  EXPECT_EQ(count_in(client.received(), "HTTP/1.1"), 1U);
}

TEST_F(HttpServerTest, EndsWithClientsConnected) {
  serve();
  answers_ = false;
  auto silent = client();
  auto half = client();
  auto waiting = client();
  ASSERT_TRUE(half.send("GET / HT"));
  ASSERT_TRUE(waiting.send(get("/a")));
  ASSERT_TRUE(comes_true([&] { return !requests_.empty(); }));
  server_.reset();
  for (auto* client : {&silent, &half, &waiting}) EXPECT_TRUE(ends(*client));
  // Nothing is left that would keep the loop.
  io_.restart();
  io_.run_for(Seconds(5));
  EXPECT_TRUE(io_.stopped());
}

}  // namespace
}  // namespace postern
