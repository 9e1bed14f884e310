#include <utility>

#include "core/explain.h"
#include "daemon/clock.h"
#include "daemon/service.h"
#include "protocols/upnp/invocation.h"

// What a service does for its administrator.
namespace postern {
namespace {

[[nodiscard]] MapRequest request_of(const Question& question) {
  MapRequest request;
  request.claimant = {question.frontend, question.client};
  request.protocol = question.protocol;
  request.internal = question.internal;
  request.suggested_external_port = question.external_port;
  request.lifetime = question.lifetime;
  if (question.frontend == upnp::kFrontendName) {
    request.lifetime_limit = LifetimeLimit::max_lease;
    if (question.external_port != 0) request.placement = Placement::suggested_port;
  }
  return request;
}

[[nodiscard]] Answer answer_of(const Explanation& explanation) {
  Answer answer;
  if (explanation.outcome) {
    answer.external_port = explanation.outcome->external.port;
    answer.lifetime = explanation.outcome->grant.lifetime;
    answer.existing = explanation.outcome->existing;
  } else {
    answer.refusal = explanation.outcome.error();
  }
  for (std::size_t i = 0; i < explanation.rules.size(); ++i) {
    const auto& found = explanation.rules[i];
    const bool matches = found.match == RuleMatch::matches;
    answer.rules.push_back({found.name, found.allows, explanation.decider == i,
                            matches ? "" : std::string(to_string(found.match)),
                            matches ? found.decides.to_string() : ""});
  }
  return answer;
}

[[nodiscard]] ControlError error_of(const ConfigErrors& errors) {
  std::string text;
  for (const auto& error : errors) text += (text.empty() ? "" : "\n") + to_string(error);
  return {409, "bad_configuration", std::move(text)};
}

}  // namespace

Result<AddedMapping, ControlError> Service::add(const StaticMapping& wanted) {
  const Moment moment = now();
  if (host_) host_->prepare_turn(moment);
  Turn turn;
  const auto added = gateway_.add(wanted, moment, turn);
  finish(std::move(turn), moment);
  if (!added) return fail(control_error(added.error()));
  return AddedMapping{*added, gateway_.state().table.find(*added)->external};
}

Result<void, ControlError> Service::remove(MappingId id) {
  const Moment moment = now();
  const Mapping* mapping = gateway_.state().table.find(id);
  if (mapping == nullptr) return fail(no_such_mapping(id));
  if (mapping->claim_of({kStatic, mapping->internal.address}) != nullptr) {
    return fail(ControlError{409, "static_mapping",
                             "it stands in the configuration; remove it there, then reload"});
  }
  Turn turn;
  const auto removed = gateway_.remove(id, moment, turn);
  finish(std::move(turn), moment);
  if (!removed) return fail(control_error(removed.error()));
  return {};
}

ControlActions Service::control_actions() {
  return {
      .status = [this] { return status_json(gateway_, shell_status(), now()); },
      .metrics = [this] { return metrics(); },
      .mappings =
          [this](const MappingsQuery& query) { return mappings_json(gateway_, query, now()); },
      .add = [this](const StaticMapping& wanted) { return add(wanted); },
      .remove = [this](MappingId id) { return remove(id); },
      .explain = [this](const Question& question) -> Result<Answer, ControlError> {
        const Moment moment = now();
        if (host_) host_->prepare_turn(moment);
        return answer_of(explain(gateway_.state().table, request_of(question), moment));
      },
      .reload = [this]() -> Result<Reloaded, ControlError> {
        if (host_) host_->prepare_turn(now());
        auto waiting = reload();
        if (!waiting) return fail(error_of(waiting.error()));
        Reloaded reloaded;
        for (const auto& key : *waiting) reloaded.warnings.push_back("restart to apply " + key);
        return reloaded;
      },
  };
}

}  // namespace postern
