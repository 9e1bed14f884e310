#include <utility>

#include "core/gateway.h"
#include "core/ingress.h"

// How the gateway serves what comes over HTTP.
namespace postern {

std::optional<HttpReply> Gateway::on_http_header(const HttpRequest& request, Moment now) {
  const auto ingress = check_ingress(request.interface_index, request.client, request.server,
                                     state_.network, state_.table.policy());
  HttpReply refusal;
  if (ingress != Ingress::accepted) {
    ++counters_.dropped[to_string(ingress)];
    refusal.status = 403;
    return refusal;
  }
  if (!limiter_.admit(request.interface_index, request.client.address, now)) {
    ++counters_.dropped[kTooFast];
    refusal.status = 503;
    refusal.headers = {{"Retry-After", "1"}};
    return refusal;
  }
  auto refused = http_->on_header(request);
  if (refused) ++counters_.dropped["refused_http"];
  return refused;
}

Turn Gateway::on_http_request(const HttpRequest& request, Moment now) {
  Turn turn;
  HttpHandled handled;
  const auto decide = [&] {
    if (!handled.is_final) handled = http_->on_request(request, state_, now);
  };
  run_turn(decide, now, turn);
  ++counters_.requests[{handled.frontend, handled.request, handled.outcome}];
  handled.reply.token = request.token;
  turn.replies.push_back(std::move(handled.reply));
  send_due_announcements(now, turn);
  return turn;
}

Turn Gateway::on_callout_done(std::uint64_t id, CalloutOutcome outcome, Moment now) {
  Turn turn;
  http_->on_callout_done(id, outcome, now);
  send_due_announcements(now, turn);
  return turn;
}

}  // namespace postern
