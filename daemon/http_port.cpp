#include "daemon/http_port.h"

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <utility>

#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

namespace postern {

struct HttpPort::Shared {
  Answer answer;
  std::size_t open_connections = 0;
};

namespace {

namespace beast = boost::beast;
namespace http = beast::http;

using Response = http::response<http::string_body>;

constexpr std::size_t kMostConnections = 4;
constexpr std::uint32_t kHeaderLimit = 8192;
constexpr std::chrono::seconds kTimeLimit{5};
/// How much of what follows the header is read and thrown away.
constexpr std::size_t kMostDiscarded = 65536;
constexpr std::chrono::milliseconds kAcceptPause{500};

[[nodiscard]] Response response_of(http::status status, std::string json) {
  Response response(status, 11);
  response.keep_alive(false);
  response.set(http::field::cache_control, "no-store");
  response.set(http::field::content_type, "application/json");
  response.body() = std::move(json);
  return response;
}

[[nodiscard]] Response respond(const http::request_header<>& request,
                               const HttpPort::Answer& answer) {
  if (request.method() != http::verb::get && request.method() != http::verb::head) {
    auto response = response_of(http::status::method_not_allowed,
                                R"({"error":"only GET and HEAD are answered here"})");
    response.set(http::field::allow, "GET, HEAD");
    return response;
  }
  const std::string target(request.target());
  auto found = answer(target.substr(0, target.find('?')));
  if (found.found) return response_of(http::status::ok, std::move(found.json));
  return response_of(http::status::not_found,
                     R"({"error":"there is nothing at this path; try /api/v1/status"})");
}

/// What to tell a client whose header could not be read; nothing when it is not there to hear it.
[[nodiscard]] std::optional<Response> respond_to(const boost::system::error_code& error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow) {
    return response_of(http::status::request_header_fields_too_large,
                       R"({"error":"the header is longer than 8 KiB"})");
  }
  const bool is_about_http =
      error.category() == http::make_error_code(http::error::bad_version).category();
  if (!is_about_http || error == http::error::end_of_stream ||
      error == http::error::partial_message) {
    return std::nullopt;
  }
  return response_of(http::status::bad_request, R"({"error":"this is not an HTTP/1.1 request"})");
}

/// One connection, which keeps itself alive while it waits for its client.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(asio::ip::tcp::socket socket, std::shared_ptr<HttpPort::Shared> shared)
      : stream_(std::move(socket)), shared_(std::move(shared)) {
    ++shared_->open_connections;
    parser_.header_limit(kHeaderLimit);
    // It is not read, so its length does not matter. (1.74 takes "none" for a limit of 0.)
    parser_.body_limit(std::numeric_limits<std::uint64_t>::max());
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { --shared_->open_connections; }

  void serve() {
    stream_.expires_after(kTimeLimit);
    http::async_read_header(
        stream_, buffer_, parser_,
        [self = shared_from_this()](const auto& error, std::size_t) { self->on_header(error); });
  }

 private:
  void on_header(const boost::system::error_code& error) {
    if (!error) {
      reply(respond(parser_.get(), shared_->answer));
    } else if (auto response = respond_to(error)) {
      reply(std::move(*response));
    }
  }
  void reply(Response response) {
    response_ = std::move(response);
    response_.prepare_payload();
    const auto finish = [self = shared_from_this()](const auto& error, std::size_t) {
      boost::system::error_code ignored;
      self->stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
      if (!error) self->discard();
    };
    if (parser_.get().method() == http::verb::head) {
      head_.emplace(response_);
      http::async_write_header(stream_, *head_, finish);
    } else {
      http::async_write(stream_, response_, finish);
    }
  }
  /// Waits for the client to close. Closing over unread octets would reset the connection, and the
  /// client might never see the answer.
  void discard() {
    stream_.async_read_some(asio::buffer(discarded_),
                            [self = shared_from_this()](const auto& error, std::size_t size) {
                              self->discarded_size_ += size;
                              if (error || self->discarded_size_ > kMostDiscarded) return;
                              self->discard();
                            });
  }

  beast::tcp_stream stream_;
  std::shared_ptr<HttpPort::Shared> shared_;
  beast::flat_buffer buffer_{kHeaderLimit};
  http::request_parser<http::empty_body> parser_;
  Response response_;
  std::optional<http::response_serializer<http::string_body>> head_;
  std::array<char, 4096> discarded_{};
  std::size_t discarded_size_ = 0;
};

}  // namespace

HttpPort::HttpPort(asio::io_context& io, Answer answer)
    : acceptor_(io), pause_(io), shared_(std::make_shared<Shared>(Shared{std::move(answer)})) {}

Result<void, std::string> HttpPort::listen(const Endpoint& endpoint) {
  using asio::ip::tcp;
  boost::system::error_code error;
  const auto failed = [&](const std::string& reason) {
    return fail("status port " + to_string(endpoint) + ": " + reason);
  };
  acceptor_.open(tcp::v4(), error);
  if (error) return failed(error.message());
  keep_from_children(acceptor_.native_handle());
  acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
  acceptor_.bind({asio::ip::address_v4(endpoint.address.v4_value()), endpoint.port}, error);
  if (error) return failed(error.message());
  acceptor_.listen(asio::socket_base::max_listen_connections, error);
  if (error) return failed(error.message());
  accept();
  return {};
}

void HttpPort::accept() {
  acceptor_.async_accept([this](const auto& error, asio::ip::tcp::socket socket) {
    if (error == asio::error::operation_aborted) return;
    if (error) {
      pause();
      return;
    }
    keep_from_children(socket.native_handle());
    if (shared_->open_connections < kMostConnections) {
      std::make_shared<Connection>(std::move(socket), shared_)->serve();
    }
    accept();
  });
}

void HttpPort::pause() {
  // Without a free descriptor (EMFILE) the client stays in the queue, and so the port readable.
  pause_.expires_after(kAcceptPause);
  pause_.async_wait([this](const auto& error) {
    if (!error) accept();
  });
}

}  // namespace postern
