#pragma once

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"
#include "ctl/daemon_client.h"
#include "ctl/exit_code.h"

namespace CLI {
class App;
}

namespace postern::ctl {

/// What the commands ask for that speak with the running daemon.
struct OperatorWords {
  /// Where the daemon's control socket is; empty: in the runtime_dir of the configuration.
  std::string socket;
  /// The daemon's configuration; empty: the default one.
  std::string config;
  bool wants_json = false;
  std::string protocol;
  // Of "add".
  std::uint16_t external_port = 0;
  std::string internal;
  std::vector<std::string> remote;
  std::string description;
  // Of "delete".
  std::uint64_t id = 0;
  // Of "explain".
  std::string client;
  /// Empty: what the daemon thinks fit.
  std::string frontend;
  std::string internal_address;
  std::uint16_t internal_port = 0;
  std::uint16_t wanted_external_port = 0;
  std::uint32_t lifetime = 3600;
  // Of "history", and the client there is of it, too.
  std::string kind;
  std::uint32_t limit = 50;
};

/// list, history, add, delete, explain and reload. Whether something is allowed, and why not, the
/// daemon says.
class OperatorCommands {
 public:
  /// Adds the commands to the command line, which this object must outlive.
  explicit OperatorCommands(CLI::App& app);
  OperatorCommands(const OperatorCommands&) = delete;
  OperatorCommands& operator=(const OperatorCommands&) = delete;

  /// Runs the one that was parsed; nothing when none was.
  [[nodiscard]] std::optional<ExitCode> run(std::ostream& out, std::ostream& errors) const;

 private:
  [[nodiscard]] CLI::App* add_command(CLI::App& app, const char* name, const char* purpose);
  void add_add(CLI::App& app);
  void add_explain(CLI::App& app);
  void add_history(CLI::App& app);
  [[nodiscard]] Result<std::string, NoReply> answer() const;

  OperatorWords words_;
  CLI::App* list_;
  CLI::App* history_;
  CLI::App* add_;
  CLI::App* delete_;
  CLI::App* explain_;
  CLI::App* reload_;
};

}  // namespace postern::ctl
