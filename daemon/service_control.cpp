#include <utility>

#include "core/explain.h"
#include "daemon/clock.h"
#include "daemon/question_intent.h"
#include "daemon/service.h"

// What a service does for its administrator.
namespace postern {
namespace {

[[nodiscard]] Answer answer_of(const Explanation& explanation) {
  Answer answer;
  if (explanation.outcome) {
    answer.external_port = explanation.outcome->external.port;
    answer.lifetime = explanation.outcome->grant.lifetime;
    answer.is_permanent = answer.lifetime == Seconds(0);
    answer.existing = explanation.outcome->existing;
  } else {
    const auto& word = explanation.own_word;
    answer.refusal = word.empty() ? to_string(explanation.outcome.error()) : word;
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

Kept Service::kept() const {
  if (store_ == nullptr) return Kept::not_kept;
  const bool is_well = store_->health().state == StoreHealth::State::ok;
  return is_well ? Kept::on_disk : Kept::in_memory_only;
}

void Service::history(const HistoryQuery& query, Told<std::vector<HistoryEntry>> told) {
  const auto no_history = [&](const std::string& why) {
    told(fail(ControlError{409, "no_history", "there is no history: " + why}));
  };
  if (!config_.keeps_leases) return no_history("store = \"none\" in the configuration");
  if (config_.history_rows == 0) return no_history("history = 0 in the configuration");
  if (store_ == nullptr) return no_history(store_health_.trouble);
  store_->history(query, [this, told = std::move(told)](SqliteStore::History rows) {
    // This is the store's thread.
    asio::post(io_, [told, rows = std::move(rows)] {
      told(rows.map_error([](const std::string& why) {
        return ControlError{503, "history_unavailable", "the history cannot be read: " + why};
      }));
    });
  });
}

ControlActions Service::control_actions() {
  return {
      .status = [this] { return status_json(gateway_, shell_status(), now()); },
      .metrics = [this] { return metrics(); },
      .mappings =
          [this](const MappingsQuery& query) { return mappings_json(gateway_, query, now()); },
      .add = [this](const StaticMapping& wanted) { return add(wanted); },
      .remove = [this](MappingId id) { return remove(id); },
      .when_kept =
          [this](std::function<void(Kept)> tell) {
            keeper_.when_kept([this, tell = std::move(tell)](bool is_kept) {
              tell(is_kept ? kept() : Kept::in_memory_only);
            });
          },
      .history = [this](const HistoryQuery& query,
                        Told<std::vector<HistoryEntry>> told) { history(query, std::move(told)); },
      .explain = [this](const Question& question) -> Result<Answer, ControlError> {
        const Moment moment = now();
        if (host_) host_->prepare_turn(moment);
        const auto& state = gateway_.state();
        const auto intent =
            intent_of(question, config_, state, upnp_ ? &upnp_->control() : nullptr);
        return intent.map([&](const Intent& wanted) {
          return answer_of(postern::explain(state.table, wanted, moment));
        });
      },
      .reload = [this]() -> Result<Reloaded, ControlError> {
        if (host_) host_->prepare_turn(now());
        auto waiting = reload();
        if (!waiting) return fail(error_of(waiting.error()));
        Reloaded reloaded;
        for (const auto& key : *waiting) reloaded.warnings.push_back("restart to apply " + key);
        for (const auto& warning : config_.warnings) {
          reloaded.warnings.push_back(to_string(warning));
        }
        return reloaded;
      },
  };
}

}  // namespace postern
