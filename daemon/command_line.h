#pragma once

#include <optional>
#include <span>
#include <string>

#include "core/result.h"

namespace postern {

struct CommandLine {
  /// Absent: the default file, if there is one.
  std::optional<std::string> config_file;
  /// Replaces the configuration's backend.
  std::optional<std::string> backend;
  bool check_config = false;
  bool show_version = false;
  bool show_help = false;
};

/// Reads the arguments (argv, the program's name included). The error says what is wrong with them.
[[nodiscard]] Result<CommandLine, std::string> parse_command_line(std::span<char* const> arguments);

/// What --help prints.
[[nodiscard]] std::string usage();

}  // namespace postern
