#include "backends/iptables/tool.h"

#include <algorithm>
#include <utility>

namespace postern::iptables {
namespace {

/// Others who change the firewall hold a lock meanwhile: how many seconds to wait for it. Less than
/// the runner waits for the whole, so that the program itself says what is wrong.
constexpr const char* kLockWait = "3";

/// The complaint on one line, not too long for a log.
[[nodiscard]] std::string one_line(std::string_view errors) {
  constexpr std::size_t kMost = 300;
  std::string line;
  for (const char c : errors.substr(0, kMost)) {
    const bool blank = c == ' ' || c == '\n' || c == '\t' || c == '\r';
    if (!blank) {
      line += c;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  while (line.ends_with(' ')) line.pop_back();
  return line;
}

[[nodiscard]] bool tells_of_rights(std::string_view errors) {
  for (const auto* words : {"Permission denied", "Operation not permitted", "must be root"}) {
    if (errors.find(words) != std::string_view::npos) return true;
  }
  return false;
}

[[nodiscard]] ToolError failure_of(const std::string& program, const Outcome& outcome) {
  const auto complaint = one_line(outcome.errors);
  return {program + " failed (" + std::to_string(outcome.status) + ")" +
              (complaint.empty() ? "" : ": " + complaint),
          std::nullopt, tells_of_rights(outcome.errors)};
}

}  // namespace

Result<std::string, ToolError> Tool::output_of(const std::vector<std::string>& command) const {
  auto outcome = runner_->run(command, "");
  if (!outcome) return fail(ToolError{outcome.error(), std::nullopt, false});
  if (outcome->status != 0) return fail(failure_of(command.front(), *outcome));
  return std::move(outcome->output);
}

Result<Ruleset, ToolError> Tool::read() const {
  const auto saved = output_of({save_});
  if (!saved) return fail(saved.error());
  return read_save(*saved);
}

Result<void, ToolError> Tool::replace(const Ruleset& held, const Ruleset& wanted) const {
  const auto input = restore_text(held, wanted);
  const auto outcome = runner_->run({restore_, "--noflush", "-w", kLockWait}, input.text);
  if (!outcome) return fail(ToolError{outcome.error(), std::nullopt, false});
  if (outcome->status == 0) return {};
  auto error = failure_of(restore_, *outcome);
  const auto line = refused_line(outcome->errors);
  if (line && *line <= input.doors.size()) error.door = input.doors[*line - 1];
  return fail(std::move(error));
}

Result<bool, ToolError> Tool::is_nft() const {
  const auto version = output_of({restore_, "--version"});
  if (!version) return fail(version.error());
  return version->find("nf_tables") != std::string::npos;
}

Result<void, ToolError> Tool::try_out(const Ruleset& scratch) const {
  const auto made = replace({}, scratch);
  // Also after a failure: some tables may have taken it.
  const auto gone = replace(scratch, {});
  return made ? gone : made;
}

}  // namespace postern::iptables
