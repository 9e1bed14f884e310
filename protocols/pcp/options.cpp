#include "protocols/pcp/options.h"

#include <algorithm>
#include <cassert>
#include <optional>
#include <string_view>

#include "protocols/pcp/utf8.h"

namespace postern::pcp {
namespace {

constexpr std::uint8_t kThirdParty = 1;
constexpr std::uint8_t kPreferFailure = 2;
constexpr std::uint8_t kFilter = 3;
constexpr std::uint8_t kDescription = 128;

constexpr std::size_t kOptionHeaderSize = 4;
constexpr std::size_t kFilterSize = 20;
/// The length in front of IPv4-mapped addresses.
constexpr unsigned kMappedBits = 96;

/// An option by its bounds only.
struct RawOption {
  std::uint8_t code = 0;
  Bytes data;
};

/// Those below must be understood, the others may be ignored (RFC 6887 §7.3).
[[nodiscard]] bool is_mandatory(std::uint8_t code) {
  return code < 128;
}

[[nodiscard]] bool is_known(std::uint8_t code) {
  return code == kThirdParty || code == kPreferFailure || code == kFilter || code == kDescription;
}

[[nodiscard]] std::size_t padding_after(std::size_t size) {
  return padded(size) - size;
}

// RFC 6887 §7.3:
//   0                8                16               32
//   |  Option Code   |   Reserved     |  Option Length |
//   |       Data, then zeros up to a multiple of 4     |
[[nodiscard]] std::optional<std::vector<RawOption>> split(Bytes octets) {
  std::vector<RawOption> options;
  ByteReader reader(octets);
  while (reader.remaining() > 0) {
    RawOption option;
    option.code = reader.u8();
    reader.skip(1);  // Reserved; ignored on reception.
    const std::size_t length = reader.u16();
    option.data = reader.bytes(length);
    reader.skip(padding_after(length));
    if (!reader.ok()) return std::nullopt;
    options.push_back(option);
  }
  return options;
}

void write_header(ByteWriter& writer, std::uint8_t code, std::size_t length) {
  assert(length <= 0xffff);
  writer.u8(code);
  writer.zeros(1);  // Reserved.
  writer.u16(static_cast<std::uint16_t>(length));
}

// THIRD_PARTY (RFC 6887 §13.1): Internal IP Address (16).
[[nodiscard]] std::optional<Option> read_third_party(Bytes data) {
  if (data.size() != kAddressSize) return std::nullopt;
  return ThirdParty{Address::v6(ByteReader(data).array<kAddressSize>())};
}

void write_one(ByteWriter& writer, const ThirdParty& option) {
  write_header(writer, kThirdParty, kAddressSize);
  writer.bytes(option.internal.octets());
}

// PREFER_FAILURE (RFC 6887 §13.2): no data.
[[nodiscard]] std::optional<Option> read_prefer_failure(Bytes data) {
  if (!data.empty()) return std::nullopt;
  return PreferFailure{};
}

void write_one(ByteWriter& writer, const PreferFailure&) {
  write_header(writer, kPreferFailure, 0);
}

// FILTER (RFC 6887 §13.3):
//   0                8                16               32
//   |   Reserved     | Prefix Length  | Remote Peer Port |
//   |           Remote Peer IP Address (16)              |
[[nodiscard]] std::optional<Option> read_filter(Bytes data) {
  if (data.size() != kFilterSize) return std::nullopt;
  ByteReader reader(data);
  reader.skip(1);  // Reserved; ignored on reception.
  Filter filter;
  filter.prefix_length = reader.u8();
  filter.port = reader.u16();
  filter.remote = Address::v6(reader.array<kAddressSize>());
  return filter;
}

void write_one(ByteWriter& writer, const Filter& option) {
  write_header(writer, kFilter, kFilterSize);
  writer.zeros(1);  // Reserved.
  writer.u8(static_cast<std::uint8_t>(option.prefix_length));
  writer.u16(option.port);
  writer.bytes(option.remote.octets());
}

// DESCRIPTION (RFC 7220 §3): UTF-8, not ended by NUL.
[[nodiscard]] std::optional<Option> read_description(Bytes data) {
  const std::string text(data.begin(), data.end());
  if (!is_utf8(text) || text.find('\0') != std::string::npos) return std::nullopt;
  return Description{std::string(utf8_prefix(text, kLongestDescription))};
}

void write_one(ByteWriter& writer, const Description& option) {
  write_header(writer, kDescription, option.text.size());
  for (const char c : option.text) writer.u8(static_cast<std::uint8_t>(c));
  writer.zeros(padding_after(option.text.size()));
}

/// Nothing for what is unknown or malformed, or has no business in this opcode.
[[nodiscard]] std::optional<Option> read(const RawOption& raw, Opcode opcode) {
  if (opcode == Opcode::announce) return std::nullopt;  // All known ones are about mappings.
  switch (raw.code) {
    case kThirdParty:
      return read_third_party(raw.data);
    case kPreferFailure:
      return read_prefer_failure(raw.data);
    case kFilter:
      return opcode == Opcode::map ? read_filter(raw.data) : std::nullopt;
    case kDescription:
      return read_description(raw.data);
    default:
      return std::nullopt;
  }
}

[[nodiscard]] bool is_repeated(const Option& option, const Options& earlier) {
  if (std::holds_alternative<Filter>(option)) return false;
  return std::any_of(earlier.begin(), earlier.end(),
                     [&](const Option& other) { return other.index() == option.index(); });
}

[[nodiscard]] std::size_t data_size(const Option& option) {
  if (const auto* description = std::get_if<Description>(&option)) return description->text.size();
  if (std::holds_alternative<ThirdParty>(option)) return kAddressSize;
  return std::holds_alternative<Filter>(option) ? kFilterSize : 0;
}

}  // namespace

bool Filter::has_valid_length() const {
  if (removes_all()) return true;
  return prefix_length <= 128 && (!remote.is_v4() || prefix_length >= kMappedBits);
}

Filter Filter::of(const RemoteFilter& peers) {
  const Address& network = peers.remote.network();
  // What PCP filters by is one port or all of them.
  const std::uint16_t port = peers.first_port == peers.last_port ? peers.first_port : 0;
  return {peers.remote.length() + (network.is_v4() ? kMappedBits : 0), port, network};
}

RemoteFilter Filter::peers() const {
  assert(has_valid_length() && !removes_all());
  const Prefix prefix(remote, remote.is_v4() ? prefix_length - kMappedBits : prefix_length);
  if (port == 0) return {prefix};
  return {prefix, port, port};
}

Result<Options, ResultCode> parse_options(Bytes octets, Opcode opcode) {
  const auto raw_options = split(octets);
  if (!raw_options) return fail(ResultCode::malformed_option);
  for (const auto& raw : *raw_options) {
    if (is_mandatory(raw.code) && !is_known(raw.code)) return fail(ResultCode::unsupp_option);
  }
  Options options;
  for (const auto& raw : *raw_options) {
    auto option = read(raw, opcode);
    if (!option) {
      if (is_mandatory(raw.code)) return fail(ResultCode::malformed_option);
      continue;
    }
    if (is_repeated(*option, options)) return fail(ResultCode::malformed_option);
    options.push_back(std::move(*option));
  }
  return options;
}

std::size_t size_of(const Options& options) {
  std::size_t size = 0;
  for (const auto& option : options) {
    size += kOptionHeaderSize + padded(data_size(option));
  }
  return size;
}

void write_options(ByteWriter& writer, const Options& options) {
  for (const auto& option : options) {
    std::visit([&](const auto& one) { write_one(writer, one); }, option);
  }
}

}  // namespace postern::pcp
