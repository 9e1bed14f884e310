#pragma once

#include <cstdint>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "core/bytes.h"

namespace postern::test {

using Octets = std::vector<std::uint8_t>;

/// Reads pairs of hexadecimal digits; spaces between them do not matter.
[[nodiscard]] inline Octets from_hex(std::string_view text) {
  std::string digits;
  for (const char c : text) {
    if (c != ' ') digits += c;
  }
  if (digits.size() % 2 != 0) throw std::invalid_argument("half an octet in: " + std::string(text));
  Octets octets;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    std::size_t used = 0;
    octets.push_back(static_cast<std::uint8_t>(std::stoul(digits.substr(i, 2), &used, 16)));
    if (used != 2) throw std::invalid_argument("not hexadecimal: " + std::string(text));
  }
  return octets;
}

/// "00 01 ff".
[[nodiscard]] inline std::string to_hex(Bytes octets) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const auto octet : octets) {
    if (!text.empty()) text += ' ';
    text += kDigits[octet >> 4];
    text += kDigits[octet & 15];
  }
  return text;
}

[[nodiscard]] inline Octets read_octets(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace postern::test
