#pragma once

#include <array>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace postern::test {

/// Listens on a Unix socket and gives the prepared responses, one a connection.
class FakeDaemon {
 public:
  /// "HTTP/1.1 <status> …" with this body.
  [[nodiscard]] static std::string response(int status, const std::string& body) {
    return "HTTP/1.1 " + std::to_string(status) + " Word\r\nContent-Type: application/json\r\n" +
           "content-length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" +
           body;
  }

  explicit FakeDaemon(std::vector<std::string> responses) : responses_(std::move(responses)) {
    directory_ = testing::TempDir() + "ctl_XXXXXX";
    EXPECT_NE(::mkdtemp(directory_.data()), nullptr);
    sockaddr_un at{};
    at.sun_family = AF_UNIX;
    socket_file().copy(at.sun_path, sizeof at.sun_path - 1);
    listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    EXPECT_EQ(::bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at), 0);
    EXPECT_EQ(::listen(listener_, 8), 0);
    thread_ = std::thread([this] { serve(); });
  }
  FakeDaemon(const FakeDaemon&) = delete;
  FakeDaemon& operator=(const FakeDaemon&) = delete;
  ~FakeDaemon() {
    stop();
    std::filesystem::remove_all(directory_);
  }

  [[nodiscard]] const std::string& directory() const { return directory_; }
  [[nodiscard]] std::string socket_file() const { return directory_ + "/control.sock"; }
  /// What came, a whole request each. Nothing is served after this.
  [[nodiscard]] const std::vector<std::string>& requests() {
    stop();
    return requests_;
  }

 private:
  void stop() {
    if (!thread_.joinable()) return;
    // Wakes the one that waits for a connection.
    ::shutdown(listener_, SHUT_RDWR);
    thread_.join();
    ::close(listener_);
  }
  void serve() {
    for (const auto& response : responses_) {
      const int connection = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (connection < 0) return;
      requests_.push_back(receive(connection));
      (void)::send(connection, response.data(), response.size(), MSG_NOSIGNAL);
      ::close(connection);
    }
  }
  [[nodiscard]] static std::string receive(int connection) {
    std::string request;
    std::array<char, 4096> buffer{};
    while (!is_whole(request)) {
      const auto size = ::recv(connection, buffer.data(), buffer.size(), 0);
      if (size <= 0) break;
      request.append(buffer.data(), static_cast<std::size_t>(size));
    }
    return request;
  }
  [[nodiscard]] static bool is_whole(const std::string& request) {
    const std::string name = "Content-Length: ";
    const auto end = request.find("\r\n\r\n");
    const auto length = request.find(name);
    if (end == std::string::npos || length == std::string::npos) return false;
    return request.size() >= end + 4 + std::stoul(request.substr(length + name.size()));
  }

  std::vector<std::string> responses_;
  std::vector<std::string> requests_;
  std::string directory_;
  int listener_ = -1;
  std::thread thread_;
};

}  // namespace postern::test
