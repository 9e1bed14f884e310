#include "daemon/http_caller.h"

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "daemon/tcp_endpoint.h"

namespace postern {
namespace {

using asio::ip::tcp;

/// A host of the LAN accepts within milliseconds, one that sleeps not at all.
constexpr std::chrono::seconds kConnectTime{5};
/// From the connection to the answer's end (UDA, 4.2.1).
constexpr std::chrono::seconds kAnswerTime{30};
/// For the rest of an answer. Some hosts keep the connection open behind it.
constexpr std::chrono::milliseconds kRestTime{200};
/// More of an answer is of no interest.
constexpr std::size_t kLongestAnswer = 8192;

/// One request. Whatever it waits for keeps it alive.
class Call : public std::enable_shared_from_this<Call> {
 public:
  Call(asio::io_context& io, HttpCallout callout, HttpCaller::Done done)
      : socket_(io), timer_(io), callout_(std::move(callout)), done_(std::move(done)) {}

  void start() {
    // A local address that is gone fails like a host that is gone.
    boost::system::error_code error;
    const auto to = tcp_endpoint_of(callout_.to, callout_.interface_index);
    socket_.open(to.protocol(), error);
    if (!error) keep_from_children(socket_.native_handle());
    if (!error) socket_.bind(tcp_endpoint_of(callout_.from, callout_.interface_index), error);
    if (error) return end_later(CalloutOutcome::unreachable);
    limit(kConnectTime, CalloutOutcome::unreachable);
    socket_.async_connect(to, [self = shared_from_this()](const auto& failure) {
      failure ? self->end(CalloutOutcome::unreachable) : self->send();
    });
  }

 private:
  void send() {
    limit(kAnswerTime, CalloutOutcome::unanswered);
    asio::async_write(socket_, asio::buffer(callout_.request_octets),
                      [self = shared_from_this()](const auto& failure, std::size_t) {
                        failure ? self->end(CalloutOutcome::unanswered) : self->receive();
                      });
  }

  /// Reads to the end, for closing with octets unread would break the connection at the host.
  void receive() {
    socket_.async_read_some(asio::buffer(input_),
                            [self = shared_from_this()](const auto& failure, std::size_t size) {
                              if (self->received_ == 0 && size > 0) {
                                self->limit(kRestTime, CalloutOutcome::answered);
                              }
                              self->received_ += size;
                              if (!failure && self->received_ < kLongestAnswer) {
                                self->receive();
                              } else {
                                self->end(self->outcome());
                              }
                            });
  }

  [[nodiscard]] CalloutOutcome outcome() const {
    return received_ > 0 ? CalloutOutcome::answered : CalloutOutcome::unanswered;
  }

  /// `otherwise`: how it ends when the time is up.
  void limit(std::chrono::milliseconds time, CalloutOutcome otherwise) {
    timer_.expires_after(time);
    timer_.async_wait([self = shared_from_this(), otherwise](const auto& error) {
      // It may have been set anew while this call was already on its way.
      const bool is_over = self->timer_.expiry() <= std::chrono::steady_clock::now();
      if (!error && is_over) self->end(otherwise);
    });
  }

  void end_later(CalloutOutcome outcome) {
    asio::post(socket_.get_executor(),
               [self = shared_from_this(), outcome] { self->end(outcome); });
  }

  /// Once, whatever comes first.
  void end(CalloutOutcome outcome) {
    if (!done_) return;
    timer_.cancel();
    boost::system::error_code ignored;
    socket_.close(ignored);
    std::exchange(done_, nullptr)(callout_.id, outcome);
  }

  tcp::socket socket_;
  asio::steady_timer timer_;
  HttpCallout callout_;
  HttpCaller::Done done_;
  std::array<char, 2048> input_{};
  std::size_t received_ = 0;
};

}  // namespace

void HttpCaller::call(HttpCallout callout) {
  std::make_shared<Call>(io_, std::move(callout), done_)->start();
}

}  // namespace postern
