#include "ctl/report.h"

#include <algorithm>

#include <nlohmann/json.hpp>

namespace postern::ctl {
namespace {

using host::Severity;

[[nodiscard]] std::size_t count(const std::vector<host::Finding>& findings, Severity severity) {
  return static_cast<std::size_t>(
      std::count_if(findings.begin(), findings.end(),
                    [&](const host::Finding& finding) { return finding.severity == severity; }));
}

[[nodiscard]] std::string counted(std::size_t number, const std::string& word) {
  return std::to_string(number) + " " + word + (number == 1 ? "" : "s");
}

/// A severity, and blanks up to the column of what follows.
[[nodiscard]] std::string column(std::string_view word) {
  constexpr std::size_t kWidth = 9;
  std::string text(word);
  text.resize(std::max(kWidth, text.size() + 1), ' ');
  return text;
}

}  // namespace

std::string report_text(const std::vector<host::Finding>& findings) {
  if (findings.empty()) return "Nothing wrong was found.\n";
  std::string text;
  const auto add = [&](std::string_view label, const std::string& what) {
    if (!what.empty()) text += column("") + column(label) + what + "\n";
  };
  for (const auto& finding : findings) {
    text += column(to_string(finding.severity)) + std::string(finding.id) + "\n";
    add("what:", finding.what);
    add("why:", finding.why);
    for (const auto& command : finding.mend) add("mend:", command);
    add(finding.mend.empty() ? "mend:" : "note:", finding.advice);
    text += "\n";
  }
  return text + counted(count(findings, Severity::error), "error") + ", " +
         counted(count(findings, Severity::warning), "warning") + "\n";
}

std::string report_json(const std::vector<host::Finding>& findings) {
  auto list = nlohmann::ordered_json::array();
  for (const auto& finding : findings) {
    list.push_back({{"severity", to_string(finding.severity)},
                    {"id", finding.id},
                    {"what", finding.what},
                    {"why", finding.why},
                    {"mend", finding.mend},
                    {"advice", finding.advice}});
  }
  const nlohmann::ordered_json document{{"errors", count(findings, Severity::error)},
                                        {"warnings", count(findings, Severity::warning)},
                                        {"findings", std::move(list)}};
  // Names of chains and processes are octets, not always UTF-8.
  return document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

ExitCode exit_code_of(const std::vector<host::Finding>& findings, bool could_look) {
  if (!could_look) return ExitCode::no_privilege;
  return count(findings, Severity::error) > 0 ? ExitCode::failure : ExitCode::success;
}

}  // namespace postern::ctl
