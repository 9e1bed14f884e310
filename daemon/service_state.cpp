#include <utility>

#include "daemon/clock.h"
#include "daemon/config_changes.h"
#include "daemon/open_store.h"
#include "daemon/service.h"

// What a service remembers from earlier runs, and what it learns anew while it runs.
namespace postern {

StoredState Service::load_state(Moment now) {
  StoreListener listener;
  listener.written = [this](std::uint64_t number, bool) {
    asio::post(io_, [this, number] { keeper_.on_written(number); });
  };
  listener.changed = [this](const StoreHealth& health) {
    asio::post(io_, [this, health] { tell_store_health(health); });
  };
  auto store = open_store(config_, std::move(listener));
  store_ = store.get();
  const bool waits = config_.store_delay == Seconds(0);
  keeper_.use(std::move(store),
              waits ? TurnKeeper::Patience::until_written : TurnKeeper::Patience::none);
  auto stored = keeper_.load(now);
  if (!stored) {
    store_ = nullptr;
    spdlog::error("{}; leases end with the daemon", stored.error());
    return {};
  }
  is_elapsed_unknown_ = stored->is_elapsed_unknown;
  complete(*stored);
  if (stored->is_elapsed_unknown) {
    spdlog::warn(
        "the clock cannot be right, so it is not known how long this machine was off: leases go on "
        "as if it had not been");
  }
  return std::move(*stored);
}

void Service::tell_store_health(const StoreHealth& health) {
  if (!may_log(now())) return;
  if (health.state == StoreHealth::State::memory_only) {
    spdlog::error("{}; leases are kept in memory alone until it goes well again", health.trouble);
  } else if (!health.trouble.empty()) {
    spdlog::warn("{}", health.trouble);
  } else {
    spdlog::info("leases are on the disk again");
  }
}

ShellStatus Service::shell_status() const {
  ShellStatus status{unsent_, {}};
  if (store_ != nullptr) status.store = StoreStatus{store_->health(), is_elapsed_unknown_};
  return status;
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
  config_.limits = std::move(wanted->limits);
  config_.rules = std::move(wanted->rules);
  config_.mappings = std::move(wanted->mappings);
  Policy policy(config_.rules, config_.limits, &clients_);
  finish(gateway_.reload(std::move(policy), config_.mappings, moment), moment);
  warn_of_unopened(moment);
  spdlog::info("the configuration was read again");
  return waiting;
}

}  // namespace postern
