#include "daemon/http_caller.h"

#include <array>
#include <chrono>
#include <optional>
#include <string>

#include <gtest/gtest.h>

namespace postern {
namespace {

using asio::ip::tcp;

/// A host on loopback that takes connections, and a caller.
class HttpCallerTest : public testing::Test {
 protected:
  HttpCallerTest()
      : acceptor_(io_, {asio::ip::address_v4::loopback(), 0}),
        caller_(io_, [this](std::uint64_t id, CalloutOutcome outcome) {
          EXPECT_FALSE(outcome_) << "told twice";
          EXPECT_EQ(id, 7U);
          outcome_ = outcome;
        }) {}

  [[nodiscard]] HttpCallout callout() {
    HttpCallout callout;
    callout.id = 7;
    callout.from = {Address::v4({127, 0, 0, 2}), 0};
    callout.to = {Address::v4({127, 0, 0, 1}), acceptor_.local_endpoint().port()};
    callout.request_octets = "NOTIFY / HTTP/1.1\r\n\r\n";
    return callout;
  }
  template <class Condition>
  [[nodiscard]] bool comes_true(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      io_.restart();
      io_.run_one_for(std::chrono::milliseconds(2));
    }
    return true;
  }
  [[nodiscard]] tcp::socket accept() {
    tcp::socket host(io_);
    acceptor_.accept(host);
    return host;
  }

  asio::io_context io_;
  tcp::acceptor acceptor_;
  HttpCaller caller_;
  std::optional<CalloutOutcome> outcome_;
};

TEST_F(HttpCallerTest, SendsTheRequestFromTheGivenAddress) {  // GENA-15
  caller_.call(callout());
  EXPECT_FALSE(outcome_) << "it tells later";
  auto host = accept();
  EXPECT_EQ(host.remote_endpoint().address().to_string(), "127.0.0.2");
  std::string got;
  ASSERT_TRUE(comes_true([&] {
    std::array<char, 64> part{};
    if (host.available() > 0) got.append(part.data(), host.read_some(asio::buffer(part)));
    return got.size() == callout().request_octets.size();
  }));
  EXPECT_FALSE(outcome_);
  asio::write(host, asio::buffer(std::string("HTTP/1.1 200 OK\r\n\r\n")));
  host.close();
  ASSERT_TRUE(comes_true([&] { return outcome_.has_value(); }));
  EXPECT_EQ(outcome_, CalloutOutcome::answered);
}

TEST_F(HttpCallerTest, DoesNotWaitForAHostThatKeepsTheConnection) {  // GENA-10
  caller_.call(callout());
  auto host = accept();
  const auto begin = std::chrono::steady_clock::now();
  asio::write(host, asio::buffer(std::string("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")));
  ASSERT_TRUE(comes_true([&] { return outcome_.has_value(); }));
  EXPECT_EQ(outcome_, CalloutOutcome::answered);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(15));
}

TEST_F(HttpCallerTest, AClosedPortIsUnreachable) {
  auto wish = callout();
  acceptor_.close();
  caller_.call(wish);
  ASSERT_TRUE(comes_true([&] { return outcome_.has_value(); }));
  EXPECT_EQ(outcome_, CalloutOutcome::unreachable);
}

TEST_F(HttpCallerTest, AnAddressThatIsNotOursIsUnreachable) {
  auto wish = callout();
  wish.from.address = Address::v4({192, 0, 2, 1});
  caller_.call(wish);
  EXPECT_FALSE(outcome_) << "it tells later";
  ASSERT_TRUE(comes_true([&] { return outcome_.has_value(); }));
  EXPECT_EQ(outcome_, CalloutOutcome::unreachable);
}

TEST_F(HttpCallerTest, SilenceIsNoAnswer) {  // GENA-11
  caller_.call(callout());
  auto host = accept();
  host.close();
  ASSERT_TRUE(comes_true([&] { return outcome_.has_value(); }));
  EXPECT_EQ(outcome_, CalloutOutcome::unanswered);
}

TEST_F(HttpCallerTest, ReadsNoAnswerWithoutEnd) {
  caller_.call(callout());
  auto host = accept();
  host.non_blocking(true);
  const std::string flood(4096, 'x');
  ASSERT_TRUE(comes_true([&] {
    boost::system::error_code ignored;
    host.write_some(asio::buffer(flood), ignored);
    return outcome_.has_value();
  }));
  EXPECT_EQ(outcome_, CalloutOutcome::answered);
}

TEST_F(HttpCallerTest, OneThatWaitsKeepsNobodyElse) {  // GENA-15
  auto slow = callout();
  slow.id = 6;
  caller_.call(slow);
  auto silent = accept();
  caller_.call(callout());
  auto host = accept();
  asio::write(host, asio::buffer(std::string("HTTP/1.1 200 OK\r\n\r\n")));
  host.close();
  ASSERT_TRUE(comes_true([&] { return outcome_.has_value(); }));
}

}  // namespace
}  // namespace postern
