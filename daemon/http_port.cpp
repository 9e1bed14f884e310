#include "daemon/http_port.h"

#include <memory>

#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

namespace postern {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;

constexpr std::size_t kMostConnections = 16;
constexpr std::uint32_t kHeaderLimit = 8192;
constexpr std::chrono::seconds kTimeLimit{5};

[[nodiscard]] http::response<http::string_body> respond(const http::request_header<>& request,
                                                        const HttpPort::Answer& answer) {
  http::response<http::string_body> response;
  response.version(11);
  response.keep_alive(false);
  response.set(http::field::cache_control, "no-store");
  response.set(http::field::content_type, "application/json");
  if (request.method() != http::verb::get && request.method() != http::verb::head) {
    response.result(http::status::method_not_allowed);
    response.set(http::field::allow, "GET, HEAD");
    response.body() = R"({"error":"only GET and HEAD are answered here"})";
    return response;
  }
  const std::string target(request.target());
  auto found = answer(target.substr(0, target.find('?')));
  if (found.found) {
    response.body() = std::move(found.json);
  } else {
    response.result(http::status::not_found);
    response.body() = R"({"error":"there is nothing at this path; try /api/v1/status"})";
  }
  return response;
}

/// One connection, which keeps itself alive while it waits for its client.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(asio::ip::tcp::socket socket, const HttpPort::Answer& answer,
             std::size_t& open_connections)
      : stream_(std::move(socket)), answer_(answer), open_connections_(open_connections) {
    ++open_connections_;
    parser_.header_limit(kHeaderLimit);
    parser_.body_limit(0);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { --open_connections_; }

  void serve() {
    stream_.expires_after(kTimeLimit);
    http::async_read_header(stream_, buffer_, parser_,
                            [self = shared_from_this()](const auto& error, std::size_t) {
                              if (!error) self->reply();
                            });
  }

 private:
  void reply() {
    response_ = respond(parser_.get(), answer_);
    response_.prepare_payload();
    if (parser_.get().method() == http::verb::head) {
      head_.emplace(response_);
      http::async_write_header(stream_, *head_, finish());
    } else {
      http::async_write(stream_, response_, finish());
    }
  }
  [[nodiscard]] std::function<void(const boost::system::error_code&, std::size_t)> finish() {
    return [self = shared_from_this()](const auto&, std::size_t) {
      boost::system::error_code ignored;
      self->stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
    };
  }

  beast::tcp_stream stream_;
  const HttpPort::Answer& answer_;
  std::size_t& open_connections_;
  beast::flat_buffer buffer_{kHeaderLimit};
  http::request_parser<http::empty_body> parser_;
  http::response<http::string_body> response_;
  std::optional<http::response_serializer<http::string_body>> head_;
};

}  // namespace

Result<void, std::string> HttpPort::listen(const Endpoint& endpoint) {
  using asio::ip::tcp;
  boost::system::error_code error;
  const auto failed = [&](const std::string& reason) {
    return fail("status port " + to_string(endpoint) + ": " + reason);
  };
  acceptor_.open(tcp::v4(), error);
  if (error) return failed(error.message());
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
    if (!error && open_connections_ < kMostConnections) {
      std::make_shared<Connection>(std::move(socket), answer_, open_connections_)->serve();
    }
    accept();
  });
}

}  // namespace postern
