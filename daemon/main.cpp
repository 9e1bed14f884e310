#include <csignal>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <memory>
#include <string>

#include "backends/memory/memory_flow_table.h"
#include "backends/registry.h"
#include "daemon/command_line.h"
#include "daemon/config.h"
#include "daemon/exit_code.h"
#include "daemon/instance_lock.h"
#include "daemon/log.h"
#include "daemon/service.h"
#include "daemon/version.h"
#include "protocols/natpmp/wire.h"
#include "protocols/upnp/ssdp_message.h"

namespace {

using namespace postern;

void print(std::FILE* stream, const std::string& text) {
  std::fputs(text.c_str(), stream);
}

/// The named file; else the default file if it is there; else the built-in defaults.
[[nodiscard]] Result<Config, ConfigErrors> find_config(const CommandLine& line) {
  const auto review = line.check_config ? RuleReview::of_all : RuleReview::of_few;
  if (line.config_file) return load_config(*line.config_file, line.backend, review);
  std::error_code error;
  // No error: it is known not to be there. Otherwise reading it tells what is wrong.
  if (!std::filesystem::exists(kDefaultConfigFile, error) && !error) {
    Config config;
    if (line.backend) config.backend = *line.backend;
    return config;
  }
  return load_config(std::string(kDefaultConfigFile), line.backend, review);
}

[[nodiscard]] BackendOptions backend_options(const Config& config) {
  BackendOptions options;
  options.forward_mark = config.forward_mark;
  options.allow_renewal_in_place = config.nftables_renew_in_place;
  options.owns_table = config.nftables_table_owner;
  options.iptables_restore = config.iptables_restore;
  options.requests_per_second = config.requests_per_second;
  if (config.natpmp_enabled || config.pcp_enabled) {
    options.own_ports.push_back({Protocol::udp, natpmp::kServerPort, /*is_ours_alone=*/true});
  }
  if (config.upnp.enabled) {
    options.own_ports.push_back({Protocol::udp, upnp::kSsdpPort});
    options.own_ports.push_back({Protocol::tcp, config.upnp.http_port});
  }
  return options;
}

[[nodiscard]] ExitCode serve(const Config& config, const CommandLine& line) {
  start_log();
  // Before the backend is opened, for opening it already tries things out in the firewall.
  const auto lock = InstanceLock::take();
  if (!lock) {
    spdlog::error("{}", lock.error());
    return ExitCode::failure;
  }
  const auto backend = open_backend(config.backend, backend_options(config));
  if (!backend) {
    spdlog::error("{}: {}", config.backend, backend.error().reason);
    return backend.error().permission_denied ? ExitCode::no_privilege : ExitCode::failure;
  }
  auto flows = open_flow_table(config.backend, backend_options(config));
  if (!flows) {
    spdlog::warn("{}; connections outlive the doors they came through", flows.error());
    flows = std::make_unique<MemoryFlowTable>();
  }
  Service service(config, **backend, std::move(*flows), [&line] { return find_config(line); });
  return service.run();
}

/// Our own code returns its errors; Boost.Asio's constructors throw when a descriptor cannot be
/// had.
[[nodiscard]] ExitCode serve_or_tell(const Config& config, const CommandLine& line) {
  try {
    return serve(config, line);
  } catch (const std::exception& error) {
    spdlog::error("{}", error.what());
    return ExitCode::failure;
  }
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
    for (const auto& warning : config->warnings) {
      print(stderr, "warning: " + to_string(warning) + "\n");
    }
    print(stdout, "the configuration is good\n");
    return ExitCode::success;
  }
  return serve_or_tell(*config, *line);
}

}  // namespace

int main(int count, char** arguments) {
  // Nobody may read the log any more; that is no reason to stop.
  std::signal(SIGPIPE, SIG_IGN);
  return static_cast<int>(run({arguments, static_cast<std::size_t>(count)}));
}
