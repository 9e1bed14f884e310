#include "ctl/daemon_client.h"

#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "core/text.h"

namespace postern::ctl {
namespace {

constexpr timeval kPatience{10, 0};
/// A page of mappings is half a megabyte.
constexpr std::size_t kMostOctets = 64U << 20U;

/// An open descriptor, closed at the end of its life.
class Socket {
 public:
  Socket() : descriptor_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  [[nodiscard]] int descriptor() const { return descriptor_; }
  [[nodiscard]] bool limit_waiting() const {
    return ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &kPatience, sizeof kPatience) == 0 &&
           ::setsockopt(descriptor_, SOL_SOCKET, SO_SNDTIMEO, &kPatience, sizeof kPatience) == 0;
  }

 private:
  int descriptor_;
};

[[nodiscard]] NoReply unreachable(const std::string& socket, int error) {
  const std::string at = " (" + socket + ": " + std::strerror(error) + ")";
  switch (error) {
    case ENOENT:
    case ECONNREFUSED:
      return {ExitCode::failure, "posternd does not run, or has another runtime_dir" + at};
    case EACCES:
    case EPERM:
      return {ExitCode::no_privilege, "only root and posternd's own user may ask it" + at};
    case EAGAIN:
      return {ExitCode::failure, "posternd does not answer" + at};
    default:
      return {ExitCode::failure, "posternd cannot be asked" + at};
  }
}

[[nodiscard]] bool send_all(int socket, std::string_view octets) {
  while (!octets.empty()) {
    const auto sent = ::send(socket, octets.data(), octets.size(), MSG_NOSIGNAL);
    if (sent < 0) return false;
    octets.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

/// Until the daemon closes; false when it failed first.
[[nodiscard]] bool receive_all(int socket, std::string& octets) {
  std::array<char, 65536> buffer{};
  while (octets.size() < kMostOctets) {
    const auto size = ::recv(socket, buffer.data(), buffer.size(), 0);
    if (size < 0) return false;
    if (size == 0) return true;
    octets.append(buffer.data(), static_cast<std::size_t>(size));
  }
  errno = EMSGSIZE;
  return false;
}

template <class Number>
[[nodiscard]] std::optional<Number> number_of(std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// Of the header, whose lines end with CR LF.
[[nodiscard]] std::optional<std::size_t> content_length(std::string_view header) {
  constexpr std::string_view kName = "Content-Length: ";
  while (!header.empty()) {
    const auto end = std::min(header.find("\r\n"), header.size());
    const auto line = header.substr(0, end);
    if (equals_ignoring_case(line.substr(0, kName.size()), kName)) {
      return number_of<std::size_t>(line.substr(kName.size()));
    }
    header.remove_prefix(std::min(end + 2, header.size()));
  }
  return std::nullopt;
}

}  // namespace

std::optional<DaemonReply> parse_response(std::string_view octets) {
  constexpr std::string_view kVersion = "HTTP/1.1 ";
  constexpr std::string_view kEnd = "\r\n\r\n";
  const auto end = octets.find(kEnd);
  if (!octets.starts_with(kVersion) || end == std::string_view::npos) return std::nullopt;
  const auto status = number_of<int>(octets.substr(kVersion.size(), 3));
  const auto body = octets.substr(end + kEnd.size());
  if (!status || content_length(octets.substr(0, end)) != body.size()) return std::nullopt;
  return DaemonReply{*status, std::string(body)};
}

Result<DaemonReply, NoReply> ask_daemon(const std::string& socket, std::string_view method,
                                        std::string_view target, std::string_view body) {
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  if (socket.size() >= sizeof at.sun_path) return fail(unreachable(socket, ENAMETOOLONG));
  socket.copy(at.sun_path, socket.size());
  const Socket connection;
  if (connection.descriptor() < 0 || !connection.limit_waiting() ||
      ::connect(connection.descriptor(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) {
    return fail(unreachable(socket, errno));
  }
  std::string request(method);
  request.append(" ").append(target).append(" HTTP/1.1\r\nHost: localhost\r\nContent-Length: ");
  request.append(std::to_string(body.size())).append("\r\n\r\n").append(body);
  std::string response;
  // A daemon that refuses a request may not read all of it, but still says why.
  const bool is_sent = send_all(connection.descriptor(), request) || errno == EPIPE;
  if (!is_sent || !receive_all(connection.descriptor(), response)) {
    return fail(unreachable(socket, errno));
  }
  if (response.empty()) {
    return fail(NoReply{ExitCode::failure, "posternd ended the connection without an answer (" +
                                               socket +
                                               "); whether it was done, posternctl list tells"});
  }
  if (auto reply = parse_response(response)) return *reply;
  return fail(NoReply{ExitCode::failure, socket + ": what answers there is not posternd"});
}

}  // namespace postern::ctl
