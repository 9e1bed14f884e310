#pragma once

#include <cstdint>
#include <functional>
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
/// | GET /api/v1/history?limit=N&before=ID&client=A&kind=K | its youngest rows, at most 1,000 |
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
  /// Serves a request that check() did not refuse. The reply, which has the request's token, may
  /// come later than this call ends.
  void answer(const HttpRequest& request, const std::function<void(const HttpReply&)>& tell) const;
  /// The reply to what is no request that can be served (HttpCallbacks::refusal).
  [[nodiscard]] static HttpReply refusal(int status);

 private:
  [[nodiscard]] Result<void, ControlError> admit(const HttpRequest& request) const;
  using Tell = Told<HttpReply>;
  void act(const HttpRequest& request, const Tell& tell) const;
  [[nodiscard]] Result<HttpReply, ControlError> list(const HttpRequest& request) const;
  void tell_history(const HttpRequest& request, const Tell& tell) const;
  void add(const HttpRequest& request, const Tell& tell) const;
  void remove(const HttpRequest& request, const Tell& tell) const;
  [[nodiscard]] Result<HttpReply, ControlError> explain(const HttpRequest& request) const;
  /// Something was done; how safe it is comes with the reply.
  void when_kept(const std::function<void(Kept)>& tell) const;

  ControlActions actions_;
  std::vector<std::uint32_t> administrators_;
};

}  // namespace postern
