#include "daemon/metrics.h"

#include <array>
#include <string_view>
#include <utility>

#include "daemon/metric_text.h"
#include "daemon/version.h"

namespace postern {
namespace {

[[nodiscard]] std::uint64_t seconds_of(auto duration) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<Seconds>(duration).count());
}

void write_mappings(MetricText& text, const MappingTable& table) {
  std::array<std::uint64_t, 4> counts{};
  const auto count_of = [&](bool is_udp, bool is_v6) -> std::uint64_t& {
    return counts[(is_udp ? 1 : 0) + (is_v6 ? 2 : 0)];
  };
  table.for_each([&](const Mapping& mapping) {
    ++count_of(mapping.protocol == Protocol::udp, !mapping.internal.address.is_v4());
  });
  text.gauge("postern_mappings", "Mappings and pinholes that are open.");
  // Those that are none today are told, too, so that a graph begins at 0.
  for (const bool is_udp : {false, true}) {
    for (const bool is_v6 : {false, true}) {
      text.sample(count_of(is_udp, is_v6),
                  {{"protocol", to_string(is_udp ? Protocol::udp : Protocol::tcp)},
                   {"family", is_v6 ? "ipv6" : "ipv4"}});
    }
  }
}

void write_network(MetricText& text, const GatewayState& state, Moment now) {
  const auto& wan = state.network.wan;
  text.gauge("postern_wan_up", "Whether the WAN interface is there and has a carrier.")
      .sample(wan && wan->is_running ? 1 : 0);
  text.gauge("postern_external_address_known", "Whether clients are told an external address.")
      .sample(state.external_address.reported() ? 1 : 0);
  text.gauge("postern_epoch_seconds", "Seconds since clients last had to ask anew (RFC 6887 8.5).")
      .sample(state.epoch.seconds(now), {{"of", "mappings"}})
      .sample(state.pinhole_epoch.seconds(now), {{"of", "pinholes"}});
}

void write_requests(MetricText& text, const Counters& counters, const TurnCounters& turns) {
  text.counter("postern_requests_total", "Requests by protocol, kind and outcome.");
  for (const auto& [words, count] : counters.requests) {
    text.sample(count, {{"frontend", words[0]}, {"request", words[1]}, {"outcome", words[2]}});
  }
  text.counter("postern_dropped_total", "What got silence or was refused before any protocol.");
  for (const auto& [reason, count] : counters.dropped) text.sample(count, {{"reason", reason}});
  text.counter("postern_refusals_total", "Wishes that were not granted.");
  for (const auto& [words, count] : turns.refusals) {
    text.sample(count, {{"frontend", words.first}, {"error", words.second}});
  }
  text.counter("postern_mapping_events_total", "What happened to mappings, and why.");
  for (const auto& [words, count] : turns.events) {
    text.sample(count, {{"event", words.first}, {"cause", words.second}});
  }
  text.histogram("postern_answer_duration_seconds",
                 "From reading requests until their answers leave or begin to wait for the disk.",
                 turns.answering);
}

void write_firewall(MetricText& text, const Gateway& gateway) {
  const auto& counters = gateway.counters();
  text.gauge("postern_firewall_info", "The firewall backend.")
      .sample(1, {{"backend", gateway.backend().name()}});
  text.counter("postern_firewall_commits_total", "Transactions by what the firewall said.")
      .sample(counters.commits, {{"result", "taken"}})
      .sample(counters.refused_commits, {{"result", "refused"}});
  text.counter("postern_firewall_repairs_total", "How often our rules were put back, and why.");
  for (const auto& [reason, count] : counters.repairs) text.sample(count, {{"reason", reason}});
  text.counter("postern_purged_flows_total", "Connections that ended with or for a mapping.")
      .sample(counters.purged_flows);
}

void write_store(MetricText& text, const ShellStatus& shell, Moment now) {
  text.counter("postern_unsent_datagrams_total", "Datagrams that the kernel did not take.")
      .sample(shell.unsent);
  if (!shell.store) return;
  const auto& health = shell.store->health;
  text.gauge("postern_store_ok", "0 while the disk takes nothing and leases are in memory alone.")
      .sample(health.state == StoreHealth::State::ok ? 1 : 0);
  text.gauge("postern_store_state_seconds", "For how long the store has been in its state.")
      .sample(seconds_of(now - health.since));
  text.gauge("postern_store_pending", "Mappings and rows of history that wait for the disk.")
      .sample(health.pending);
  text.gauge("postern_store_history_rows", "Rows of the history.").sample(health.history_rows);
  text.counter("postern_store_history_left_out_total", "Rows of which there were too many at once.")
      .sample(health.history_left_out);
}

}  // namespace

std::string metrics_text(const Gateway& gateway, const ShellStatus& shell,
                         const TurnCounters& turns, Moment now) {
  MetricText text;
  text.gauge("postern_build_info", "The version that runs.").sample(1, {{"version", kVersion}});
  write_mappings(text, gateway.state().table);
  write_network(text, gateway.state(), now);
  write_requests(text, gateway.counters(), turns);
  write_firewall(text, gateway);
  write_store(text, shell, now);
  return std::move(text).take();
}

}  // namespace postern
