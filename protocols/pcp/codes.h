#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

/// The numbers of PCP (RFC 6887).
namespace postern::pcp {

inline constexpr std::uint8_t kVersion = 2;
inline constexpr std::uint16_t kServerPort = 5351;
/// Where announcements go (RFC 6887 §14.1.3). Mapping updates go to where the client asked from.
inline constexpr std::uint16_t kClientPort = 5350;

inline constexpr std::size_t kHeaderSize = 24;
/// Without options.
inline constexpr std::size_t kMapSize = 60;
inline constexpr std::size_t kPeerSize = 80;
/// RFC 6887 §7.
inline constexpr std::size_t kLongestMessage = 1100;
/// Of both families.
inline constexpr std::size_t kAddressSize = 16;

/// Messages, and options in them, end at a multiple of four octets (RFC 6887 §7, §7.3).
[[nodiscard]] constexpr std::size_t padded(std::size_t size) {
  return (size + 3) / 4 * 4;
}

enum class Opcode : std::uint8_t { announce = 0, map = 1, peer = 2 };

/// RFC 6887 §7.4.
enum class ResultCode : std::uint8_t {
  success = 0,
  unsupp_version = 1,
  not_authorized = 2,
  malformed_request = 3,
  unsupp_opcode = 4,
  unsupp_option = 5,
  malformed_option = 6,
  network_failure = 7,
  no_resources = 8,
  unsupp_protocol = 9,
  user_ex_quota = 10,
  cannot_provide_external = 11,
  address_mismatch = 12,
  excessive_remote_peers = 13,
};

[[nodiscard]] constexpr std::string_view to_string(ResultCode result) {
  switch (result) {
    case ResultCode::success:
      return "SUCCESS";
    case ResultCode::unsupp_version:
      return "UNSUPP_VERSION";
    case ResultCode::not_authorized:
      return "NOT_AUTHORIZED";
    case ResultCode::malformed_request:
      return "MALFORMED_REQUEST";
    case ResultCode::unsupp_opcode:
      return "UNSUPP_OPCODE";
    case ResultCode::unsupp_option:
      return "UNSUPP_OPTION";
    case ResultCode::malformed_option:
      return "MALFORMED_OPTION";
    case ResultCode::network_failure:
      return "NETWORK_FAILURE";
    case ResultCode::no_resources:
      return "NO_RESOURCES";
    case ResultCode::unsupp_protocol:
      return "UNSUPP_PROTOCOL";
    case ResultCode::user_ex_quota:
      return "USER_EX_QUOTA";
    case ResultCode::cannot_provide_external:
      return "CANNOT_PROVIDE_EXTERNAL";
    case ResultCode::address_mismatch:
      return "ADDRESS_MISMATCH";
    case ResultCode::excessive_remote_peers:
      return "EXCESSIVE_REMOTE_PEERS";
  }
  return "?";
}

/// How long a client should expect the same error, in seconds (RFC 6887 §7.4): short for what
/// passes by itself. Who knows better gives another, such as the remaining life of a mapping. 0 for
/// success.
[[nodiscard]] constexpr std::uint32_t error_lifetime(ResultCode result) {
  constexpr std::uint32_t kShort = 30;
  constexpr std::uint32_t kLong = 1800;
  switch (result) {
    case ResultCode::success:
      return 0;
    case ResultCode::network_failure:
    case ResultCode::no_resources:
    case ResultCode::user_ex_quota:
    case ResultCode::cannot_provide_external:
      return kShort;
    case ResultCode::unsupp_version:
    case ResultCode::not_authorized:
    case ResultCode::malformed_request:
    case ResultCode::unsupp_opcode:
    case ResultCode::unsupp_option:
    case ResultCode::malformed_option:
    case ResultCode::unsupp_protocol:
    case ResultCode::address_mismatch:
    case ResultCode::excessive_remote_peers:
      return kLong;
  }
  return kLong;
}

}  // namespace postern::pcp
