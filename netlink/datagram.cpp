#include "netlink/datagram.h"

#include <cerrno>
#include <cstddef>

#include <sys/socket.h>
#include <sys/uio.h>

namespace postern::netlink {

Result<std::span<const std::uint8_t>, int> receive(int descriptor, std::span<std::uint8_t> buffer) {
  while (true) {
    sockaddr_nl sender{};
    iovec part{buffer.data(), buffer.size()};
    msghdr header{};
    header.msg_name = &sender;
    header.msg_namelen = sizeof sender;
    header.msg_iov = &part;
    header.msg_iovlen = 1;
    const auto size = ::recvmsg(descriptor, &header, 0);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return fail(errno);
    if (sender.nl_pid != 0) continue;
    if ((header.msg_flags & MSG_TRUNC) != 0) return fail(EMSGSIZE);
    return buffer.first(static_cast<std::size_t>(size));
  }
}

}  // namespace postern::netlink
