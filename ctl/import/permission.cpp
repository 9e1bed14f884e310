#include "ctl/import/permission.h"

#include <bit>
#include <cstdint>
#include <utility>

#include "ctl/import/words.h"

namespace postern::ctl::miniupnpd {
namespace {

/// Takes "allow" or "deny" off the line. Nothing needs to stand between it and the ports.
[[nodiscard]] std::optional<bool> take_verdict(std::string_view& line) {
  for (const auto& [word, allows] : {std::pair<std::string_view, bool>{"allow", true},
                                     std::pair<std::string_view, bool>{"deny", false}}) {
    if (!line.starts_with(word)) continue;
    line.remove_prefix(word.size());
    return allows;
  }
  return std::nullopt;
}

[[nodiscard]] std::optional<unsigned> mask_length(std::string_view text) {
  if (const auto length = number_of(text, 32)) return static_cast<unsigned>(*length);
  const auto mask = Address::parse(text);
  if (!mask || !mask->is_v4()) return std::nullopt;
  const auto bits = mask->v4_value();
  const auto length = static_cast<unsigned>(std::countl_one(bits));
  const bool is_mask = length == static_cast<unsigned>(std::popcount(bits));
  return is_mask ? std::optional(length) : std::nullopt;
}

/// What may follow the ports: "a regular expression" or # a remark.
[[nodiscard]] bool read_rest(std::string_view rest, PermissionRule& rule) {
  if (rest.empty()) return true;
  if (rest.front() == '#') {
    rule.comment = trimmed(rest.substr(1));
    return true;
  }
  const auto end = rest.rfind('"');
  if (rest.front() != '"' || end == 0) return false;
  rule.description = rest.substr(1, end - 1);
  return true;
}

}  // namespace

bool is_permission(std::string_view line) {
  // What miniupnpd looks at, so that "allow=1" and "deny_all=1" are broken rules and no options.
  return line.size() > 6 && (line.starts_with("allow") || line.starts_with("deny"));
}

std::optional<PortSet> parse_ports(std::string_view text) {
  const auto dash = text.find_first_of("-:");
  const auto first = number_of(text.substr(0, dash), 65535);
  const auto last =
      dash == std::string_view::npos ? first : number_of(text.substr(dash + 1), 65535);
  if (!first || !last) return std::nullopt;
  if (*first > *last || *last == 0) return PortSet();
  const auto least = *first == 0 ? 1U : *first;
  return PortSet({{static_cast<std::uint16_t>(least), static_cast<std::uint16_t>(*last)}});
}

std::optional<Prefix> parse_hosts(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = Address::parse(text.substr(0, slash));
  if (!address || !address->is_v4()) return std::nullopt;
  if (slash == std::string_view::npos) return Prefix::of(*address);
  const auto length = mask_length(text.substr(slash + 1));
  if (!length) return std::nullopt;
  return Prefix(*address, *length);
}

Result<PermissionRule, std::string> parse_permission(std::string_view line) {
  const std::string whole(trimmed(line));
  std::string_view rest = whole;
  PermissionRule rule;
  const auto verdict = take_verdict(rest);
  if (!verdict) return fail(std::string("a rule begins with allow or deny"));
  rule.allows = *verdict;
  const auto external = parse_ports(take_word(rest));
  if (!external) return fail(std::string("the external ports are not \"80\" or \"1024-65535\""));
  const auto hosts = parse_hosts(take_word(rest));
  if (!hosts) return fail(std::string("the address is not an IPv4 one such as \"192.168.1.0/24\""));
  const auto internal = parse_ports(take_word(rest));
  if (!internal) return fail(std::string("the internal ports are not \"80\" or \"1024-65535\""));
  rule.external_ports = *external;
  rule.hosts = *hosts;
  rule.internal_ports = *internal;
  if (!read_rest(rest, rule)) {
    return fail(std::string("after the ports only a quoted regular expression or a # may follow"));
  }
  return rule;
}

}  // namespace postern::ctl::miniupnpd
