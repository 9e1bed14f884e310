#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"
#include "ctl/exit_code.h"

namespace postern::ctl {

/// What the daemon said.
struct DaemonReply {
  /// Of HTTP.
  int status = 0;
  std::string body;
};

/// Why there is no reply, and what to end with.
struct NoReply {
  ExitCode code = ExitCode::failure;
  std::string text;
};

/// Sends the daemon one request through its control socket and waits for the reply, at most about
/// ten seconds. `body` may be empty.
[[nodiscard]] Result<DaemonReply, NoReply> ask_daemon(const std::string& socket,
                                                      std::string_view method,
                                                      std::string_view target,
                                                      std::string_view body = "");

/// Reads a whole response; nothing when it is none, or not all of it came.
[[nodiscard]] std::optional<DaemonReply> parse_response(std::string_view octets);

}  // namespace postern::ctl
