#include "daemon/instance_lock.h"

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <utility>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "host/instance_name.h"

namespace postern {

Result<InstanceLock, std::string> InstanceLock::take() {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  // The first octet stays 0, which makes the name abstract (unix(7)).
  std::copy(host::kInstanceName.begin(), host::kInstanceName.end(), address.sun_path + 1);
  constexpr auto kLength =
      static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + host::kInstanceName.size());

  InstanceLock lock(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const bool is_taken =
      lock.socket_ >= 0 &&
      ::bind(lock.socket_, reinterpret_cast<const sockaddr*>(&address), kLength) == 0;
  if (is_taken) return lock;
  if (errno == EADDRINUSE) {
    return fail(std::string("another posternd serves this network namespace"));
  }
  return fail(std::string("taking the instance lock: ") + std::strerror(errno));
}

InstanceLock::InstanceLock(InstanceLock&& other) noexcept
    : socket_(std::exchange(other.socket_, -1)) {}

InstanceLock::~InstanceLock() {
  if (socket_ >= 0) ::close(socket_);
}

}  // namespace postern
