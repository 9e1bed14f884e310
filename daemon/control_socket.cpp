#include "daemon/control_socket.h"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace postern {
namespace {

using asio::local::stream_protocol;

constexpr mode_t kDirectoryMode = 0755;
constexpr mode_t kSocketMode = 0600;

[[nodiscard]] std::string reason() {
  return std::strerror(errno);
}

}  // namespace

ControlSocket::ControlSocket(asio::io_context& io, std::string directory)
    : directory_(std::move(directory)), file_(directory_ + "/control.sock"), acceptor_(io) {}

ControlSocket::ControlSocket(ControlSocket&& other) noexcept
    : directory_(std::move(other.directory_)),
      file_(std::move(other.file_)),
      acceptor_(std::move(other.acceptor_)),
      lock_(std::exchange(other.lock_, -1)),
      has_made_directory_(std::exchange(other.has_made_directory_, false)),
      has_made_file_(std::exchange(other.has_made_file_, false)) {}

ControlSocket::~ControlSocket() {
  if (has_made_file_) ::unlink(file_.c_str());
  if (has_made_directory_) ::rmdir(directory_.c_str());
  if (lock_ >= 0) ::close(lock_);
}

Result<ControlSocket, std::string> ControlSocket::open(asio::io_context& io,
                                                       const std::string& directory) {
  ControlSocket socket(io, directory);
  auto opened = socket.lock_directory();
  if (opened) opened = socket.remove_stale_file();
  if (opened) opened = socket.listen();
  if (!opened) return fail(std::move(opened.error()));
  return socket;
}

Result<void, std::string> ControlSocket::lock_directory() {
  std::error_code error;
  has_made_directory_ = std::filesystem::create_directories(directory_, error);
  if (error) return fail(directory_ + ": " + error.message());
  lock_ = ::open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  // Whatever our umask is, programs of other users may look for the socket.
  if (lock_ < 0 || (has_made_directory_ && ::fchmod(lock_, kDirectoryMode) != 0)) {
    return fail(directory_ + ": " + reason());
  }
  if (::flock(lock_, LOCK_EX | LOCK_NB) == 0) return {};
  has_made_directory_ = false;
  return fail(errno == EWOULDBLOCK ? directory_ + " is another posternd's; set runtime_dir"
                                   : directory_ + ": " + reason());
}

Result<void, std::string> ControlSocket::remove_stale_file() const {
  struct stat found {};
  if (::lstat(file_.c_str(), &found) != 0) {
    if (errno == ENOENT) return {};
    return fail(file_ + ": " + reason());
  }
  if (!S_ISSOCK(found.st_mode)) return fail(file_ + " is there and is no socket");
  if (::unlink(file_.c_str()) != 0) return fail(file_ + ": " + reason());
  return {};
}

Result<void, std::string> ControlSocket::listen() {
  if (file_.size() >= sizeof(sockaddr_un::sun_path)) {
    return fail(file_ + " is too long for the name of a socket; set runtime_dir");
  }
  const auto failed = [&](const std::string& why) { return fail(file_ + ": " + why); };
  boost::system::error_code error;
  acceptor_.open(stream_protocol(), error);
  if (error) return failed(error.message());
  keep_from_children(acceptor_.native_handle());
  // The file gets the mode of the socket, so that nobody else can connect before a chmod.
  if (::fchmod(acceptor_.native_handle(), kSocketMode) != 0) return failed(reason());
  acceptor_.bind(stream_protocol::endpoint(file_), error);
  if (error) return failed(error.message());
  has_made_file_ = true;
  acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) return failed(error.message());
  acceptor_.non_blocking(true, error);
  if (error) return failed(error.message());
  return {};
}

}  // namespace postern
