#pragma once

#include <algorithm>
#include <string_view>

namespace postern {

/// ASCII letters only, whatever the locale.
[[nodiscard]] constexpr char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// Whether the two are the same but for the case of ASCII letters.
[[nodiscard]] constexpr bool equals_ignoring_case(std::string_view left, std::string_view right) {
  return std::ranges::equal(left, right, {}, to_lower, to_lower);
}

}  // namespace postern
