#pragma once

#include <string>

#include "core/result.h"

namespace postern {

/// Held by the one posternd that serves this network namespace, for as long as its process lives.
/// It is an abstract Unix socket's name: the kernel keeps those per network namespace, exactly as
/// it keeps our ports and our firewall table, and takes them back however the process ends.
class InstanceLock {
 public:
  /// The error says that another process holds it, or why it cannot be asked for.
  [[nodiscard]] static Result<InstanceLock, std::string> take();

  InstanceLock(InstanceLock&& other) noexcept;
  InstanceLock& operator=(InstanceLock&&) = delete;
  ~InstanceLock();

 private:
  explicit InstanceLock(int socket) : socket_(socket) {}

  int socket_;
};

}  // namespace postern
