#include "daemon/status_json.h"

#include <algorithm>
#include <iterator>

#include <nlohmann/json.hpp>

#include "daemon/version.h"

namespace postern {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::size_t kMostMappingsListed = 1000;

[[nodiscard]] Json json_of(const Endpoint& endpoint) {
  return {{"address", endpoint.address.to_string()}, {"port", endpoint.port}};
}

[[nodiscard]] Json json_of(const std::optional<Address>& address) {
  return address ? Json(address->to_string()) : Json(nullptr);
}

[[nodiscard]] Json json_of(const Interface& interface) {
  Json addresses = Json::array();
  for (const auto& own : interface.addresses) {
    addresses.push_back(own.address.to_string() + "/" + std::to_string(own.prefix_length));
  }
  return {{"interface", interface.name}, {"addresses", std::move(addresses)}};
}

/// Interface names may hold any octets; they must not make the document invalid.
[[nodiscard]] std::string text_of(const Json& document) {
  return document.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// Whole seconds, rounded up, so that what is still there never shows 0.
[[nodiscard]] std::int64_t remaining_seconds(Moment ends, Moment now) {
  return std::max<std::int64_t>(0, std::chrono::ceil<Seconds>(ends - now).count());
}

[[nodiscard]] Json json_of(const RemoteFilter& filter) {
  return {{"remote", filter.remote.to_string()},
          {"first_port", filter.first_port},
          {"last_port", filter.last_port}};
}

/// The nonce is the client's secret, and is not told.
[[nodiscard]] Json json_of(const Claim& claim, const Policy& policy, Moment now) {
  const auto& remote = claim.claimant.remote;
  return {{"frontend", claim.claimant.frontend},
          {"client", claim.claimant.client.to_string()},
          {"remote", remote ? json_of(*remote) : Json(nullptr)},
          {"description", claim.details->description},
          {"rule", policy.rule(claim.rule) ? Json(policy.rule_name(claim.rule)) : Json(nullptr)},
          {"enabled", claim.is_enabled},
          {"permanent", claim.lease.is_permanent},
          {"granted_seconds", claim.lease.granted.count()},
          {"remaining_seconds", remaining_seconds(claim.lease.ends, now)}};
}

[[nodiscard]] Json json_of(const Mapping& mapping, const Policy& policy, Moment now) {
  Json filters = Json::array();
  for (const auto& filter : mapping.admitted()) filters.push_back(json_of(filter));
  Json claims = Json::array();
  for (const auto& claim : mapping.claims) claims.push_back(json_of(claim, policy, now));
  return {
      {"id", mapping.id},
      {"protocol", to_string(mapping.protocol)},
      {"internal", json_of(mapping.internal)},
      {"external", json_of(mapping.external)},
      {"filters", std::move(filters)},
      {"created_seconds_ago", std::chrono::duration_cast<Seconds>(now - mapping.created).count()},
      {"remaining_seconds", remaining_seconds(mapping.ends(), now)},
      {"claims", std::move(claims)}};
}

[[nodiscard]] Json json_of(const FirewallBackend& backend, const Counters& counters) {
  const auto capabilities = backend.capabilities();
  const auto pacing = backend.pacing();
  Json repairs = Json::object();
  for (const auto& [reason, count] : counters.repairs) repairs[std::string(reason)] = count;
  return {{"name", backend.name()},
          {"ends_leases", capabilities.ends_leases},
          {"renews_in_place", capabilities.renews_in_place},
          {"pinholes", capabilities.pinholes},
          {"paces_requests", pacing.is_on},
          {"pace_trouble", pacing.trouble},
          {"commits", counters.commits},
          {"refused_commits", counters.refused_commits},
          {"repairs", std::move(repairs)},
          {"purged_flows", counters.purged_flows}};
}

[[nodiscard]] Json json_of(const StoreStatus& store, Moment now) {
  const auto& health = store.health;
  return {{"state", to_string(health.state)},
          {"for_seconds", std::chrono::duration_cast<Seconds>(now - health.since).count()},
          {"trouble", health.trouble},
          {"notice", health.notice},
          {"pending", health.pending},
          {"history_rows", health.history_rows},
          {"history_left_out", health.history_left_out},
          {"rows_left_out", health.rows_left_out},
          {"elapsed_unknown", store.is_elapsed_unknown}};
}

}  // namespace

std::string status_json(const Gateway& gateway, const ShellStatus& shell, Moment now) {
  const auto& state = gateway.state();
  const auto& counters = gateway.counters();
  Json lan = Json::array();
  for (const auto& interface : state.network.lan) lan.push_back(json_of(interface));
  Json mappings = Json::array();
  for (const Mapping* mapping : state.table.oldest(kMostMappingsListed)) {
    mappings.push_back(json_of(*mapping, state.table.policy(), now));
  }
  Json requests = Json::object();
  for (const auto& [words, count] : counters.requests) {
    const auto& [frontend, request, outcome] = words;
    requests[std::string(frontend)][std::string(request)][std::string(outcome)] = count;
  }
  Json dropped = Json::object();
  for (const auto& [reason, count] : counters.dropped) dropped[std::string(reason)] = count;

  const Json status{{"schema", "postern.status/1"},
                    {"version", kVersion},
                    {"epoch", state.epoch.seconds(now)},
                    {"pinhole_epoch", state.pinhole_epoch.seconds(now)},
                    {"external_address", json_of(state.external_address.reported())},
                    {"wan", state.network.wan ? json_of(*state.network.wan) : Json(nullptr)},
                    {"lan", std::move(lan)},
                    {"backend", json_of(gateway.backend(), counters)},
                    {"mapping_count", state.table.size()},
                    {"mappings", std::move(mappings)},
                    {"requests", std::move(requests)},
                    {"dropped", std::move(dropped)},
                    {"unsent", shell.unsent},
                    {"store", shell.store ? json_of(*shell.store, now) : Json(nullptr)}};
  return text_of(status);
}

std::string mappings_json(const Gateway& gateway, const MappingsQuery& query, Moment now) {
  const auto& table = gateway.state().table;
  const auto all = table.oldest(table.size());
  auto next = std::ranges::upper_bound(all, query.after, {}, &Mapping::id);
  Json mappings = Json::array();
  for (; next != all.end() && mappings.size() < query.limit; ++next) {
    mappings.push_back(json_of(**next, table.policy(), now));
  }
  const bool is_last = next == all.end();
  return text_of({{"schema", "postern.mappings/1"},
                  {"mapping_count", all.size()},
                  {"mappings", std::move(mappings)},
                  {"next", is_last ? Json(nullptr) : Json((*std::prev(next))->id)}});
}

}  // namespace postern
