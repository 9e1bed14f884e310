#pragma once

#include <cstdint>
#include <span>

#include "core/result.h"
#include "netlink/headers.h"

namespace postern::netlink {

/// Reads one datagram of the kernel's into `buffer`; those of other senders are passed over, for
/// only the kernel speaks for the kernel. The error is an errno value: EMSGSIZE when the datagram
/// is larger than the buffer (it is gone then), ENOBUFS when the kernel dropped others before it.
[[nodiscard]] Result<std::span<const std::uint8_t>, int> receive(int descriptor,
                                                                 std::span<std::uint8_t> buffer);

/// Walks the messages of one datagram until `visit` says stop (false).
template <class Visit>
void for_each_message(std::span<const std::uint8_t> datagram, Visit visit) {
  int left = static_cast<int>(datagram.size());
  const auto* message = reinterpret_cast<const nlmsghdr*>(datagram.data());
  while (mnl_nlmsg_ok(message, left) && visit(message)) message = mnl_nlmsg_next(message, &left);
}

}  // namespace postern::netlink
