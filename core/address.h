#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace postern {

/// An IPv4 or IPv6 address. An IPv4 address is held in its IPv4-mapped form (RFC 4291 §2.5.5.2),
/// which is also how PCP carries it (RFC 6887 §5); so the two families never compare equal and one
/// type serves as key everywhere.
class Address {
 public:
  /// The unspecified IPv6 address, ::.
  constexpr Address() = default;

  [[nodiscard]] static constexpr Address v4(std::array<std::uint8_t, 4> octets) {
    Address address;
    address.octets_[10] = address.octets_[11] = 0xff;
    for (std::size_t i = 0; i < octets.size(); ++i) address.octets_[12 + i] = octets[i];
    return address;
  }
  /// `value` in host order: 0xc0a80101 is 192.168.1.1.
  [[nodiscard]] static constexpr Address v4(std::uint32_t value) {
    return v4({static_cast<std::uint8_t>(value >> 24), static_cast<std::uint8_t>(value >> 16),
               static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)});
  }
  [[nodiscard]] static constexpr Address v6(std::array<std::uint8_t, 16> octets) {
    Address address;
    address.octets_ = octets;
    return address;
  }
  /// Reads "192.0.2.1" or "2001:db8::1"; nothing else (no port, prefix, scope or name).
  [[nodiscard]] static std::optional<Address> parse(std::string_view text);

  [[nodiscard]] bool is_v4() const;
  /// In host order. Only for an IPv4 address.
  [[nodiscard]] std::uint32_t v4_value() const;
  /// In network order. Only for an IPv4 address.
  [[nodiscard]] std::array<std::uint8_t, 4> v4_octets() const;
  [[nodiscard]] const std::array<std::uint8_t, 16>& octets() const { return octets_; }

  /// 0.0.0.0 or ::.
  [[nodiscard]] bool is_unspecified() const;
  /// 127.0.0.0/8 or ::1.
  [[nodiscard]] bool is_loopback() const;
  /// 224.0.0.0/4 or ff00::/8.
  [[nodiscard]] bool is_multicast() const;
  /// fe80::/10, 169.254.0.0/16.
  [[nodiscard]] bool is_link_local() const;
  /// 255.255.255.255.
  [[nodiscard]] bool is_limited_broadcast() const;

  [[nodiscard]] std::string to_string() const;

  friend constexpr auto operator<=>(const Address&, const Address&) = default;

 private:
  std::array<std::uint8_t, 16> octets_{};
};

/// A network prefix such as 192.168.1.0/24 or 2001:db8::/32.
class Prefix {
 public:
  /// `length` in bits, at most 32 for IPv4 and 128 for IPv6. Host bits of `address` are ignored.
  Prefix(Address address, unsigned length);

  /// That one host.
  [[nodiscard]] static Prefix of(const Address& host) { return {host, host.is_v4() ? 32u : 128u}; }
  /// Reads "192.168.1.0/24"; an address without a length stands for that one host.
  [[nodiscard]] static std::optional<Prefix> parse(std::string_view text);

  [[nodiscard]] bool contains(const Address& address) const;
  /// The first address: all host bits are zero.
  [[nodiscard]] const Address& network() const { return network_; }
  /// The last address: all host bits are one.
  [[nodiscard]] Address last() const;
  /// In bits of the address's own family.
  [[nodiscard]] unsigned length() const;
  /// Whether it holds a single address.
  [[nodiscard]] bool is_one_host() const { return length_ == 128; }
  /// The all-ones host address of an IPv4 prefix of up to 30 bits; longer ones have none
  /// (RFC 3021).
  [[nodiscard]] std::optional<Address> directed_broadcast() const;
  [[nodiscard]] std::string to_string() const;

  friend auto operator<=>(const Prefix&, const Prefix&) = default;

 private:
  Address network_;
  unsigned length_;
};

/// Whether one of the prefixes holds it.
[[nodiscard]] bool any_contains(std::span<const Prefix> prefixes, const Address& address);

}  // namespace postern

template <>
struct std::hash<postern::Address> {
  std::size_t operator()(const postern::Address& address) const noexcept;
};
