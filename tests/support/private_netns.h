#pragma once

#include <cerrno>
#include <optional>
#include <string>
#include <system_error>

#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

namespace postern::test {

/// A network namespace of its own for the calling thread, and for the programs it starts, until the
/// end of this object's life. Needs CAP_SYS_ADMIN.
class PrivateNetns {
 public:
  PrivateNetns() : before_(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC)) {
    if (before_ < 0 || ::unshare(CLONE_NEWNET) != 0) {
      why_not_ = "needs CAP_SYS_ADMIN: a private network namespace was refused: " +
                 std::generic_category().message(errno);
    }
  }
  PrivateNetns(const PrivateNetns&) = delete;
  PrivateNetns& operator=(const PrivateNetns&) = delete;
  ~PrivateNetns() {
    if (before_ < 0) return;
    // What ran in the private one must not run in the machine's own instead.
    if (!why_not_ && ::setns(before_, CLONE_NEWNET) != 0) ::_exit(1);
    ::close(before_);
  }

  /// Why there is none: for GTEST_SKIP.
  [[nodiscard]] const std::optional<std::string>& why_not() const { return why_not_; }

 private:
  int before_;
  std::optional<std::string> why_not_;
};

}  // namespace postern::test
