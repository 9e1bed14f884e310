#include <cstdio>
#include <filesystem>
#include <string>

#include "backends/registry.h"
#include "daemon/command_line.h"
#include "daemon/config.h"
#include "daemon/exit_code.h"
#include "daemon/log.h"
#include "daemon/service.h"
#include "daemon/version.h"

namespace {

using namespace postern;

void print(std::FILE* stream, const std::string& text) {
  std::fputs(text.c_str(), stream);
}

/// The named file; else the default file if it is there; else the built-in defaults.
[[nodiscard]] Result<Config, ConfigErrors> find_config(const CommandLine& line) {
  if (line.config_file) return load_config(*line.config_file);
  std::error_code ignored;
  if (!std::filesystem::exists(kDefaultConfigFile, ignored)) return Config();
  return load_config(std::string(kDefaultConfigFile));
}

[[nodiscard]] ExitCode serve(const CommandLine& line, Config config) {
  if (line.backend) config.backend = *line.backend;
  start_log();
  const auto backend =
      open_backend(config.backend, {config.forward_mark, config.nftables_renew_in_place});
  if (!backend) {
    spdlog::error("{}: {}", config.backend, backend.error().reason);
    return backend.error().permission_denied ? ExitCode::no_privilege : ExitCode::failure;
  }
  Service service(config, **backend);
  return service.run();
}

[[nodiscard]] ExitCode run(std::span<char* const> arguments) {
  const auto line = parse_command_line(arguments);
  if (!line) {
    print(stderr, "posternd: " + line.error() + "\n" + usage());
    return ExitCode::usage;
  }
  if (line->show_help) {
    print(stdout, usage());
    return ExitCode::success;
  }
  if (line->show_version) {
    print(stdout, "posternd " + std::string(kVersion) + "\n");
    return ExitCode::success;
  }
  const auto config = find_config(*line);
  if (!config) {
    for (const auto& error : config.error()) print(stderr, to_string(error) + "\n");
    return ExitCode::bad_configuration;
  }
  if (line->check_config) {
    print(stdout, "the configuration is good\n");
    return ExitCode::success;
  }
  return serve(*line, *config);
}

}  // namespace

int main(int count, char** arguments) {
  return static_cast<int>(run({arguments, static_cast<std::size_t>(count)}));
}
