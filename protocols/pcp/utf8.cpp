#include "protocols/pcp/utf8.h"

#include <cstdint>

namespace postern::pcp {
namespace {

[[nodiscard]] std::uint8_t octet(char c) {
  return static_cast<std::uint8_t>(c);
}

[[nodiscard]] bool is_continuation(char c) {
  return (octet(c) & 0xc0) == 0x80;
}

[[nodiscard]] std::size_t size_by_first_octet(std::uint8_t first) {
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return 2;
  if (first >= 0xe0 && first <= 0xef) return 3;
  if (first >= 0xf0 && first <= 0xf4) return 4;
  return 0;
}

/// After some first octets only a part of the continuation octets may come (RFC 3629 §4).
[[nodiscard]] bool may_follow(std::uint8_t first, std::uint8_t second) {
  switch (first) {
    case 0xe0:
      return second >= 0xa0;
    case 0xed:
      return second <= 0x9f;
    case 0xf0:
      return second >= 0x90;
    case 0xf4:
      return second <= 0x8f;
    default:
      return true;
  }
}

/// The octets of the first character of a text that is not empty; 0 when it is none.
[[nodiscard]] std::size_t first_character_size(std::string_view text) {
  const std::size_t size = size_by_first_octet(octet(text[0]));
  if (size == 0 || size > text.size()) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if (!is_continuation(text[i])) return 0;
  }
  if (size > 1 && !may_follow(octet(text[0]), octet(text[1]))) return 0;
  return size;
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t size = first_character_size(text);
    if (size == 0) return false;
    text.remove_prefix(size);
  }
  return true;
}

std::string_view utf8_prefix(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && is_continuation(text[most])) --most;
  return text.substr(0, most);
}

}  // namespace postern::pcp
