#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "daemon/asio.h"
#include "daemon/control_api.h"
#include "daemon/control_socket.h"
#include "daemon/http_server.h"

namespace postern {

struct ControlOptions {
  /// The users who may change things.
  std::vector<std::uint32_t> administrators;
  /// For a whole request and its reply.
  Milliseconds time = Seconds(5);
  /// For the disk: what is told later says that it was not on it yet, or that no history could be
  /// read. Less than `time`, which would end the connection without a word.
  Milliseconds disk_time = Seconds(3);
};

/// Root and the user of this process.
[[nodiscard]] ControlOptions own_control_options();

/// Answers the administrator over HTTP on a Unix socket, one request a connection: at most 16
/// connections, 64 KiB of body.
class ControlPort {
 public:
  ControlPort(asio::io_context& io, ControlActions actions, const ControlOptions& options);

  /// Opens control.sock in this directory and begins to answer. Once. The error says what failed
  /// and why; nothing is answered then.
  [[nodiscard]] Result<void, std::string> listen(const std::string& runtime_directory);

 private:
  asio::io_context& io_;
  /// Nobody is told late once this is gone.
  std::shared_ptr<void> alive_ = std::make_shared<int>();
  ControlApi api_;
  std::optional<ControlSocket> socket_;
  HttpServer server_;
};

}  // namespace postern
