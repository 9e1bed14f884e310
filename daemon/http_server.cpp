#include "daemon/http_server.h"

#include <algorithm>
#include <utility>

namespace postern {

HttpServer::HttpServer(asio::io_context& io, HttpOptions options, HttpCallbacks callbacks)
    : io_(io), shared_(std::make_shared<HttpShared>(std::move(options), std::move(callbacks))) {
  shared_->on_room = [this] { resume_listeners(); };
}

HttpServer::~HttpServer() {
  shared_->is_open = false;
  shared_->admission.close();
  // Each one leaves the set when it is destroyed, which may be at once.
  const auto connections = shared_->connections;
  for (auto* connection : connections) connection->close();
}

Result<void, std::string> HttpServer::listen(const std::vector<HttpListenAt>& wanted) {
  std::erase_if(listeners_, [&](const auto& listener) {
    return std::ranges::find(wanted, listener->at()) == wanted.end();
  });
  Result<void, std::string> result;
  for (const auto& at : wanted) {
    const bool is_open =
        std::ranges::any_of(listeners_, [&](const auto& listener) { return listener->at() == at; });
    if (is_open) continue;
    auto opened = HttpListener::open(io_, at);
    if (!opened) {
      result = fail(std::move(opened.error()));
      continue;
    }
    add(std::move(*opened));
  }
  return result;
}

void HttpServer::add(std::shared_ptr<HttpListener> listener) {
  start(*listener);
  listeners_.push_back(std::move(listener));
}

void HttpServer::start(HttpListener& listener) {
  listener.start([this] { return shared_->admission.has_room(); }, [this] { return make_room(); },
                 [this](HttpSocket socket, const HttpConnection::Origin& origin) {
                   take(std::move(socket), origin);
                 });
}

std::vector<Endpoint> HttpServer::endpoints() const {
  std::vector<Endpoint> endpoints;
  for (const auto& listener : listeners_) endpoints.push_back(listener->bound());
  return endpoints;
}

void HttpServer::reply(const HttpReply& reply) {
  const auto node = shared_->awaiting_reply.extract(reply.token);
  if (node) node.mapped()->answer(reply);
}

void HttpServer::take(HttpSocket socket, const HttpConnection::Origin& origin) {
  auto connection = std::make_shared<HttpConnection>(std::move(socket), origin, shared_);
  // One too many of its source is closed with the last reference to it.
  (void)shared_->admission.enter(origin.client.address, [connection] { connection->serve(); });
}

bool HttpServer::make_room() {
  if (shared_->admission.drop_waiting()) return true;
  HttpConnection* slowest = nullptr;
  for (auto* connection : shared_->connections) {
    if (connection->awaits_reply()) continue;
    if (slowest == nullptr || connection->begin() < slowest->begin()) slowest = connection;
  }
  if (slowest != nullptr) slowest->close();
  return false;
}

void HttpServer::resume_listeners() {
  // Not always the same one gets the place that became free.
  if (listeners_.size() > 1) {
    std::rotate(listeners_.begin(), listeners_.begin() + 1, listeners_.end());
  }
  for (const auto& listener : listeners_) listener->resume();
}

}  // namespace postern
