#pragma once

#include <cstddef>
#include <functional>
#include <string>

#include "core/endpoint.h"
#include "core/result.h"
#include "daemon/asio.h"

namespace postern {

/// An answer to a GET.
struct HttpAnswer {
  bool found = false;
  /// UTF-8 JSON; only when found.
  std::string json;
};

/// Answers GET and HEAD over HTTP, one request a connection. At most 16 connections at a time,
/// 8 KiB of request header, no body, 5 seconds; beyond that a connection is closed.
class HttpPort {
 public:
  /// Answers a request for this path; called from the io_context.
  using Answer = std::function<HttpAnswer(const std::string& path)>;

  HttpPort(asio::io_context& io, Answer answer) : acceptor_(io), answer_(std::move(answer)) {}

  /// Binds and begins to answer. The error says what failed and why.
  [[nodiscard]] Result<void, std::string> listen(const Endpoint& endpoint);

 private:
  void accept();

  asio::ip::tcp::acceptor acceptor_;
  Answer answer_;
  std::size_t open_connections_ = 0;
};

}  // namespace postern
