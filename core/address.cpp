#include "core/address.h"

#include <algorithm>
#include <cassert>
#include <charconv>
#include <cstring>

#include <arpa/inet.h>

#include "core/hash.h"

namespace postern {
namespace {

constexpr unsigned kMappedBits = 96;

[[nodiscard]] Address masked(const Address& address, unsigned bits) {
  auto octets = address.octets();
  for (unsigned i = 0; i < octets.size(); ++i) {
    const unsigned kept = bits <= 8 * i ? 0 : std::min(bits - 8 * i, 8U);
    octets[i] = static_cast<std::uint8_t>(octets[i] & (0xff00U >> kept));
  }
  return Address::v6(octets);
}

}  // namespace

std::optional<Address> Address::parse(std::string_view text) {
  const std::string terminated(text);
  if (terminated.size() != std::strlen(terminated.c_str())) return std::nullopt;
  std::array<std::uint8_t, 4> four{};
  if (inet_pton(AF_INET, terminated.c_str(), four.data()) == 1) return v4(four);
  std::array<std::uint8_t, 16> sixteen{};
  if (inet_pton(AF_INET6, terminated.c_str(), sixteen.data()) == 1) return v6(sixteen);
  return std::nullopt;
}

bool Address::is_v4() const {
  return std::all_of(octets_.begin(), octets_.begin() + 10, [](auto o) { return o == 0; }) &&
         octets_[10] == 0xff && octets_[11] == 0xff;
}

std::uint32_t Address::v4_value() const {
  assert(is_v4());
  return (std::uint32_t{octets_[12]} << 24) | (std::uint32_t{octets_[13]} << 16) |
         (std::uint32_t{octets_[14]} << 8) | std::uint32_t{octets_[15]};
}

std::array<std::uint8_t, 4> Address::v4_octets() const {
  assert(is_v4());
  return {octets_[12], octets_[13], octets_[14], octets_[15]};
}

bool Address::is_unspecified() const {
  return *this == Address() || *this == Address::v4(0);
}

bool Address::is_loopback() const {
  if (is_v4()) return octets_[12] == 127;
  return std::all_of(octets_.begin(), octets_.end() - 1, [](auto o) { return o == 0; }) &&
         octets_[15] == 1;
}

bool Address::is_link_local() const {
  if (is_v4()) {
    const auto octets = v4_octets();
    return octets[0] == 169 && octets[1] == 254;
  }
  return octets_[0] == 0xfe && (octets_[1] & 0xc0) == 0x80;
}

bool Address::is_multicast() const {
  return is_v4() ? (octets_[12] & 0xf0) == 0xe0 : octets_[0] == 0xff;
}

bool Address::is_limited_broadcast() const {
  return *this == Address::v4(0xffffffff);
}

std::string Address::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (!is_v4()) {
    inet_ntop(AF_INET6, octets_.data(), text.data(), text.size());
    return text.data();
  }
  // inet_ntop() would call printf, several times for each mapping that is stored.
  auto* end = text.data();
  for (auto octet = octets_.begin() + 12; octet != octets_.end(); ++octet) {
    if (end != text.data()) *end++ = '.';
    end = std::to_chars(end, text.data() + text.size(), *octet).ptr;
  }
  return {text.data(), end};
}

Prefix::Prefix(Address address, unsigned length)
    : network_(masked(address, address.is_v4() ? length + kMappedBits : length)),
      length_(address.is_v4() ? length + kMappedBits : length) {
  assert(length_ <= 128);
}

std::optional<Prefix> Prefix::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = Address::parse(text.substr(0, slash));
  if (!address) return std::nullopt;
  const unsigned longest = address->is_v4() ? 32 : 128;
  if (slash == std::string_view::npos) return Prefix(*address, longest);
  const auto digits = text.substr(slash + 1);
  unsigned length = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (error != std::errc() || end != digits.data() + digits.size() || length > longest) {
    return std::nullopt;
  }
  return Prefix(*address, length);
}

bool Prefix::contains(const Address& address) const {
  const auto& theirs = address.octets();
  const auto& ours = network_.octets();
  const unsigned whole = length_ / 8;
  const unsigned rest = length_ % 8;
  if (std::memcmp(theirs.data(), ours.data(), whole) != 0) return false;
  if (rest > 0 && ((theirs[whole] ^ ours[whole]) & (0xff00U >> rest) & 0xffU) != 0) return false;
  // A short IPv6 prefix such as ::/0 must not swallow the IPv4-mapped range.
  return address.is_v4() == network_.is_v4();
}

Address Prefix::last() const {
  auto octets = network_.octets();
  for (unsigned bit = length_; bit < 128; ++bit) {
    octets[bit / 8] = static_cast<std::uint8_t>(octets[bit / 8] | (0x80U >> (bit % 8)));
  }
  return Address::v6(octets);
}

unsigned Prefix::length() const {
  return network_.is_v4() ? length_ - kMappedBits : length_;
}

std::optional<Address> Prefix::directed_broadcast() const {
  if (!network_.is_v4() || length_ > kMappedBits + 30) return std::nullopt;
  return Address::v4(network_.v4_value() | (0xffffffffU >> (length_ - kMappedBits)));
}

std::string Prefix::to_string() const {
  return network_.to_string() + "/" + std::to_string(length());
}

bool any_contains(std::span<const Prefix> prefixes, const Address& address) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const Prefix& prefix) { return prefix.contains(address); });
}

}  // namespace postern

std::size_t std::hash<postern::Address>::operator()(
    const postern::Address& address) const noexcept {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  std::memcpy(&high, address.octets().data(), sizeof high);
  std::memcpy(&low, address.octets().data() + sizeof high, sizeof low);
  return postern::combine_hashes(high, low);
}
