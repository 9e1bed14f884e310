#include "protocols/upnp/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <utility>

namespace postern::upnp {
namespace {

using std::string_view;

[[nodiscard]] std::uint8_t octet(char c) {
  return static_cast<std::uint8_t>(c);
}

struct Character {
  /// Nothing: the octet is no part of UTF-8.
  std::optional<char32_t> code;
  std::size_t size = 1;
};

/// The first character of a text that is not empty (RFC 3629 §4: no overlong form, no surrogate,
/// nothing above U+10FFFF).
[[nodiscard]] Character first_character(string_view text) {
  const auto first = octet(text[0]);
  if (first < 0x80) return {first, 1};
  const std::size_t size = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || size > text.size()) return {};
  char32_t code = first & (0x7fu >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((octet(text[i]) & 0xc0) != 0x80) return {};
    code = code << 6 | (octet(text[i]) & 0x3fu);
  }
  constexpr std::array<char32_t, 5> kSmallest{0, 0, 0x80, 0x800, 0x10000};
  if (code < kSmallest[size] || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return {};
  return {code, size};
}

/// XML 1.0 §2.2.
[[nodiscard]] bool is_xml_character(char32_t code) {
  if (code < 0x20) return code == '\t' || code == '\n' || code == '\r';
  return code <= 0x10ffff && !(code >= 0xd800 && code <= 0xdfff) && code != 0xfffe &&
         code != 0xffff;
}

[[nodiscard]] bool is_printable(char32_t code) {
  using Run = std::pair<char32_t, char32_t>;
  // Controls, zero-width and direction marks, separators, noncharacters, tags. The two joiners
  // (U+200C, U+200D) stay, for some scripts are written with them.
  constexpr std::array kInvisible{
      Run{0x0000, 0x001f}, Run{0x007f, 0x009f}, Run{0x00ad, 0x00ad}, Run{0x061c, 0x061c},
      Run{0x200b, 0x200b}, Run{0x200e, 0x200f}, Run{0x2028, 0x202e}, Run{0x2060, 0x206f},
      Run{0xfdd0, 0xfdef}, Run{0xfeff, 0xfeff}, Run{0xfff0, 0xfffb}, Run{0xe0000, 0xe0fff},
  };
  if ((code & 0xfffe) == 0xfffe) return false;
  return std::none_of(kInvisible.begin(), kInvisible.end(),
                      [&](const Run& run) { return code >= run.first && code <= run.second; });
}

void append_utf8(std::string& text, char32_t code) {
  const auto append = [&](char32_t value) { text += static_cast<char>(value); };
  if (code < 0x80) return append(code);
  if (code < 0x800) {
    append(0xc0 | code >> 6);
  } else {
    if (code < 0x10000) {
      append(0xe0 | code >> 12);
    } else {
      append(0xf0 | code >> 18);
      append(0x80 | (code >> 12 & 0x3f));
    }
    append(0x80 | (code >> 6 & 0x3f));
  }
  append(0x80 | (code & 0x3f));
}

[[nodiscard]] string_view escape_of(char c) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&apos;";
    case '\r':
      return "&#13;";
    default:
      return {};
  }
}

/// "amp" or "#38"; 0 for an entity that XML does not know, nothing for a forbidden character.
[[nodiscard]] std::optional<char32_t> character_of(string_view name) {
  using Entity = std::pair<string_view, char32_t>;
  constexpr std::array kEntities{Entity{"amp", '&'}, Entity{"lt", '<'}, Entity{"gt", '>'},
                                 Entity{"quot", '"'}, Entity{"apos", '\''}};
  if (!name.starts_with('#')) {
    const auto found = std::find_if(kEntities.begin(), kEntities.end(),
                                    [&](const Entity& entity) { return entity.first == name; });
    return found == kEntities.end() ? 0 : found->second;
  }
  name.remove_prefix(1);
  const bool is_hexadecimal = name.starts_with('x');
  if (is_hexadecimal) name.remove_prefix(1);
  std::uint32_t code = 0;
  const auto [end, error] =
      std::from_chars(name.data(), name.data() + name.size(), code, is_hexadecimal ? 16 : 10);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  if (!is_xml_character(code)) return std::nullopt;
  return code;
}

}  // namespace

string_view trimmed(string_view text) {
  constexpr string_view kBlanks = " \t\r\n";
  const auto begin = text.find_first_not_of(kBlanks);
  if (begin == string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

std::string sanitized(string_view text, std::size_t most) {
  std::string clean;
  while (!text.empty()) {
    const auto [code, size] = first_character(text);
    const auto next = !code                 ? string_view("?")
                      : is_printable(*code) ? text.substr(0, size)
                                            : string_view(" ");
    if (clean.size() + next.size() > most) break;
    clean += next;
    text.remove_prefix(size);
  }
  return clean;
}

std::string xml_escaped(string_view text) {
  std::string escaped;
  while (!text.empty()) {
    const auto [code, size] = first_character(text);
    if (!code || !is_xml_character(*code)) {
      escaped += '?';
    } else if (const auto escape = escape_of(text[0]); !escape.empty()) {
      escaped += escape;
    } else {
      escaped += text.substr(0, size);
    }
    text.remove_prefix(size);
  }
  return escaped;
}

/// "&#x10ffff;" with some zeros before the number. Without a bound, many "&" would cost much.
constexpr std::size_t kLongestReference = 24;

std::optional<std::string> xml_unescaped(string_view text) {
  std::string plain;
  while (!text.empty()) {
    const auto before = text.substr(0, text.find('&'));
    plain += before;
    text.remove_prefix(before.size());
    if (text.empty()) break;
    const auto end = text.substr(0, kLongestReference).find(';');
    const auto code = end == string_view::npos ? 0 : character_of(text.substr(1, end - 1));
    if (!code) return std::nullopt;
    if (*code == 0) {
      plain += '&';
      text.remove_prefix(1);
    } else {
      append_utf8(plain, *code);
      text.remove_prefix(end + 1);
    }
  }
  return plain;
}

void append_element(std::string& xml, string_view name, string_view text) {
  xml.append("<").append(name).append(">").append(xml_escaped(text));
  xml.append("</").append(name).append(">");
}

void append_document(std::string& xml, std::string_view name, std::string_view document) {
  xml.append("<").append(name).append("><![CDATA[");
  xml.append(document).append("]]></").append(name).append(">");
}

}  // namespace postern::upnp
