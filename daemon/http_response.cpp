#include "daemon/http_response.h"

#include <array>

#include "daemon/asio.h"
// After Asio's switches.
#include <boost/beast/http/status.hpp>

namespace postern {
namespace {

/// "Sun, 06 Nov 1994 08:49:37 GMT" (RFC 9110 5.6.7). The daemon keeps the "C" locale.
[[nodiscard]] std::string date_text(std::time_t date) {
  std::tm parts{};
  ::gmtime_r(&date, &parts);
  std::array<char, 32> text{};
  return {text.data(),
          std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", &parts)};
}

}  // namespace

std::string status_text(int status) {
  namespace http = boost::beast::http;
  const auto reason = http::obsolete_reason(http::int_to_status(static_cast<unsigned>(status)));
  return std::to_string(status) + " " + std::string(reason);
}

std::string octets_of(const HttpReply& reply, const HttpResponseContext& context) {
  std::string text = "HTTP/1.1 " + status_text(reply.status) + "\r\n";
  const auto add = [&](std::string_view name, std::string_view value) {
    text.append(name).append(": ").append(value).append("\r\n");
  };
  add("Date", date_text(context.date));
  if (!context.server.empty()) add("Server", context.server);
  for (const auto& header : reply.headers) add(header.name, header.value);
  add("Content-Length", std::to_string(reply.body.size()));
  if (context.closes) {
    add("Connection", "close");
  } else if (context.is_http_1_0) {
    add("Connection", "keep-alive");
  }
  text += "\r\n";
  if (!context.is_head) text += reply.body;
  return text;
}

}  // namespace postern
