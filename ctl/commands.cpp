#include "ctl/commands.h"

#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>

#include "ctl/import/import_command.h"
#include "ctl/operator_commands.h"
#include "ctl/report.h"
#include "ctl/settings.h"
#include "ctl/teardown.h"
#include "host/doctor.h"

namespace postern::ctl {
namespace {

constexpr const char* kExitCodes =
    "Exit codes: 0 done, nothing wrong or only warnings; 1 failed, or the doctor found an error;\n"
    "2 wrong usage; 4 privileges are missing (CAP_NET_ADMIN, or to change something); 78 bad\n"
    "configuration.";

struct DoctorOptions {
  bool wants_json = false;
  std::string config;
  std::string wan;
  std::vector<std::string> lan;
};

/// What the command line asks for.
struct Words {
  explicit Words(const std::string& name);

  CLI::App app;
  CLI::App* doctor = nullptr;
  CLI::App* teardown = nullptr;
  CLI::App* version = nullptr;
  /// After what the constructor has said about all commands.
  std::optional<OperatorCommands> commands;
  std::optional<ImportCommand> importer;
  DoctorOptions doctor_options;
  bool even_while_running = false;
};

Words::Words(const std::string& name)
    : app("Looks after Postern, which opens ports of this gateway for the hosts behind it.", name) {
  app.footer(kExitCodes);
  app.require_subcommand(1);
  app.set_version_flag("-V,--version", "posternctl " POSTERN_VERSION, "Print the version and end");

  doctor = app.add_subcommand("doctor", "Find what keeps Postern from working, and how to mend it");
  doctor->footer(kExitCodes);
  doctor->add_flag("--json", doctor_options.wants_json, "Print one JSON document");
  doctor->add_option(
      "-c,--config", doctor_options.config,
      "The daemon's configuration (default: " + std::string(kDefaultConfigFile) + ")");
  doctor->add_option("--wan", doctor_options.wan, "The WAN interface, whatever the file says");
  doctor->add_option("--lan", doctor_options.lan, "The LAN interfaces, whatever the file says");

  teardown = app.add_subcommand("teardown", "Take everything of Postern's out of the firewall");
  teardown->footer(kExitCodes);
  teardown->add_flag("-y,--yes,--force", even_while_running,
                     "Also while posternd runs, which puts it back");

  commands.emplace(app);
  importer.emplace(app);
  version = app.add_subcommand("version", "Print the version");
}

[[nodiscard]] ExitCode run_doctor(const DoctorOptions& options, std::ostream& out,
                                  std::ostream& errors) {
  const auto file = options.config.empty() ? std::nullopt : std::optional(options.config);
  auto settings = load_settings(file);
  if (!settings) {
    errors << "posternctl: " << settings.error() << "\n";
    return ExitCode::bad_configuration;
  }
  auto& doctor = settings->doctor;
  if (!options.wan.empty()) doctor.wan = options.wan;
  if (!options.lan.empty()) doctor.lan = options.lan;
  const auto facts = host::collect_host_facts();
  const auto findings = host::diagnose(facts, doctor);
  out << (options.wants_json ? report_json(findings) : report_text(findings));
  return exit_code_of(findings, facts.ruleset.has_value());
}

[[nodiscard]] ExitCode run_teardown(bool even_while_running, std::ostream& out,
                                    std::ostream& errors) {
  const auto removed = tear_down(even_while_running);
  if (!removed) {
    errors << "posternctl: " << removed.error().text << "\n";
    return removed.error().code;
  }
  for (const auto& what : *removed) out << "removed " << what << "\n";
  if (removed->empty()) out << "There was nothing to remove.\n";
  return ExitCode::success;
}

}  // namespace

ExitCode run(std::span<const char* const> arguments, std::ostream& out, std::ostream& errors) {
  Words words("posternctl");
  try {
    words.app.parse(static_cast<int>(arguments.size()), arguments.data());
  } catch (const CLI::ParseError& error) {
    // Help and version arrive in this way, too.
    return words.app.exit(error, out, errors) == 0 ? ExitCode::success : ExitCode::usage;
  }
  if (words.doctor->parsed()) return run_doctor(words.doctor_options, out, errors);
  if (const auto ended = words.commands->run(out, errors)) return *ended;
  if (words.importer->is_parsed()) return words.importer->run(out, errors);
  if (words.teardown->parsed()) return run_teardown(words.even_while_running, out, errors);
  out << "posternctl " POSTERN_VERSION "\n";
  return ExitCode::success;
}

}  // namespace postern::ctl
