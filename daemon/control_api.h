#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "core/http.h"
#include "daemon/control.h"

namespace postern {

/// What the paths of the control socket mean: requests to actions, and their outcomes to replies.
/// It has no socket.
///
/// | GET /api/v1/status, GET /metrics | as over TCP |
/// | GET /api/v1/mappings?after=ID&limit=N | a page of at most 1,000 mappings |
/// | POST /api/v1/mappings | adds one |
/// | DELETE /api/v1/mappings/ID | takes one away |
/// | POST /api/v1/explain | what would happen, and why |
/// | POST /api/v1/reload | reads the configuration anew |
///
/// Every body but that of the metrics is JSON, of errors {"error": {"code", "text"}}.
class ControlApi {
 public:
  /// `administrators`: the users (HttpRequest::user) who may change things. The others may look.
  ControlApi(ControlActions actions, std::vector<std::uint32_t> administrators);

  /// The reply to a request that will not be served, as far as its header tells.
  [[nodiscard]] std::optional<HttpReply> check(const HttpRequest& request) const;
  /// Serves a request that check() did not refuse. The reply has the request's token.
  [[nodiscard]] HttpReply answer(const HttpRequest& request) const;
  /// The reply to what is no request that can be served (HttpCallbacks::refusal).
  [[nodiscard]] static HttpReply refusal(int status);

 private:
  [[nodiscard]] Result<void, ControlError> admit(const HttpRequest& request) const;
  [[nodiscard]] Result<HttpReply, ControlError> act(const HttpRequest& request) const;
  [[nodiscard]] Result<HttpReply, ControlError> list(const HttpRequest& request) const;
  [[nodiscard]] Result<HttpReply, ControlError> add(const HttpRequest& request) const;
  [[nodiscard]] Result<HttpReply, ControlError> remove(const HttpRequest& request) const;
  [[nodiscard]] Result<HttpReply, ControlError> explain(const HttpRequest& request) const;

  ControlActions actions_;
  std::vector<std::uint32_t> administrators_;
};

}  // namespace postern
