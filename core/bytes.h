#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace postern {

using Bytes = std::span<const std::uint8_t>;

/// Reads big-endian fields from the front of a buffer it does not own. Reading past the end yields
/// zeros and makes ok() false for good; callers check once, after the last field.
class ByteReader {
 public:
  explicit ByteReader(Bytes bytes) : rest_(bytes) {}

  [[nodiscard]] std::uint8_t u8() { return static_cast<std::uint8_t>(big_endian(1)); }
  [[nodiscard]] std::uint16_t u16() { return static_cast<std::uint16_t>(big_endian(2)); }
  [[nodiscard]] std::uint32_t u32() { return big_endian(4); }
  /// The next `count` octets as they lie in the buffer; none when fewer are left.
  [[nodiscard]] Bytes bytes(std::size_t count) { return take(count); }
  template <std::size_t count>
  [[nodiscard]] std::array<std::uint8_t, count> array() {
    std::array<std::uint8_t, count> octets{};
    const Bytes taken = take(count);
    std::copy(taken.begin(), taken.end(), octets.begin());
    return octets;
  }
  void skip(std::size_t count) { (void)take(count); }

  [[nodiscard]] std::size_t remaining() const { return rest_.size(); }
  [[nodiscard]] bool ok() const { return ok_; }

 private:
  [[nodiscard]] Bytes take(std::size_t count) {
    if (count > rest_.size()) {
      ok_ = false;
      rest_ = {};
      return {};
    }
    const Bytes taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }
  [[nodiscard]] std::uint32_t big_endian(std::size_t count) {
    std::uint32_t value = 0;
    for (const auto octet : take(count)) value = (value << 8) | octet;
    return value;
  }

  Bytes rest_;
  bool ok_ = true;
};

/// Writes big-endian fields into a buffer it does not own. Writing past the end writes nothing and
/// makes ok() false for good.
class ByteWriter {
 public:
  explicit ByteWriter(std::span<std::uint8_t> buffer) : buffer_(buffer) {}

  void u8(std::uint8_t value) { big_endian(value, 1); }
  void u16(std::uint16_t value) { big_endian(value, 2); }
  void u32(std::uint32_t value) { big_endian(value, 4); }
  void bytes(Bytes source) {
    if (!reserve(source.size())) return;
    std::copy(source.begin(), source.end(), buffer_.begin() + static_cast<std::ptrdiff_t>(size_));
    size_ += source.size();
  }
  void zeros(std::size_t count) {
    if (!reserve(count)) return;
    std::fill_n(buffer_.begin() + static_cast<std::ptrdiff_t>(size_), count, std::uint8_t{0});
    size_ += count;
  }

  /// What was written so far.
  [[nodiscard]] Bytes written() const { return buffer_.first(size_); }
  [[nodiscard]] bool ok() const { return ok_; }

 private:
  [[nodiscard]] bool reserve(std::size_t count) {
    ok_ = ok_ && count <= buffer_.size() - size_;
    return ok_;
  }
  void big_endian(std::uint32_t value, std::size_t count) {
    if (!reserve(count)) return;
    for (std::size_t i = 0; i < count; ++i) {
      buffer_[size_++] = static_cast<std::uint8_t>(value >> (8 * (count - 1 - i)));
    }
  }

  std::span<std::uint8_t> buffer_;
  std::size_t size_ = 0;
  bool ok_ = true;
};

}  // namespace postern
