#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/endpoint.h"
#include "core/result.h"
#include "daemon/asio.h"
#include "daemon/http_connection.h"

namespace postern {

/// Where a server listens.
struct HttpListenAt {
  /// A local address; port 0 lets the kernel choose.
  Endpoint endpoint;
  /// Only connections that come in on it are accepted; "" for any.
  std::string interface;
  /// Of that interface, for requests and for addresses of the link; 0 without one.
  std::uint32_t interface_index = 0;

  friend bool operator==(const HttpListenAt&, const HttpListenAt&) = default;
};

/// A socket that accepts connections while its server has room for them. Those that it has no room
/// for stay in the kernel's queue.
class HttpListener : public std::enable_shared_from_this<HttpListener> {
 public:
  using Accepted = std::function<void(HttpSocket, const HttpConnection::Origin&)>;

  /// Binds and listens; accepts nothing yet.
  [[nodiscard]] static Result<std::shared_ptr<HttpListener>, std::string> open(
      asio::io_context& io, const HttpListenAt& at);
  /// Takes a Unix socket that listens already and never blocks.
  [[nodiscard]] static std::shared_ptr<HttpListener> over(
      asio::local::stream_protocol::acceptor acceptor);

  /// Accepts for as long as `has_room` says so and this object lives. When there is none, but
  /// somebody waits, `make_room` is asked for some; when it cannot, or not at once, resume() is to
  /// be called later. The functions are called until this object is gone.
  void start(std::function<bool()> has_room, std::function<bool()> make_room, Accepted accepted);
  /// Goes on after there was no room.
  void resume();

  [[nodiscard]] const HttpListenAt& at() const { return at_; }
  /// With the port that the kernel chose.
  [[nodiscard]] Endpoint bound() const;

 private:
  using Acceptor = asio::basic_socket_acceptor<asio::generic::stream_protocol>;

  HttpListener(Acceptor acceptor, HttpListenAt at);

  void wait();
  void accept();
  void pause();
  [[nodiscard]] bool accept_one();

  Acceptor acceptor_;
  asio::steady_timer pause_;
  HttpListenAt at_;
  std::function<bool()> has_room_;
  std::function<bool()> make_room_;
  Accepted accepted_;
  bool waits_for_room_ = false;
};

}  // namespace postern
