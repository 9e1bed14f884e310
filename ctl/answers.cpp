#include "ctl/answers.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <ctime>
#include <string_view>
#include <vector>

#include "ctl/text_table.h"

namespace postern::ctl {
namespace {

[[nodiscard]] const Json& at(const Json& object, const char* key) {
  static const Json kNothing;
  const auto found = object.find(key);
  return found == object.end() ? kNothing : *found;
}

[[nodiscard]] std::string text_at(const Json& object, const char* key) {
  const auto* text = at(object, key).get_ptr<const std::string*>();
  return text == nullptr ? "" : printable(*text);
}

[[nodiscard]] std::uint64_t number_at(const Json& object, const char* key) {
  const auto& number = at(object, key);
  return number.is_number_unsigned() ? number.get<std::uint64_t>() : 0;
}

[[nodiscard]] bool is_true(const Json& object, const char* key) {
  const auto& value = at(object, key);
  return value.is_boolean() && value.get<bool>();
}

[[nodiscard]] std::string endpoint_text(const Json& endpoint) {
  const auto address = text_at(endpoint, "address");
  const bool is_v6 = address.find(':') != std::string::npos;
  return (is_v6 ? "[" + address + "]" : address) + ":" +
         std::to_string(number_at(endpoint, "port"));
}

/// "2026-11-23 10:45:01", as the clocks here say.
[[nodiscard]] std::string moment_text(std::uint64_t unix_ms) {
  const auto seconds = static_cast<std::time_t>(unix_ms / 1000);
  std::tm fields{};
  std::array<char, 32> text{};
  if (::localtime_r(&seconds, &fields) == nullptr) return "";
  return {text.data(), std::strftime(text.data(), text.size(), "%Y-%m-%d %H:%M:%S", &fields)};
}

/// Adds `text` unless it is empty or there already.
void add_once(std::vector<std::string>& texts, std::string text) {
  if (text.empty() || std::ranges::find(texts, text) != texts.end()) return;
  texts.push_back(std::move(text));
}

[[nodiscard]] std::string joined(const std::vector<std::string>& texts) {
  std::string all;
  for (const auto& text : texts) all += (all.empty() ? "" : ", ") + text;
  return all;
}

/// "198.51.100.0/24 ports 1000-2000"; nothing for everybody.
[[nodiscard]] std::string remote_text(const Json& filter) {
  const auto first = number_at(filter, "first_port");
  const auto last = number_at(filter, "last_port");
  const bool has_ports = first > 0 || last != 65535;
  const auto remote = text_at(filter, "remote");
  if (remote.ends_with("/0") && !has_ports) return "";
  if (!has_ports) return remote;
  return remote + " ports " + std::to_string(first) + "-" + std::to_string(last);
}

[[nodiscard]] std::string claim_text(const Json& claim) {
  auto text = text_at(claim, "frontend") + " " + text_at(claim, "client");
  if (at(claim, "remote").is_object()) text += " with " + endpoint_text(at(claim, "remote"));
  if (at(claim, "enabled") == false) text += " (shut)";
  return text;
}

[[nodiscard]] std::vector<std::string> row_of(const Json& mapping) {
  std::vector<std::string> by;
  std::vector<std::string> rules;
  std::vector<std::string> descriptions;
  std::vector<std::string> remotes;
  bool is_permanent = false;
  for (const auto& claim : at(mapping, "claims")) {
    add_once(by, claim_text(claim));
    add_once(rules, text_at(claim, "rule"));
    add_once(descriptions, text_at(claim, "description"));
    is_permanent = is_permanent || is_true(claim, "permanent");
  }
  for (const auto& filter : at(mapping, "filters")) add_once(remotes, remote_text(filter));
  return {std::to_string(number_at(mapping, "id")),
          text_at(mapping, "protocol"),
          endpoint_text(at(mapping, "external")),
          endpoint_text(at(mapping, "internal")),
          is_permanent ? "for good" : time_text(number_at(mapping, "remaining_seconds")),
          joined(by),
          joined(rules),
          joined(remotes),
          joined(descriptions)};
}

/// What a word of the daemon's means; the word itself when it is not known here.
[[nodiscard]] std::string mismatch_text(const std::string& word) {
  struct Meaning {
    std::string_view word;
    std::string_view text;
  };
  constexpr std::array kMeanings{
      Meaning{"other_client", "is for other clients"},
      Meaning{"other_frontend", "is for other protocols than this client speaks"},
      Meaning{"other_protocol", "is for the other transport"},
      Meaning{"other_internal_port", "is for other internal ports"},
      Meaning{"sensitive_port", "does not name this internal port (never_internal_ports)"},
      Meaning{"for_another_host", "lets clients map to themselves alone"},
      Meaning{"other_interface", "is for other interfaces"},
      Meaning{"other_mac", "is for other MAC addresses"},
      Meaning{"unknown_link", "is for MAC addresses or interfaces, and this client's is not known"},
  };
  const auto* found = std::ranges::find(kMeanings, word, &Meaning::word);
  return found == kMeanings.end() ? "does not match: " + word : std::string(found->text);
}

/// "decides"; "is for other clients"; "matches, but the rules above leave it nothing".
[[nodiscard]] std::string finding_text(const Json& rule) {
  if (const auto word = text_at(rule, "mismatch"); !word.empty()) return mismatch_text(word);
  const auto ports = text_at(rule, "external_ports");
  const auto of_ports = ports.empty() ? "" : " (external ports " + ports + ")";
  if (is_true(rule, "decides")) return "decides" + of_ports;
  return ports.empty() ? "matches, but the rules above leave it nothing" : "matches" + of_ports;
}

}  // namespace

std::string time_text(std::uint64_t seconds) {
  struct Unit {
    std::uint64_t seconds;
    char letter;
  };
  constexpr std::array kUnits{Unit{86400, 'd'}, Unit{3600, 'h'}, Unit{60, 'm'}, Unit{1, 's'}};
  for (std::size_t i = 0; i + 1 < kUnits.size(); ++i) {
    const auto& [large, letter] = kUnits[i];
    const auto& [small, small_letter] = kUnits[i + 1];
    if (seconds < large) continue;
    const auto rest = seconds % large / small;
    return std::to_string(seconds / large) + letter +
           (rest == 0 ? "" : " " + std::to_string(rest) + small_letter);
  }
  return std::to_string(seconds) + "s";
}

std::string mappings_text(const Json& mappings) {
  if (mappings.empty()) return "There are no mappings.\n";
  std::vector<std::vector<std::string>> rows;
  for (const auto& mapping : mappings) rows.push_back(row_of(mapping));
  return text_table(
      {"ID", "PROTOCOL", "EXTERNAL", "INTERNAL", "LEFT", "BY", "RULE", "ONLY FROM", "DESCRIPTION"},
      rows);
}

std::string explanation_text(const Json& explanation) {
  std::string text;
  if (is_true(explanation, "granted")) {
    text = "granted: external port " + std::to_string(number_at(explanation, "external_port")) +
           " for " +
           (is_true(explanation, "permanent")
                ? "good"
                : time_text(number_at(explanation, "lifetime_seconds"))) +
           (at(explanation, "existing").is_number_unsigned()
                ? ", by renewing mapping " + std::to_string(number_at(explanation, "existing"))
                : ", by a new mapping") +
           "\n";
  } else {
    text = "refused: " + text_at(explanation, "refusal") + "\n";
  }
  const auto rule = text_at(explanation, "rule");
  text += rule.empty() ? "No rule decides.\n" : "The rule \"" + rule + "\" decides.\n";
  std::vector<std::vector<std::string>> rows;
  for (const auto& finding : at(explanation, "rules")) {
    rows.push_back({std::to_string(rows.size() + 1), text_at(finding, "action"),
                    text_at(finding, "name"), finding_text(finding)});
  }
  if (rows.empty()) return text;
  return text + "\n" + text_table({"RULE", "ACTION", "NAME", "WHY"}, rows);
}

std::string added_text(const std::string& protocol, const Json& added) {
  return "added mapping " + std::to_string(number_at(added, "id")) + ": " + protocol + " " +
         endpoint_text(at(added, "external")) + "\n" + warnings_text(added);
}

std::string reloaded_text(const Json& reloaded) {
  return "reloaded\n" + warnings_text(reloaded);
}

std::string warnings_text(const Json& document) {
  std::string text;
  for (const auto& warning : at(document, "warnings")) {
    const auto* words = warning.get_ptr<const std::string*>();
    if (words != nullptr) text += "warning: " + printable(*words) + "\n";
  }
  return text;
}

std::string history_text(const Json& entries) {
  if (entries.empty()) return "There is no such entry in the history.\n";
  std::vector<std::vector<std::string>> rows;
  for (const auto& entry : entries) {
    rows.push_back({moment_text(number_at(entry, "unix_ms")), text_at(entry, "event"),
                    text_at(entry, "why"), text_at(entry, "frontend"), text_at(entry, "client"),
                    text_at(entry, "protocol"), text_at(entry, "external"),
                    text_at(entry, "internal"), text_at(entry, "rule")});
  }
  return text_table(
      {"WHEN", "WHAT", "WHY", "BY", "CLIENT", "PROTOCOL", "EXTERNAL", "INTERNAL", "RULE"}, rows);
}

std::string error_text(const Json& error) {
  const auto& inner = at(error, "error");
  const auto* text = at(inner, "text").get_ptr<const std::string*>();
  if (text == nullptr) return "posternd answered what cannot be read";
  return *text + " (" + error_code(error) + ")";
}

std::string error_code(const Json& error) {
  return text_at(at(error, "error"), "code");
}

}  // namespace postern::ctl
