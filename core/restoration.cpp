#include "core/restoration.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "core/hash.h"

namespace postern {
namespace {

/// By so much the ends that the firewall tells may differ from those that it was told.
constexpr Seconds kSameEnd{1};

/// What the firewall's main door of a mapping tells of it.
struct Held {
  Endpoint external;
  Endpoint internal;
  Moment ends{};
  /// Normalized.
  RemoteFilters filters;
};

/// The external port of a forward, whatever its address is; the endpoint of a pinhole.
struct Place {
  Protocol protocol = Protocol::udp;
  Endpoint endpoint;

  friend bool operator==(const Place&, const Place&) = default;
};

struct PlaceHash {
  std::size_t operator()(const Place& place) const noexcept {
    return combine_hashes(std::hash<Endpoint>{}(place.endpoint),
                          static_cast<std::size_t>(place.protocol));
  }
};

using HeldDoors = std::unordered_map<Place, Held, PlaceHash>;

[[nodiscard]] Place place_of(Protocol protocol, const Endpoint& external) {
  if (!external.address.is_v4()) return {protocol, external};
  return {protocol, {Address::v4(0), external.port}};
}

/// Nothing for a door that is no mapping's main one.
[[nodiscard]] std::optional<std::pair<Place, Held>> main_door(const TimedDoor& timed) {
  if (const auto* forward = std::get_if<Forward4>(&timed.door)) {
    return std::pair{place_of(forward->protocol, forward->external),
                     Held{forward->external, forward->internal, timed.ends, forward->filters}};
  }
  if (const auto* pinhole = std::get_if<Pinhole6>(&timed.door)) {
    return std::pair{place_of(pinhole->protocol, pinhole->internal),
                     Held{pinhole->internal, pinhole->internal, timed.ends, pinhole->filters}};
  }
  return std::nullopt;
}

/// Has one more claim stand for what nobody knows whose it is.
void add_recovered(Mapping& mapping, Moment ends, bool is_filtering, Moment now) {
  const Claimant anybody{kRecovered, mapping.internal.address};
  std::erase_if(mapping.claims, [&](const Claim& claim) { return claim.claimant == anybody; });
  const Seconds left = std::chrono::ceil<Seconds>(ends - now);
  mapping.claims.push_back({anybody, {left, ends}, false, is_filtering});
}

/// When the claim can end at most if it was renewed until now for as long as it was granted before.
[[nodiscard]] Moment latest_end(const Lease& lease, Moment now) {
  return now + (lease.is_permanent ? kPermanentHold : lease.granted) + kSameEnd;
}

/// Which of the claims was renewed is known when there is one, and a renewal explains the end:
/// otherwise somebody else may have asked meanwhile, and one more claim stands for it.
void prolong(Mapping& mapping, Moment ends, Moment now) {
  const bool is_alone = mapping.claims.size() == 1;
  if (is_alone && ends <= latest_end(mapping.claims.front().lease, now)) {
    auto& claim = mapping.claims.front();
    claim.lease.ends = ends;
    claim.is_enabled = true;
    return;
  }
  add_recovered(mapping, ends, !mapping.filters.empty(), now);
}

[[nodiscard]] bool lets_in(const RemoteFilters& all, const RemoteFilter& peers) {
  auto both = all;
  both.push_back(peers);
  return normalized(std::move(both)) == all;
}

/// Lets in these peers, who are not everybody. Of several claims nobody knows which brought the
/// filters, so one more stands for it.
void restrict_to(Mapping& mapping, const Held& door, Moment now) {
  auto& claims = mapping.claims;
  std::erase_if(claims, [&](const Claim& claim) {
    const auto peers = claim.claimant.remote_filter();
    return peers && !lets_in(door.filters, *peers);
  });
  std::vector<Claim*> heeding;
  for (auto& claim : claims) {
    if (!claim.claimant.remote) heeding.push_back(&claim);
  }
  if (heeding.empty() && mapping.admitted() == door.filters) return;
  mapping.filters = door.filters;
  // Those of a claim end with it.
  for (const auto& claim : claims) {
    if (const auto peers = claim.claimant.remote_filter()) std::erase(mapping.filters, *peers);
  }
  // None at all would be for everybody.
  if (mapping.filters.empty()) mapping.filters = door.filters;
  if (heeding.size() == 1 && heeding.front()->is_enabled) {
    heeding.front()->is_filtering = true;
  } else {
    add_recovered(mapping, door.ends, true, now);
  }
}

void open_to_all(Mapping& mapping, const Held& door, Moment now) {
  const bool is_open =
      std::any_of(mapping.claims.begin(), mapping.claims.end(),
                  [](const Claim& claim) { return claim.is_enabled && !claim.claimant.remote; });
  if (!is_open) add_recovered(mapping, door.ends, false, now);
}

/// Lets in whom the firewall does: nobody else was promised so, and nobody less. The
/// administrator's own filters are those that he wants now.
void follow_filters(Mapping& mapping, const Held& door, Moment now) {
  if (mapping.is_administered() || mapping.admitted() == door.filters) return;
  mapping.filters.clear();
  for (auto& claim : mapping.claims) claim.is_filtering = false;
  if (door.filters.empty()) {
    open_to_all(mapping, door, now);
  } else {
    restrict_to(mapping, door, now);
  }
}

/// The mapping as the firewall, which is newer, has it. `asleep`: by so much a door may end later
/// than it was told. That explains a later end unless only a renewal can: who renewed and was not
/// kept has the earlier lease, while nobody has a door that was not promised. Whether that may have
/// happened.
[[nodiscard]] bool follow(Mapping& mapping, const Held& door, bool ends_leases, Milliseconds asleep,
                          Moment now) {
  mapping.external = door.external;
  const bool is_permanent =
      std::any_of(mapping.claims.begin(), mapping.claims.end(),
                  [](const Claim& claim) { return claim.is_enabled && claim.lease.is_permanent; });
  bool may_lack_renewal = false;
  if (is_permanent) {
    // Its end is but the moment until which the firewall holds it.
  } else if (!mapping.has_doors() || door.ends > mapping.doors_end() + asleep + kSameEnd) {
    prolong(mapping, door.ends, now);
  } else if (door.ends > mapping.doors_end() + kSameEnd) {
    may_lack_renewal = true;
  } else if (ends_leases && door.ends + kSameEnd < mapping.doors_end()) {
    for (auto& claim : mapping.claims) {
      if (claim.is_enabled) claim.lease.ends = std::min(claim.lease.ends, door.ends);
    }
  }
  follow_filters(mapping, door, now);
  return may_lack_renewal;
}

}  // namespace

Restoration reconcile(const StoredState& state, const FoundDoors& found, bool ends_leases,
                      Moment now) {
  HeldDoors held;
  for (const auto& timed : found.doors) {
    if (auto door = main_door(timed)) held.insert(std::move(*door));
  }
  const bool firewall_is_newer = state.is_same_boot && found.is_set_up;
  Restoration all;
  for (Mapping mapping : state.mappings) {
    const auto door = held.find(place_of(mapping.protocol, mapping.external));
    const bool has_door = door != held.end() && door->second.internal == mapping.internal;
    if (has_door && firewall_is_newer) {
      const bool may_lack = follow(mapping, door->second, ends_leases, state.asleep, now);
      if (may_lack && !state.is_complete) all.may_lack_renewals = true;
    }
    const bool should_have = mapping.has_doors() && mapping.doors_end() > now;
    if (!has_door && firewall_is_newer && should_have) {
      all.gone.push_back(std::move(mapping));
      continue;
    }
    all.mappings.push_back(std::move(mapping));
    if (has_door) held.erase(door);
  }
  for (const auto& timed : found.doors) {
    const auto door = main_door(timed);
    if (!door || held.contains(door->first)) all.unexplained.push_back(timed);
  }
  return all;
}

}  // namespace postern
