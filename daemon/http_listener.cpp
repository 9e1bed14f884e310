#include "daemon/http_listener.h"

#include <cerrno>
#include <cstring>
#include <utility>

#include <sys/socket.h>

#include "daemon/tcp_endpoint.h"

namespace postern {
namespace {

using asio::ip::tcp;

/// How many connections are accepted before others have their turn.
constexpr int kBatch = 16;
/// How long a lack of descriptors is waited out.
constexpr Milliseconds kShortagePause{500};

using Stream = asio::generic::stream_protocol;

/// Nothing of a Unix socket, which has no address.
[[nodiscard]] Endpoint endpoint_of(const Stream::endpoint& generic) {
  tcp::endpoint endpoint;
  const int family = generic.data()->sa_family;
  if ((family != AF_INET && family != AF_INET6) || generic.size() > endpoint.capacity()) return {};
  std::memcpy(endpoint.data(), generic.data(), generic.size());
  const auto address = endpoint.address();
  if (address.is_v4()) return {Address::v4(address.to_v4().to_bytes()), endpoint.port()};
  return {Address::v6(address.to_v6().to_bytes()), endpoint.port()};
}

/// Who connected to a Unix socket.
[[nodiscard]] std::optional<std::uint32_t> user_of(int socket) {
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) return std::nullopt;
  return peer.uid;
}

}  // namespace

HttpListener::HttpListener(Acceptor acceptor, HttpListenAt at)
    : acceptor_(std::move(acceptor)), pause_(acceptor_.get_executor()), at_(std::move(at)) {}

Result<std::shared_ptr<HttpListener>, std::string> HttpListener::open(asio::io_context& io,
                                                                      const HttpListenAt& at) {
  const auto failed = [&](const std::string& reason) {
    return fail("TCP port " + to_string(at.endpoint) +
                (at.interface.empty() ? "" : " on " + at.interface) + ": " + reason);
  };
  const auto endpoint = tcp_endpoint_of(at.endpoint, at.interface_index);
  boost::system::error_code error;
  tcp::acceptor acceptor(io);
  acceptor.open(endpoint.protocol(), error);
  if (error) return failed(error.message());
  keep_from_children(acceptor.native_handle());
  acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && endpoint.protocol() == tcp::v6()) {
    acceptor.set_option(asio::ip::v6_only(true), error);
  }
  if (error) return failed(error.message());
  // An IPv6 address may still be tentative, as at boot: it will be ours in a second or two.
  const int on = 1;
  if (endpoint.protocol() == tcp::v6() &&
      ::setsockopt(acceptor.native_handle(), IPPROTO_IPV6, IPV6_FREEBIND, &on, sizeof on) != 0) {
    return failed(std::strerror(errno));
  }
  if (!at.interface.empty() &&
      ::setsockopt(acceptor.native_handle(), SOL_SOCKET, SO_BINDTODEVICE, at.interface.c_str(),
                   static_cast<socklen_t>(at.interface.size())) != 0) {
    return failed(std::strerror(errno));
  }
  acceptor.bind(endpoint, error);
  if (error) return failed(error.message());
  acceptor.listen(asio::socket_base::max_listen_connections, error);
  if (error) return failed(error.message());
  acceptor.non_blocking(true, error);
  if (error) return failed(error.message());
  return std::shared_ptr<HttpListener>(new HttpListener(std::move(acceptor), at));
}

std::shared_ptr<HttpListener> HttpListener::over(asio::local::stream_protocol::acceptor acceptor) {
  return std::shared_ptr<HttpListener>(new HttpListener(std::move(acceptor), {}));
}

void HttpListener::start(std::function<bool()> has_room, std::function<bool()> make_room,
                         Accepted accepted) {
  has_room_ = std::move(has_room);
  make_room_ = std::move(make_room);
  accepted_ = std::move(accepted);
  wait();
}

void HttpListener::resume() {
  if (std::exchange(waits_for_room_, false)) wait();
}

Endpoint HttpListener::bound() const {
  boost::system::error_code error;
  const auto endpoint = acceptor_.local_endpoint(error);
  return error ? at_.endpoint : endpoint_of(endpoint);
}

void HttpListener::wait() {
  acceptor_.async_wait(asio::socket_base::wait_read, [weak = weak_from_this()](const auto& error) {
    const auto self = weak.lock();
    if (!error && self) self->accept();
  });
}

void HttpListener::accept() {
  // Somebody waits.
  if (!has_room_() && !make_room_()) {
    waits_for_room_ = true;
    return;
  }
  for (int i = 0; i < kBatch && has_room_(); ++i) {
    if (!accept_one()) return;
  }
  wait();
}

/// Whether there may be another one; if not, this has arranged for when to go on.
bool HttpListener::accept_one() {
  HttpSocket socket(acceptor_.get_executor());
  Stream::endpoint client;
  boost::system::error_code error;
  acceptor_.accept(socket, client, error);
  if (error == asio::error::would_block) {
    wait();
    return false;
  }
  if (error == asio::error::connection_aborted) return true;
  if (error) {
    // Without a free descriptor (EMFILE) the client stays in the queue, and so the port readable.
    pause();
    return false;
  }
  keep_from_children(socket.native_handle());
  const auto server = socket.local_endpoint(error);
  if (error) return true;
  HttpConnection::Origin origin{at_.interface_index, endpoint_of(client), endpoint_of(server)};
  if (server.data()->sa_family == AF_UNIX) {
    origin.user = user_of(socket.native_handle());
  } else {
    // A response is one write; nothing is gained by holding back its last segment.
    socket.set_option(tcp::no_delay(true), error);
  }
  accepted_(std::move(socket), origin);
  return true;
}

void HttpListener::pause() {
  pause_.expires_after(kShortagePause);
  pause_.async_wait([weak = weak_from_this()](const auto& error) {
    const auto self = weak.lock();
    if (!error && self) self->wait();
  });
}

}  // namespace postern
