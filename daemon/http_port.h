#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "core/endpoint.h"
#include "core/result.h"
#include "daemon/asio.h"
#include "daemon/http_response.h"
#include "daemon/http_server.h"

namespace postern {

/// An answer to a GET.
struct HttpAnswer {
  bool found = false;
  /// UTF-8; only when found.
  std::string text;
  std::string_view type = kJsonType;
};

/// Answers GET and HEAD over HTTP, one request a connection. At most 4 connections of a client and
/// 16 in all; beyond, a client's are closed. Each has 5 seconds.
class HttpPort {
 public:
  /// Answers a request for this path; called from the io_context.
  using Answer = std::function<HttpAnswer(const std::string& path)>;

  HttpPort(asio::io_context& io, Answer answer);

  /// Binds and begins to answer. The error says what failed and why.
  [[nodiscard]] Result<void, std::string> listen(const Endpoint& endpoint);

 private:
  Answer answer_;
  HttpServer server_;
};

}  // namespace postern
