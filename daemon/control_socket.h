#pragma once

#include <string>

#include "core/result.h"
#include "daemon/asio.h"

namespace postern {

/// The file control.sock in the runtime directory while this daemon has it. Only our own user (and
/// root) can connect to it. Whoever has a directory holds a lock on it, so a file that is found
/// there was left by a daemon that died.
class ControlSocket {
 public:
  /// Makes the directory (mode 0755) if it is not there, and the socket, which listens. The error
  /// says what failed and why, among others that another daemon has it.
  [[nodiscard]] static Result<ControlSocket, std::string> open(asio::io_context& io,
                                                               const std::string& directory);
  ControlSocket(ControlSocket&& other) noexcept;
  ControlSocket& operator=(ControlSocket&&) = delete;
  /// Removes the file, and the directory if open() made it and nothing else is in it.
  ~ControlSocket();

  /// Never blocks. Once.
  [[nodiscard]] asio::local::stream_protocol::acceptor take_acceptor() {
    return std::move(acceptor_);
  }

 private:
  ControlSocket(asio::io_context& io, std::string directory);

  [[nodiscard]] Result<void, std::string> lock_directory();
  [[nodiscard]] Result<void, std::string> remove_stale_file() const;
  [[nodiscard]] Result<void, std::string> listen();

  std::string directory_;
  std::string file_;
  asio::local::stream_protocol::acceptor acceptor_;
  /// The directory, locked; -1: not ours.
  int lock_ = -1;
  bool has_made_directory_ = false;
  bool has_made_file_ = false;
};

}  // namespace postern
