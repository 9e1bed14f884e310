#pragma once

#include <algorithm>
#include <array>
#include <cerrno>
#include <string>
#include <string_view>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/endpoint.h"
#include "tests/support/tcp_segments.h"

namespace postern::test {

/// A client of an HTTP server on loopback or a Unix socket that never waits for it: what is not
/// there yet comes later.
class HttpClient {
 public:
  /// Connects from `source`, which is of the server's family. It waits for the kernel alone, which
  /// takes the connection before the server does.
  HttpClient(const Endpoint& server, const Address& source)
      : socket_(
            ::socket(server.address.is_v4() ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_storage from{};
    sockaddr_storage to{};
    const auto from_size = put({source, 0}, from);
    const auto to_size = put(server, to);
    is_open_ = ::bind(socket_, reinterpret_cast<sockaddr*>(&from), from_size) == 0 &&
               ::connect(socket_, reinterpret_cast<sockaddr*>(&to), to_size) == 0 &&
               ::fcntl(socket_, F_SETFL, O_NONBLOCK) == 0;
  }
  /// Connects to a Unix socket.
  explicit HttpClient(const std::string& file)
      : socket_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un to{};
    to.sun_family = AF_UNIX;
    file.copy(to.sun_path, sizeof to.sun_path - 1);
    is_open_ = ::connect(socket_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0;
  }
  HttpClient(HttpClient&& other) noexcept
      : socket_(std::exchange(other.socket_, -1)),
        is_open_(other.is_open_),
        received_(std::move(other.received_)),
        unsent_(std::move(other.unsent_)) {}
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;
  ~HttpClient() { close(); }

  /// False when the connection is gone. What the kernel does not take now is sent with the next
  /// call of any function.
  bool send(std::string_view octets) {
    unsent_ += octets;
    return flush();
  }
  /// Everything that has come so far.
  const std::string& received() {
    (void)flush();
    std::array<char, 65536> buffer{};
    while (is_open_) {
      const auto size = ::recv(socket_, buffer.data(), buffer.size(), 0);
      if (size > 0) {
        received_.append(buffer.data(), static_cast<std::size_t>(size));
      } else if (size == 0) {
        is_open_ = false;
      } else if (errno == EAGAIN) {
        break;
      } else {
        is_open_ = false;
        is_reset_ = true;
      }
    }
    return received_;
  }
  void forget() { received_.clear(); }
  /// Whether the server ended its side, in whatever way.
  bool is_ended() {
    (void)received();
    return !is_open_;
  }
  /// Whether it was by a reset or a refusal.
  bool is_reset() {
    (void)received();
    return is_reset_;
  }
  /// How many TCP segments with data have come.
  [[nodiscard]] unsigned data_segments() const { return received_data_segments(socket_); }
  /// Ends the client's own side alone.
  void shut_down() { ::shutdown(socket_, SHUT_WR); }
  void close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
    is_open_ = false;
  }

 private:
  bool flush() {
    if (unsent_.empty()) return true;
    const auto sent = ::send(socket_, unsent_.data(), unsent_.size(), MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN;
    unsent_.erase(0, static_cast<std::size_t>(sent));
    return true;
  }
  static socklen_t put(const Endpoint& endpoint, sockaddr_storage& storage) {
    if (endpoint.address.is_v4()) {
      auto& v4 = reinterpret_cast<sockaddr_in&>(storage);
      v4.sin_family = AF_INET;
      v4.sin_port = htons(endpoint.port);
      v4.sin_addr.s_addr = htonl(endpoint.address.v4_value());
      return sizeof v4;
    }
    auto& v6 = reinterpret_cast<sockaddr_in6&>(storage);
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(endpoint.port);
    std::copy(endpoint.address.octets().begin(), endpoint.address.octets().end(),
              v6.sin6_addr.s6_addr);
    return sizeof v6;
  }

  int socket_;
  bool is_open_ = false;
  bool is_reset_ = false;
  std::string received_;
  std::string unsent_;
};

}  // namespace postern::test
