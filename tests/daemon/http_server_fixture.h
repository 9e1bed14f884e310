#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "daemon/http_server.h"
#include "tests/support/http_client.h"

namespace postern {

inline const Address kLoopback = Address::v4({127, 0, 0, 1});

[[nodiscard]] inline std::string get(const std::string& path) {
  return "GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n";
}

/// How often `part` is in `text`.
[[nodiscard]] inline std::size_t count_in(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

/// A server on loopback that answers each request with "<method> <target> <body>", unless the test
/// replies itself.
class HttpServerTest : public testing::Test {
 protected:
  void serve(HttpOptions options = {}) {
    HttpCallbacks callbacks;
    callbacks.on_request = [this](HttpRequest request) {
      requests_.push_back(std::move(request));
      if (answers_) server_->reply(reply_to(requests_.back()));
    };
    callbacks.on_header = [this](const HttpRequest& request) {
      return check_header_ ? check_header_(request) : std::nullopt;
    };
    server_ = std::make_unique<HttpServer>(io_, std::move(options), std::move(callbacks));
    ASSERT_TRUE(server_->listen({{{kLoopback, 0}, "", 0}}));
    endpoint_ = server_->endpoints().at(0);
  }
  [[nodiscard]] static HttpReply reply_to(const HttpRequest& request) {
    HttpReply reply;
    reply.token = request.token;
    reply.body = request.method + " " + request.target + " " + request.body;
    return reply;
  }
  [[nodiscard]] test::HttpClient client(const Address& source = kLoopback) const {
    return {endpoint_, source};
  }
  /// Runs until `condition` holds; false when it does not within 20 seconds.
  template <class Condition>
  [[nodiscard]] bool comes_true(Condition condition) {
    const auto end = std::chrono::steady_clock::now() + Seconds(20);
    while (!condition()) {
      if (std::chrono::steady_clock::now() > end) return false;
      io_.restart();
      io_.run_one_for(Milliseconds(2));
    }
    return true;
  }
  /// Gives what must not happen the time to do so.
  void settle() {
    io_.restart();
    io_.run_for(Milliseconds(30));
  }
  [[nodiscard]] bool comes(test::HttpClient& client, const std::string& text) {
    return comes_true([&] { return client.received().find(text) != std::string::npos; });
  }
  [[nodiscard]] bool ends(test::HttpClient& client) {
    return comes_true([&] { return client.is_ended(); });
  }

  asio::io_context io_{1};
  std::unique_ptr<HttpServer> server_;
  Endpoint endpoint_;
  std::vector<HttpRequest> requests_;
  bool answers_ = true;
  std::function<std::optional<HttpReply>(const HttpRequest&)> check_header_;
};

}  // namespace postern
