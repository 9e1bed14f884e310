#include <utility>

#include "daemon/clock.h"
#include "daemon/config_changes.h"
#include "daemon/metrics.h"
#include "daemon/open_store.h"
#include "daemon/service.h"
#include "daemon/store_news.h"

// What a service remembers from earlier runs, and what it learns anew while it runs.
namespace postern {

StoredState Service::load_state(Moment now) {
  StoreListener listener;
  listener.written = [this](std::uint64_t number, bool is_on_disk) {
    asio::post(io_, [this, number, is_on_disk] { keeper_.on_written(number, is_on_disk); });
  };
  listener.changed = [this](const StoreHealth& health) {
    asio::post(io_, [this, health] { tell_store_health(health); });
  };
  auto store = open_store(config_, std::move(listener));
  store_ = store.get();
  const bool waits = config_.store_delay == Seconds(0);
  keeper_.use(std::move(store),
              waits ? TurnKeeper::Patience::until_written : TurnKeeper::Patience::none,
              [this](RuleIndex rule) { return gateway_.state().table.policy().rule_name(rule); });
  auto stored = keeper_.load(now);
  if (!stored) {
    store_ = nullptr;
    store_health_.state = StoreHealth::State::memory_only;
    store_health_.since = now;
    store_health_.trouble = stored.error();
    // Should the start fail for the same reason, that is said once.
    warnings_at_start_.push_back(stored.error() + "; leases end with the daemon");
    return {};
  }
  stored->asleep = time_asleep();
  is_elapsed_unknown_ = stored->is_elapsed_unknown;
  complete(*stored);
  if (stored->is_elapsed_unknown) {
    warnings_at_start_.emplace_back(
        "the clock cannot be right, so it is not known how long this machine was off: leases go on "
        "as if it had not been");
  }
  return std::move(*stored);
}

void Service::tell_store_health(const StoreHealth& health) {
  // The store says each thing once, so no client can make it fill the log, nor keep it from it.
  for (const auto& news : news_of(store_health_, health)) spdlog::log(news.level, "{}", news.text);
  store_health_ = health;
}

ShellStatus Service::shell_status() const {
  ShellStatus status{unsent_, {}};
  if (config_.keeps_leases) {
    status.store =
        StoreStatus{store_ != nullptr ? store_->health() : store_health_, is_elapsed_unknown_};
  }
  return status;
}

std::string Service::metrics() const {
  return metrics_text(gateway_, shell_status(), turns_, now());
}

void Service::warn_of_pacing() {
  auto trouble = backend_.pacing().trouble;
  if (trouble == pacing_trouble_) return;
  pacing_trouble_ = std::move(trouble);
  if (!pacing_trouble_.empty()) spdlog::warn("{}", pacing_trouble_);
}

void Service::warn_of_unopened(Moment now) {
  for (const auto& mapping : gateway_.unopened_static()) {
    if (!may_log(now)) continue;
    spdlog::warn("mapping \"{}\" ({} port {} to {}) could not be opened", mapping.name,
                 to_string(mapping.protocol), mapping.external_port, to_string(mapping.internal));
  }
}

Result<std::vector<std::string>, ConfigErrors> Service::reload() {
  const Moment moment = now();
  auto wanted = reread_();
  if (!wanted) {
    for (const auto& error : wanted.error()) spdlog::error("{}", to_string(error));
    spdlog::error("the configuration stays as it was");
    return fail(std::move(wanted.error()));
  }
  auto waiting = keys_for_restart(config_, *wanted);
  for (const auto& key : waiting) spdlog::warn("restart to apply {}", key);
  const bool has_new_pace = config_.requests_per_second != wanted->requests_per_second;
  put_in_force(config_, std::move(*wanted));
  Policy policy(config_.rules, config_.limits, &clients_);
  finish(gateway_.reload(std::move(policy), config_.mappings, moment), moment);
  gateway_.set_host_grace(config_.host_grace);
  deadline_.set(gateway_.next_timeout());
  if (has_new_pace) {
    finish(gateway_.set_requests_per_second(config_.requests_per_second, moment), moment);
  }
  for (const auto& warning : config_.warnings) spdlog::warn("{}", to_string(warning));
  warn_of_unopened(moment);
  warn_of_pacing();
  spdlog::info("the configuration was read again");
  return waiting;
}

}  // namespace postern
