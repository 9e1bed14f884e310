#include "daemon/control_port.h"

#include <utility>

#include <unistd.h>

#include "daemon/told_in_time.h"

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

/// The same, but nobody waits for the disk longer than he may.
[[nodiscard]] ControlActions without_long_waits(ControlActions actions, asio::io_context& io,
                                                Milliseconds time,
                                                const std::shared_ptr<void>& alive) {
  const std::weak_ptr<void> weak = alive;
  if (actions.when_kept) {
    actions.when_kept = [&io, time, weak,
                         ask = std::move(actions.when_kept)](std::function<void(Kept)> tell) {
      ask(told_in_time(io, time, weak, Kept::not_yet, std::move(tell)));
    };
  }
  if (actions.history) {
    using Rows = Result<std::vector<HistoryEntry>, ControlError>;
    actions.history = [&io, time, weak, ask = std::move(actions.history)](
                          const HistoryQuery& query, std::function<void(Rows)> tell) {
      Rows late = fail(ControlError{503, "history_unavailable",
                                    "the history cannot be read: the disk is too slow"});
      ask(query, told_in_time(io, time, weak, std::move(late), std::move(tell)));
    };
  }
  return actions;
}

}  // namespace

ControlOptions own_control_options() {
  return {.administrators = {0, ::geteuid()}};
}

ControlPort::ControlPort(asio::io_context& io, ControlActions actions,
                         const ControlOptions& options)
    : io_(io),
      api_(without_long_waits(std::move(actions), io, options.disk_time, alive_),
           options.administrators),
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
