#include "core/mac_address.h"

#include <algorithm>
#include <cstddef>

namespace postern {
namespace {

[[nodiscard]] std::optional<unsigned> value_of(char digit) {
  if (digit >= '0' && digit <= '9') return static_cast<unsigned>(digit - '0');
  if (digit >= 'a' && digit <= 'f') return static_cast<unsigned>(digit - 'a') + 10;
  if (digit >= 'A' && digit <= 'F') return static_cast<unsigned>(digit - 'A') + 10;
  return std::nullopt;
}

}  // namespace

std::optional<MacAddress> MacAddress::of_octets(std::string_view octets) {
  std::array<std::uint8_t, 6> own{};
  if (octets.size() != own.size()) return std::nullopt;
  std::copy(octets.begin(), octets.end(), own.begin());
  return MacAddress(own);
}

std::optional<MacAddress> MacAddress::parse(std::string_view text) {
  constexpr std::size_t kLength = 17;
  if (text.size() != kLength) return std::nullopt;
  const char separator = text[2];
  if (separator != ':' && separator != '-') return std::nullopt;
  std::array<std::uint8_t, 6> octets{};
  for (std::size_t i = 0; i < octets.size(); ++i) {
    const auto high = value_of(text[3 * i]);
    const auto low = value_of(text[3 * i + 1]);
    const bool is_separated = i + 1 == octets.size() || text[3 * i + 2] == separator;
    if (!high || !low || !is_separated) return std::nullopt;
    octets[i] = static_cast<std::uint8_t>(*high << 4 | *low);
  }
  return MacAddress(octets);
}

std::string MacAddress::to_string() const {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (const std::uint8_t octet : octets_) {
    if (!text.empty()) text += ':';
    text += kDigits[octet >> 4];
    text += kDigits[octet & 0xf];
  }
  return text;
}

}  // namespace postern
