#include "daemon/http_port.h"

#include <optional>
#include <utility>

#include "daemon/http_response.h"

namespace postern {
namespace {

[[nodiscard]] HttpOptions options() {
  HttpOptions options;
  options.times.header = options.times.total = Seconds(5);
  options.crowd = {.served_of_a_source = 4, .waiting_of_a_source = 0, .in_all = 16};
  options.keeps_alive = false;
  return options;
}

[[nodiscard]] HttpReply reply_of(int status, std::string text, std::string_view type = kJsonType) {
  HttpReply reply;
  reply.status = status;
  reply.headers = {{"Cache-Control", "no-store"}, {"Content-Type", std::string(type)}};
  reply.body = std::move(text);
  return reply;
}

[[nodiscard]] HttpReply refusal(int status) {
  return reply_of(status, R"({"error":")" + status_text(status) + R"("})");
}

/// Before a body is read, which may be of any size.
[[nodiscard]] std::optional<HttpReply> check_method(const HttpRequest& request) {
  if (request.method == "GET" || request.method == "HEAD") return std::nullopt;
  auto reply = reply_of(405, R"({"error":"only GET and HEAD are answered here"})");
  reply.headers.push_back({"Allow", "GET, HEAD"});
  return reply;
}

[[nodiscard]] HttpReply reply_to(const HttpRequest& request, const HttpPort::Answer& answer) {
  auto found = answer(path_of(request));
  auto reply =
      found.found
          ? reply_of(200, std::move(found.text), found.type)
          : reply_of(404, R"({"error":"there is nothing at this path; try /api/v1/status"})");
  reply.token = request.token;
  return reply;
}

}  // namespace

HttpPort::HttpPort(asio::io_context& io, Answer answer)
    : answer_(std::move(answer)),
      server_(
          io, options(),
          {.on_request =
               [this](const HttpRequest& request) { server_.reply(reply_to(request, answer_)); },
           .on_header = check_method,
           .refusal = refusal}) {}

Result<void, std::string> HttpPort::listen(const Endpoint& endpoint) {
  if (auto listening = server_.listen({{endpoint, "", 0}}); !listening) {
    return fail("status: " + listening.error());
  }
  return {};
}

}  // namespace postern
