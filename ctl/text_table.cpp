#include "ctl/text_table.h"

#include <algorithm>

namespace postern::ctl {
namespace {

/// Between two columns.
constexpr std::size_t kGap = 2;

/// In characters, as far as each takes one column: the first octets of UTF-8 sequences.
[[nodiscard]] std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace

std::string printable(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto octet = static_cast<unsigned char>(text[i]);
    const auto next = i + 1 < text.size() ? static_cast<unsigned char>(text[i + 1]) : 0U;
    if (octet < 0x20 || octet == 0x7F) {
      result += '?';
    } else if (octet == 0xC2 && next >= 0x80 && next < 0xA0) {
      // U+0080 to U+009F, which some terminals obey as well.
      result += '?';
      ++i;
    } else {
      result += text[i];
    }
  }
  return result;
}

std::string text_table(const std::vector<std::string>& head,
                       const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> widths(head.size(), 0);
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string text;
  const auto add = [&](const std::vector<std::string>& row) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (widths[i] == 0) continue;
      const auto width = std::max(widths[i], width_of(head[i]));
      line += row[i] + std::string(width - width_of(row[i]) + kGap, ' ');
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  };
  add(head);
  for (const auto& row : rows) add(row);
  return text;
}

}  // namespace postern::ctl
