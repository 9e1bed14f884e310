#pragma once

#include <cstdint>
#include <functional>

#include "core/frontend.h"
#include "core/http.h"
#include "daemon/asio.h"

namespace postern {

/// Makes requests of our own to hosts of the LAN (UPnP events), all at the same time, and tells how
/// each ended. Their number is the caller's bound. Follows no redirects, resolves no names.
class HttpCaller {
 public:
  using Done = std::function<void(std::uint64_t id, CalloutOutcome outcome)>;

  /// `done` is called from `io`, never from call(), and must be callable for as long as `io` runs.
  HttpCaller(asio::io_context& io, Done done) : io_(io), done_(std::move(done)) {}

  void call(HttpCallout callout);

 private:
  asio::io_context& io_;
  Done done_;
};

}  // namespace postern
