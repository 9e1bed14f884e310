#pragma once

#include <functional>
#include <memory>
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

/// Answers GET and HEAD over HTTP, one request a connection. At most 4 connections at a time,
/// 8 KiB of request header, 5 seconds; beyond that a connection is closed. A body is not read.
class HttpPort {
 public:
  /// Answers a request for this path; called from the io_context.
  using Answer = std::function<HttpAnswer(const std::string& path)>;
  /// What the connections use. The io_context destroys those that are open at the end, which may be
  /// after this port is gone, so they share it.
  struct Shared;

  HttpPort(asio::io_context& io, Answer answer);

  /// Binds and begins to answer. The error says what failed and why.
  [[nodiscard]] Result<void, std::string> listen(const Endpoint& endpoint);

 private:
  void accept();
  /// Accepts again after a while.
  void pause();

  asio::ip::tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  std::shared_ptr<Shared> shared_;
};

}  // namespace postern
