#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include <netinet/in.h>
#include <unistd.h>

namespace postern::bench {

/// Owns a file descriptor.
class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Fd() {
    if (fd_ >= 0) ::close(fd_);
  }

  [[nodiscard]] int get() const { return fd_; }

 private:
  int fd_;
};

/// The programs of this directory end at the first thing that goes wrong with the system: their
/// functions throw std::system_error, and main() prints it.
[[noreturn]] void throw_errno(const char* what);

/// Reads a whole decimal number of at most `highest`.
[[nodiscard]] std::optional<std::uint64_t> parse_number(std::string_view text,
                                                        std::uint64_t highest);

/// An IPv4 address in its text form, with a port. Nothing when the text is no address.
[[nodiscard]] std::optional<sockaddr_in> ipv4_endpoint(const char* address, std::uint16_t port);

/// A blocking UDP socket.
[[nodiscard]] Fd udp_socket();

}  // namespace postern::bench
