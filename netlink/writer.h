#pragma once

#include <cstdint>
#include <functional>

namespace postern::netlink {

/// A socket through which we change the rules, for those who tell our changes from others'.
struct Writer {
  /// Socket::port_id().
  std::uint32_t port_id = 0;
  /// Socket::commits(), as it is at the time of the call.
  std::function<std::uint32_t()> commits;
};

}  // namespace postern::netlink
