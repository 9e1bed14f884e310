#include <utility>

#include "daemon/clock.h"
#include "daemon/config_changes.h"
#include "daemon/open_store.h"
#include "daemon/service.h"

// What a service remembers from earlier runs, and what it learns anew while it runs.
namespace postern {

StoredState Service::load_state(Moment now) {
  StoreListener listener;
  // On the store's thread.
  listener.written = [this](std::uint64_t number, bool) {
    asio::post(io_, [this, number] { keeper_.on_written(number); });
  };
  listener.changed = [this](const StoreHealth& health) {
    asio::post(io_, [this, health] { note_store(health); });
  };
  using enum TurnKeeper::Patience;
  keeper_.use(open_store(config_, std::move(listener)),
              config_.store_delay == Seconds(0) ? until_written : none);
  auto stored = keeper_.load(now);
  if (!stored) {
    spdlog::error("{}; leases end with the daemon", stored.error());
    return {};
  }
  if (stored->is_elapsed_unknown) {
    spdlog::warn(
        "the clock cannot be right, so it is not known how long this machine was off: leases go on "
        "as if it had not been");
  }
  complete(*stored);
  return std::move(*stored);
}

void Service::note_store(const StoreHealth& health) {
  if (!may_log(now())) return;
  if (health.state == StoreHealth::State::memory_only) {
    spdlog::error("{}; leases are kept in memory alone until it goes well again", health.trouble);
  } else if (!health.trouble.empty()) {
    spdlog::warn("{}", health.trouble);
  } else {
    spdlog::info("leases are on the disk again");
  }
}

void Service::warn_of_unopened(Moment now) {
  for (const auto& mapping : gateway_.unopened_static()) {
    if (!may_log(now)) continue;
    spdlog::warn("mapping \"{}\" ({} port {} to {}) could not be opened", mapping.name,
                 to_string(mapping.protocol), mapping.external_port, to_string(mapping.internal));
  }
}

void Service::reload() {
  const Moment moment = now();
  auto wanted = reread_();
  if (!wanted) {
    for (const auto& error : wanted.error()) spdlog::error("{}", to_string(error));
    spdlog::error("HUP: the configuration stays as it was");
    return;
  }
  for (const auto& key : keys_for_restart(config_, *wanted)) {
    spdlog::warn("HUP: restart to apply {}", key);
  }
  config_.limits = std::move(wanted->limits);
  config_.rules = std::move(wanted->rules);
  config_.mappings = std::move(wanted->mappings);
  finish(
      gateway_.reload(Policy(config_.rules, config_.limits, &clients_), config_.mappings, moment),
      moment);
  warn_of_unopened(moment);
  spdlog::info("HUP: the configuration was read again");
}

}  // namespace postern
