#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "core/http.h"
#include "core/time.h"
#include "daemon/asio.h"
#include "daemon/http_admission.h"
#include "daemon/http_reader.h"

namespace postern {

class HttpConnection;

/// A connection over TCP or a Unix socket.
using HttpSocket = asio::generic::stream_protocol::socket;

/// How long a connection may take for what.
struct HttpTimes {
  /// From the connection, or the response before, until the header of a request is complete.
  Milliseconds header = Seconds(10);
  /// From the same moment until the response is written; the time for the reply counts, too.
  Milliseconds total = Seconds(30);
  /// From a last response until the client closes.
  Milliseconds linger = Seconds(2);
};

struct HttpOptions {
  HttpSizes sizes;
  HttpTimes times;
  HttpCrowd crowd;
  /// The Server header; "" for none.
  std::string server_name;
  /// Whether a connection may have several requests.
  bool keeps_alive = true;
};

/// Called from the io_context, and no more once the server is gone.
struct HttpCallbacks {
  /// A complete request; its reply may be given at once or later.
  std::function<void(HttpRequest)> on_request;
  /// May refuse a request that has no body and no token yet: the reply goes out and the connection
  /// ends. May be empty.
  std::function<std::optional<HttpReply>(const HttpRequest&)> on_header;
  /// The reply to a request that the server itself refuses with this status. When empty, it is a
  /// line of text.
  std::function<HttpReply(int status)> refusal;
};

/// What a server and its connections share: the io_context may destroy connections later than the
/// server.
struct HttpShared {
  HttpShared(HttpOptions the_options, HttpCallbacks the_callbacks)
      : options(std::move(the_options)),
        callbacks(std::move(the_callbacks)),
        admission(options.crowd) {}

  HttpOptions options;
  HttpCallbacks callbacks;
  HttpAdmission admission;
  /// Called when a connection ended, so that there may be room for another.
  std::function<void()> on_room;
  /// Those that are served.
  std::unordered_set<HttpConnection*> connections;
  /// Those whose request waits for its reply, by its token. They live here meanwhile.
  std::unordered_map<std::uint64_t, std::shared_ptr<HttpConnection>> awaiting_reply;
  std::uint64_t last_token = 0;
  /// Whether the server is still there.
  bool is_open = true;
};

/// One connection: reads a request, waits for the reply, writes it, and so on. Whatever it waits
/// for keeps it alive; its time limit does not.
class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  /// Where it came from.
  struct Origin {
    std::uint32_t interface_index = 0;
    Endpoint client;
    Endpoint server;
    /// See HttpRequest.
    std::optional<std::uint32_t> user = {};
  };

  HttpConnection(HttpSocket socket, const Origin& origin, std::shared_ptr<HttpShared> shared);
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;
  ~HttpConnection();

  /// Begins to read. Until then nothing is read and no time runs.
  void serve();
  /// Only for a connection whose request waits for it.
  void answer(const HttpReply& reply);
  void close();

  /// Since when it has been waited for the request, or it has been served.
  [[nodiscard]] std::chrono::steady_clock::time_point begin() const { return begin_; }
  [[nodiscard]] bool awaits_reply() const { return shared_->awaiting_reply.contains(token_); }

 private:
  void begin_request();
  void close_at(std::chrono::steady_clock::time_point deadline);
  void go_on();
  void receive();
  void on_header();
  void send_continue();
  void hand_over();
  void refuse(int status);
  void write(const HttpReply& reply);
  void on_written();
  void discard();
  void name_origin(HttpRequest& request) const;

  HttpSocket socket_;
  asio::steady_timer timer_;
  Origin origin_;
  std::shared_ptr<HttpShared> shared_;
  HttpReader reader_;
  std::array<char, 4096> input_{};
  std::string output_;
  std::chrono::steady_clock::time_point begin_;
  std::uint64_t token_ = 0;
  std::size_t discarded_ = 0;
  bool is_served_ = false;
  bool has_sent_continue_ = false;
  bool is_head_ = false;
  bool is_http_1_0_ = false;
  bool closes_ = false;
};

}  // namespace postern
