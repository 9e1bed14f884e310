#include "daemon/http_connection.h"

#include <ctime>
#include <utility>

#include "daemon/http_response.h"

namespace postern {
namespace {

/// How much of what follows a refused request is read and thrown away.
constexpr std::size_t kMostDiscarded = 262144;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

[[nodiscard]] HttpReply plain_refusal(int status) {
  HttpReply reply;
  reply.status = status;
  reply.headers = {{"Content-Type", "text/plain"}};
  reply.body = status_text(status) + "\n";
  return reply;
}

}  // namespace

HttpConnection::HttpConnection(HttpSocket socket, const Origin& origin,
                               std::shared_ptr<HttpShared> shared)
    : socket_(std::move(socket)),
      timer_(socket_.get_executor()),
      origin_(origin),
      shared_(std::move(shared)),
      reader_(shared_->options.sizes) {}

HttpConnection::~HttpConnection() {
  if (!is_served_) return;
  shared_->connections.erase(this);
  if (!shared_->is_open) return;
  // Before another one takes the place.
  boost::system::error_code ignored;
  socket_.close(ignored);
  shared_->admission.leave(origin_.client.address);
  shared_->on_room();
}

void HttpConnection::serve() {
  is_served_ = true;
  shared_->connections.insert(this);
  begin_request();
  go_on();
}

void HttpConnection::close() {
  boost::system::error_code ignored;
  socket_.close(ignored);
  timer_.cancel();
  // What waits in the map may have nobody else who keeps it alive.
  const auto self = shared_from_this();
  shared_->awaiting_reply.erase(token_);
}

void HttpConnection::begin_request() {
  begin_ = std::chrono::steady_clock::now();
  has_sent_continue_ = false;
  is_head_ = false;
  is_http_1_0_ = false;
  close_at(begin_ + shared_->options.times.header);
}

void HttpConnection::close_at(std::chrono::steady_clock::time_point deadline) {
  timer_.expires_at(deadline);
  timer_.async_wait([weak = weak_from_this()](const auto& error) {
    const auto self = weak.lock();
    if (error || !self) return;
    // It may have been set anew while this call was already on its way.
    if (self->timer_.expiry() <= std::chrono::steady_clock::now()) self->close();
  });
}

void HttpConnection::go_on() {
  switch (reader_.read()) {
    case HttpReader::Progress::needs_more:
      if (reader_.awaits_continue() && !has_sent_continue_) return send_continue();
      return receive();
    case HttpReader::Progress::has_header:
      return on_header();
    case HttpReader::Progress::is_complete:
      return hand_over();
    case HttpReader::Progress::is_refused:
      return refuse(reader_.refusal());
  }
}

void HttpConnection::receive() {
  socket_.async_read_some(asio::buffer(input_),
                          [self = shared_from_this()](const auto& error, std::size_t size) {
                            if (error || !self->shared_->is_open) return self->close();
                            self->reader_.add({self->input_.data(), size});
                            self->go_on();
                          });
}

void HttpConnection::on_header() {
  close_at(begin_ + shared_->options.times.total);
  auto& request = reader_.request();
  is_head_ = request.method == "HEAD";
  is_http_1_0_ = request.is_http_1_0;
  name_origin(request);
  if (shared_->callbacks.on_header) {
    if (const auto refusal = shared_->callbacks.on_header(request)) {
      closes_ = true;
      return write(*refusal);
    }
  }
  go_on();
}

void HttpConnection::name_origin(HttpRequest& request) const {
  request.interface_index = origin_.interface_index;
  request.client = origin_.client;
  request.server = origin_.server;
  request.user = origin_.user;
}

void HttpConnection::send_continue() {
  has_sent_continue_ = true;
  asio::async_write(socket_, asio::buffer(kContinue),
                    [self = shared_from_this()](const auto& error, std::size_t) {
                      if (error || !self->shared_->is_open) return self->close();
                      self->receive();
                    });
}

void HttpConnection::hand_over() {
  token_ = ++shared_->last_token;
  auto request = std::move(reader_.request());
  request.token = token_;
  // A client that goes away now is noticed when the reply is written, or by the time limit: one
  // that has only ended its own side (shutdown) still wants its reply.
  shared_->awaiting_reply.emplace(token_, shared_from_this());
  shared_->callbacks.on_request(std::move(request));
}

void HttpConnection::answer(const HttpReply& reply) {
  const auto& options = shared_->options;
  closes_ = !options.keeps_alive || !reader_.keeps_alive() ||
            !shared_->admission.may_idle(origin_.client.address);
  write(reply);
}

void HttpConnection::refuse(int status) {
  closes_ = true;
  const auto& refusal = shared_->callbacks.refusal;
  write(refusal ? refusal(status) : plain_refusal(status));
}

void HttpConnection::write(const HttpReply& reply) {
  output_ = octets_of(
      reply, {shared_->options.server_name, std::time(nullptr), is_head_, closes_, is_http_1_0_});
  asio::async_write(socket_, asio::buffer(output_),
                    [self = shared_from_this()](const auto& error, std::size_t) {
                      if (error || !self->shared_->is_open) return self->close();
                      self->on_written();
                    });
}

void HttpConnection::on_written() {
  // With its memory: what was long once need not be so again.
  output_ = std::string();
  if (closes_) {
    boost::system::error_code ignored;
    socket_.shutdown(asio::socket_base::shutdown_send, ignored);
    close_at(std::chrono::steady_clock::now() + shared_->options.times.linger);
    return discard();
  }
  reader_.next();
  begin_request();
  go_on();
}

/// Waits for the client to close. Closing over unread octets would reset the connection, and the
/// client might never see the response.
void HttpConnection::discard() {
  socket_.async_read_some(asio::buffer(input_),
                          [self = shared_from_this()](const auto& error, std::size_t size) {
                            self->discarded_ += size;
                            if (error || self->discarded_ > kMostDiscarded) return self->close();
                            self->discard();
                          });
}

}  // namespace postern
