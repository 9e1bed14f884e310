#pragma once

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "core/bytes.h"
#include "tests/support/octets.h"

namespace postern::test {

/// A network interface of the calling thread's namespace whose other end is this object: what is
/// written here arrives there, and what leaves there can be read here. Gone with this object.
class TunDevice {
 public:
  explicit TunDevice(const std::string& name) : tun_(::open("/dev/net/tun", O_RDWR | O_CLOEXEC)) {
    ifreq request{};
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    std::copy_n(name.begin(), std::min<std::size_t>(name.size(), IFNAMSIZ - 1), request.ifr_name);
    if (tun_ < 0 || ::ioctl(tun_, TUNSETIFF, &request) != 0) {
      why_not_ = "needs /dev/net/tun: " + std::generic_category().message(errno);
    }
  }
  TunDevice(const TunDevice&) = delete;
  TunDevice& operator=(const TunDevice&) = delete;
  ~TunDevice() {
    if (tun_ >= 0) ::close(tun_);
  }

  /// Why there is none: for GTEST_SKIP.
  [[nodiscard]] const std::optional<std::string>& why_not() const { return why_not_; }

  [[nodiscard]] bool write(const Octets& packet) const {
    return ::write(tun_, packet.data(), packet.size()) == static_cast<ssize_t>(packet.size());
  }

  /// Whether this packet leaves the interface within two seconds; others are passed over.
  [[nodiscard]] bool gives(const Octets& packet) const {
    pollfd waiting{tun_, POLLIN, 0};
    while (::poll(&waiting, 1, 2000) == 1) {
      Octets read(2048);
      const auto size = ::read(tun_, read.data(), read.size());
      if (size < 0) return false;
      read.resize(static_cast<std::size_t>(size));
      if (read == packet) return true;
    }
    return false;
  }

 private:
  int tun_;
  std::optional<std::string> why_not_;
};

}  // namespace postern::test
