#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/http.h"
#include "core/result.h"
#include "daemon/asio.h"
#include "daemon/http_connection.h"
#include "daemon/http_listener.h"

namespace postern {

/// Speaks HTTP/1.0 and 1.1 and leaves what to answer to its user: gives a complete request, takes
/// its reply by its token whenever it comes. Everything that a client can make it do is bounded by
/// HttpOptions. It knows nothing of paths; whether the Host header is ours and whether a browser
/// asks (core/http.h) is the user's to check, in HttpCallbacks::on_header or later.
class HttpServer {
 public:
  /// `callbacks` must be callable for as long as the server lives.
  HttpServer(asio::io_context& io, HttpOptions options, HttpCallbacks callbacks);
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;
  /// Ends all connections.
  ~HttpServer();

  /// Listens exactly there from now on: opens what lacks and closes what is not named, but leaves
  /// connections alone. What cannot be opened does not stop the rest; the error is about the last
  /// such one, and another call tries again.
  [[nodiscard]] Result<void, std::string> listen(const std::vector<HttpListenAt>& wanted);
  /// Listens on this one, too, until listen() is called.
  void add(std::shared_ptr<HttpListener> listener);
  /// Where it listens, with the ports that the kernel chose.
  [[nodiscard]] std::vector<Endpoint> endpoints() const;

  /// Sends the reply. Does nothing when the request's connection is gone, or for another token.
  void reply(const HttpReply& reply);

 private:
  void start(HttpListener& listener);
  void take(HttpSocket socket, const HttpConnection::Origin& origin);
  /// For somebody who waits when all places are taken: one that has to wait anyway goes, else the
  /// one that has taken longest for its request, which no honest client does. False: there is room
  /// only once that one has ended, or one whose reply is due. O(n) in the connections.
  [[nodiscard]] bool make_room();
  void resume_listeners();

  asio::io_context& io_;
  std::shared_ptr<HttpShared> shared_;
  std::vector<std::shared_ptr<HttpListener>> listeners_;
};

}  // namespace postern
