#include "daemon/control_port.h"

#include <utility>

#include <unistd.h>

namespace postern {
namespace {

constexpr std::size_t kMostConnections = 16;
constexpr std::size_t kMostBody = 65536;

[[nodiscard]] HttpOptions http_options(const ControlOptions& control) {
  HttpOptions options;
  options.sizes.body = kMostBody;
  options.times.header = options.times.total = control.time;
  // A Unix socket has no addresses, so all come from the same one.
  options.crowd = {
      .served_of_a_source = kMostConnections, .waiting_of_a_source = 0, .in_all = kMostConnections};
  options.keeps_alive = false;
  return options;
}

}  // namespace

ControlOptions own_control_options() {
  return {.administrators = {0, ::geteuid()}};
}

ControlPort::ControlPort(asio::io_context& io, ControlActions actions,
                         const ControlOptions& options)
    : io_(io),
      api_(std::move(actions), options.administrators),
      server_(io, http_options(options),
              {.on_request =
                   [this](const HttpRequest& request) {
                     api_.answer(request, [this](const HttpReply& reply) { server_.reply(reply); });
                   },
               .on_header = [this](const HttpRequest& request) { return api_.check(request); },
               .refusal = ControlApi::refusal}) {}

Result<void, std::string> ControlPort::listen(const std::string& runtime_directory) {
  auto opened = ControlSocket::open(io_, runtime_directory);
  if (!opened) return fail("control socket: " + opened.error());
  socket_.emplace(std::move(*opened));
  server_.add(HttpListener::over(socket_->take_acceptor()));
  return {};
}

}  // namespace postern
