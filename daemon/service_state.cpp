#include <utility>

#include "daemon/clock.h"
#include "daemon/config_changes.h"
#include "daemon/open_store.h"
#include "daemon/service.h"

// What a service remembers from earlier runs, and what it learns anew while it runs.
namespace postern {

StoredState Service::load_state(Moment now) {
  const auto written = [this](std::uint64_t number) {
    asio::post(io_, [this, number] { keeper_.on_written(number); });
  };
  keeper_.use(open_store(config_, written), TurnKeeper::Patience::none);
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
  return std::move(*stored);
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
