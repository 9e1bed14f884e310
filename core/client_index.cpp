#include "core/client_index.h"

#include <algorithm>

namespace postern {
namespace {

const ClientIndex::Ids kNone;

/// Whether an earlier claim of the mapping is of the same client, too.
[[nodiscard]] bool is_repeated(const Mapping& mapping, const Claim& claim) {
  const auto* end = &claim;
  return std::any_of(mapping.claims.data(), end, [&](const Claim& earlier) {
    return earlier.claimant.client == claim.claimant.client && !earlier.claimant.is_administrator();
  });
}

/// Whether others than the host that it leads to have asked for it, and not that host.
[[nodiscard]] bool is_of_others(const Mapping& mapping) {
  const auto& inside = mapping.internal.address;
  const bool has_others =
      std::any_of(mapping.claims.begin(), mapping.claims.end(), [&](const Claim& claim) {
        return claim.claimant.client != inside && !claim.claimant.is_administrator();
      });
  return has_others && !mapping.has_claim_of(inside);
}

}  // namespace

void ClientIndex::add(const Mapping& mapping) {
  for (const auto& claim : mapping.claims) {
    auto& host = hosts_[claim.claimant.client];
    host.ids.insert(host.ids.end(), mapping.id);
    const bool is_own = !claim.claimant.is_administrator();
    if (is_own && !is_repeated(mapping, claim)) count(host, true);
  }
  if (is_of_others(mapping)) hosts_[mapping.internal.address].led.insert(mapping.id);
}

void ClientIndex::remove(const Mapping& mapping) {
  for (const auto& claim : mapping.claims) {
    auto& host = hosts_.at(claim.claimant.client);
    host.ids.erase(mapping.id);
    const bool is_own = !claim.claimant.is_administrator();
    if (is_own && !is_repeated(mapping, claim)) count(host, false);
    if (host.own == 0) emptied_.push_back(claim.claimant.client);
  }
  if (!is_of_others(mapping)) return;
  auto& inside = hosts_.at(mapping.internal.address);
  inside.led.erase(mapping.id);
  if (inside.is_empty()) emptied_.push_back(mapping.internal.address);
}

const ClientIndex::Host* ClientIndex::find(const Address& host) const {
  const auto found = hosts_.find(host);
  return found == hosts_.end() ? nullptr : &found->second;
}

auto ClientIndex::of(const Address& client) const -> const Ids& {
  const Host* host = find(client);
  return host ? host->ids : kNone;
}

auto ClientIndex::led_to(const Address& host) const -> const Ids& {
  const Host* found = find(host);
  return found ? found->led : kNone;
}

std::size_t ClientIndex::count_of(const Address& client) const {
  const Host* host = find(client);
  return host ? host->own : 0;
}

bool ClientIndex::concerns(const Address& host) const {
  const Host* found = find(host);
  return found && (found->own > 0 || !found->led.empty());
}

void ClientIndex::place(const Address& client, const Station& station) {
  auto& host = hosts_[client];
  if (host.own == 0) emptied_.push_back(client);
  if (host.station == station) return;
  if (host.station) take_from(*host.station, host.own);
  host.station = station;
  add_to(station, host.own);
}

std::optional<Station> ClientIndex::station_of(const Address& client) const {
  const Host* host = find(client);
  return host ? host->station : std::nullopt;
}

std::size_t ClientIndex::count_of(const Station& station) const {
  const auto found = stations_.find(station);
  return found == stations_.end() ? 0 : found->second;
}

void ClientIndex::count(Host& host, bool comes) {
  if (comes) {
    ++host.own;
    if (host.station) add_to(*host.station, 1);
  } else {
    --host.own;
    if (host.station) take_from(*host.station, 1);
  }
}

void ClientIndex::add_to(const Station& station, std::size_t mappings) {
  if (mappings > 0) stations_[station] += mappings;
}

void ClientIndex::take_from(const Station& station, std::size_t mappings) {
  if (mappings == 0) return;
  const auto found = stations_.find(station);
  found->second -= mappings;
  if (found->second == 0) stations_.erase(found);
}

void ClientIndex::tidy() {
  for (const auto& client : emptied_) {
    const auto found = hosts_.find(client);
    if (found == hosts_.end()) continue;
    auto& host = found->second;
    // What the administrator gave to the address outlives who had it.
    if (host.own == 0) host.station.reset();
    if (host.is_empty()) hosts_.erase(found);
  }
  emptied_.clear();
}

bool ClientIndex::agrees_with(const ClientIndex& other) const {
  std::map<Station, std::size_t> stations;
  std::size_t known = 0;
  for (const auto& [address, host] : hosts_) {
    if (host.is_empty()) continue;
    ++known;
    const Host* same = other.find(address);
    const bool agrees =
        same && same->ids == host.ids && same->led == host.led && same->own == host.own;
    if (!agrees) return false;
    if (host.station && host.own > 0) stations[*host.station] += host.own;
  }
  const auto theirs = std::count_if(other.hosts_.begin(), other.hosts_.end(),
                                    [](const auto& entry) { return !entry.second.is_empty(); });
  return stations == stations_ && known == static_cast<std::size_t>(theirs);
}

}  // namespace postern
