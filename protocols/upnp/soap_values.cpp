#include "protocols/upnp/soap_values.h"

#include <algorithm>
#include <array>
#include <limits>

#include "core/text.h"
#include "protocols/upnp/text.h"

namespace postern::upnp {
namespace {

using std::string_view;

/// Digits, and nothing else. What is too large never wraps (IGD-022).
[[nodiscard]] Result<std::uint32_t, Fault> read_number(string_view text, std::uint32_t most) {
  const bool is_negative = text.starts_with('-');
  if (is_negative) text.remove_prefix(1);
  if (text.empty() || text.find_first_not_of("0123456789") != string_view::npos) {
    return fail(faults::kInvalidArgs);
  }
  if (is_negative) return fail(faults::kArgumentValueOutOfRange);
  std::uint64_t number = 0;
  for (const char digit : text) {
    number = number * 10 + static_cast<std::uint64_t>(digit - '0');
    if (number > most) return fail(faults::kArgumentValueOutOfRange);
  }
  return static_cast<std::uint32_t>(number);
}

[[nodiscard]] Result<Value, Fault> read_number(const StateVariable& variable, string_view text) {
  const auto number =
      read_number(text, variable.type == DataType::ui2 ? std::numeric_limits<std::uint16_t>::max()
                                                       : std::numeric_limits<std::uint32_t>::max());
  if (!number) return fail(number.error());
  const auto& range = variable.range;
  if (range && range->is_enforced && (*number < range->minimum || *number > range->maximum)) {
    return fail(faults::kInvalidArgs);
  }
  return *number;
}

[[nodiscard]] Result<Value, Fault> read_boolean(string_view text) {
  const auto is_one_of = [&](std::array<string_view, 3> words) {
    return std::any_of(words.begin(), words.end(),
                       [&](string_view word) { return equals_ignoring_case(text, word); });
  };
  if (is_one_of({"1", "true", "yes"})) return true;
  if (is_one_of({"0", "false", "no"})) return false;
  return fail(faults::kInvalidArgs);
}

[[nodiscard]] bool is_wildcard(string_view host) {
  return host == "*" || host == "0" || host == "0.0.0.0" || host == "::";
}

[[nodiscard]] Result<Value, Fault> read_string(const Argument& argument,
                                               const StateVariable& variable, string_view text) {
  if (!variable.allowed.empty()) {
    const auto found =
        std::find_if(variable.allowed.begin(), variable.allowed.end(),
                     [&](string_view allowed) { return equals_ignoring_case(text, allowed); });
    if (found == variable.allowed.end()) return fail(faults::kArgumentValueOutOfRange);
    return std::string(*found);
  }
  if (text.size() > kLongestText && argument.reading != Reading::free_text) {
    return fail(faults::kStringArgumentTooLong);
  }
  const bool is_host =
      argument.reading == Reading::remote_host || argument.reading == Reading::optional_remote_host;
  if (is_host && is_wildcard(text)) return std::string();
  return sanitized(text);
}

}  // namespace

bool has_type(const Value& value, DataType type) {
  switch (type) {
    case DataType::string:
      return std::holds_alternative<std::string>(value);
    case DataType::ui2: {
      const auto* number = std::get_if<std::uint32_t>(&value);
      return number && *number <= std::numeric_limits<std::uint16_t>::max();
    }
    case DataType::ui4:
      return std::holds_alternative<std::uint32_t>(value);
    case DataType::boolean:
      return std::holds_alternative<bool>(value);
  }
  return false;
}

std::string to_string(const Value& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* number = std::get_if<std::uint32_t>(&value)) return std::to_string(*number);
  return std::get<bool>(value) ? "1" : "0";
}

Result<Value, Fault> read_value(const Argument& argument, const StateVariable& variable,
                                string_view text) {
  text = trimmed(text);
  switch (variable.type) {
    case DataType::string:
      return read_string(argument, variable, text);
    case DataType::ui2:
    case DataType::ui4:
      return read_number(variable, text);
    case DataType::boolean:
      return read_boolean(text);
  }
  return fail(faults::kInvalidArgs);
}

}  // namespace postern::upnp
