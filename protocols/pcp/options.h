#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "core/address.h"
#include "core/bytes.h"
#include "core/remote_filter.h"
#include "core/result.h"
#include "protocols/pcp/codes.h"

/// The options of PCP requests and responses, between octets and values.
namespace postern::pcp {

/// The mapping is for another host (RFC 6887 §13.1).
struct ThirdParty {
  Address internal;

  friend bool operator==(const ThirdParty&, const ThirdParty&) = default;
};

/// Only the suggested external endpoint will do (RFC 6887 §13.2).
struct PreferFailure {
  friend bool operator==(const PreferFailure&, const PreferFailure&) = default;
};

/// Only these remote peers may use the mapping (RFC 6887 §13.3).
struct Filter {
  /// As on the wire, in bits of 128: 96 to 128 for IPv4. 0 removes all earlier filters.
  unsigned prefix_length = 0;
  /// 0 stands for all ports.
  std::uint16_t port = 0;
  Address remote;

  /// As it would stand in a request.
  [[nodiscard]] static Filter of(const RemoteFilter& peers);

  [[nodiscard]] bool removes_all() const { return prefix_length == 0; }
  /// Whether the length fits the family of the address.
  [[nodiscard]] bool has_valid_length() const;
  /// Whom it names. Only with a valid length and unless it removes all.
  [[nodiscard]] RemoteFilter peers() const;

  friend bool operator==(const Filter&, const Filter&) = default;
};

/// What the mapping is for, in the client's words (RFC 7220). Empty erases an earlier one.
struct Description {
  /// UTF-8 without NUL. At most kLongestDescription octets when read.
  std::string text;

  friend bool operator==(const Description&, const Description&) = default;
};

/// In octets. Longer ones are cut at a character (RFC 7220 §3 asks for at least this much).
inline constexpr std::size_t kLongestDescription = 128;

using Option = std::variant<ThirdParty, PreferFailure, Filter, Description>;
/// In the order of the packet, which is the order to process them in (RFC 6887 §7.3).
using Options = std::vector<Option>;

/// The first option of that kind, or null. Only a Filter may come more than once.
template <class Kind>
[[nodiscard]] const Kind* find_option(const Options& options) {
  for (const auto& option : options) {
    if (const auto* found = std::get_if<Kind>(&option)) return found;
  }
  return nullptr;
}

/// Reads the options of a message, which are all that follows its body. The error is, of several:
///   1. malformed_option: the octets do not divide into options;
///   2. unsupp_option: one must be understood (code below 128) and is not known here;
///   3. malformed_option: one that must be understood has a wrong length or no business in this
///      opcode, or one that may stand once is there twice.
/// An option that need not be understood (code from 128) is left out when it is unknown, malformed
/// or out of place; only a second good Description is an error (§7.3). PreferFailure in PEER is let
/// through, for it makes the whole request malformed, not the option (§12.1). So are contents that
/// clash with the rest of the request.
[[nodiscard]] Result<Options, ResultCode> parse_options(Bytes octets, Opcode opcode);

/// In octets, with padding.
[[nodiscard]] std::size_t size_of(const Options& options);
void write_options(ByteWriter& writer, const Options& options);

}  // namespace postern::pcp
