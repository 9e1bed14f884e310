#include "daemon/question_intent.h"

#include <string>

#include "protocols/natpmp/frontend.h"
#include "protocols/pcp/decision.h"
#include "protocols/pcp/intent.h"

namespace postern {
namespace {

[[nodiscard]] ControlError switched_off(std::string_view frontend) {
  return {409, "switched_off",
          "posternd does not speak it: " + std::string(frontend) + ".enabled = false"};
}

[[nodiscard]] std::uint32_t lifetime_of(const Question& question) {
  return static_cast<std::uint32_t>(question.lifetime.count());
}

[[nodiscard]] Intent refused_by_pcp(const Question& question, const pcp::Refusal& refused) {
  MapRequest wish;
  wish.claimant = {pcp::kFrontendName, question.internal.address};
  wish.protocol = question.protocol;
  wish.internal = question.internal;
  Intent intent(std::move(wish));
  intent.decided = fail(Denial(MapError::not_authorized));
  intent.own_word = refused.own_word;
  return intent;
}

[[nodiscard]] Intent pcp_intent(const Question& question, const pcp::Settings& settings,
                                const GatewayState& state) {
  pcp::MapRequest map;
  map.protocol = static_cast<std::uint8_t>(question.protocol);
  map.internal_port = question.internal.port;
  map.external_port = question.external_port;
  pcp::Request request{map, lifetime_of(question), question.client, {}};
  const bool is_own = question.internal.address == question.client;
  if (!is_own) request.options = {pcp::ThirdParty{question.internal.address}};
  if (const auto refused = pcp::check_host(request, settings, state)) {
    return refused_by_pcp(question, *refused);
  }
  auto intent = pcp::intent_of(request, map, settings, state);
  if (!intent) return refused_by_pcp(question, intent.error());
  intent->wish.accepts_any_nonce = true;
  return std::move(*intent);
}

}  // namespace

Result<Intent, ControlError> intent_of(const Question& question, const Config& config,
                                       const GatewayState& state, const upnp::Frontend* upnp) {
  if (question.frontend == natpmp::kFrontendName) {
    if (!config.natpmp_enabled) return fail(switched_off(question.frontend));
    const natpmp::MapRequest request{question.protocol, question.internal.port,
                                     question.external_port, lifetime_of(question)};
    return natpmp::intent_of(request, question.client, state.table);
  }
  if (question.frontend == pcp::kFrontendName) {
    if (!config.pcp_enabled) return fail(switched_off(question.frontend));
    return pcp_intent(question, config.pcp, state);
  }
  if (upnp == nullptr) return fail(switched_off(question.frontend));
  return upnp->intent_of({question.client, question.protocol, question.internal,
                          question.external_port, lifetime_of(question)},
                         state);
}

}  // namespace postern
