#include "core/authority.h"

#include <charconv>
#include <system_error>

namespace postern {
namespace {

[[nodiscard]] std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (error != std::errc() || end != text.data() + text.size() || port == 0) return std::nullopt;
  return port;
}

}  // namespace

std::optional<Authority> parse_authority(std::string_view text) {
  std::string_view literal;
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    literal = text.substr(1, end - 1);
    literal = literal.substr(0, literal.find('%'));
    // What looks like IPv4 has no place in brackets.
    if (literal.find(':') == std::string_view::npos) return std::nullopt;
    text.remove_prefix(end + 1);
  } else {
    literal = text.substr(0, text.find(':'));
    text.remove_prefix(literal.size());
  }
  const auto address = Address::parse(literal);
  if (!address) return std::nullopt;
  if (text.empty()) return Authority{*address, std::nullopt};
  if (text.front() != ':') return std::nullopt;
  const auto port = parse_port(text.substr(1));
  if (!port) return std::nullopt;
  return Authority{*address, port};
}

}  // namespace postern
