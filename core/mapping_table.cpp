#include "core/mapping_table.h"

#include <algorithm>
#include <cassert>

namespace postern {
namespace {

/// Whether this claim is the claimant's own, or a recovered one that it may take over.
[[nodiscard]] bool belongs_to(const Claim& claim, const Claimant& claimant) {
  return claim.claimant == claimant ||
         (!claimant.remote && claim.claimant == Claimant{kRecovered, claimant.client});
}

[[nodiscard]] bool is_other_nonce(const Claim& claim, const std::optional<Nonce>& nonce) {
  return nonce && claim.details->nonce && *claim.details->nonce != *nonce;
}

/// How many the firewall must tell apart on this mapping.
[[nodiscard]] std::size_t filter_count(const Mapping& mapping) {
  return mapping.filters.size() + mapping.remote_count();
}

/// Whether the external endpoint is what the request wants.
[[nodiscard]] bool suits(const Mapping& mapping, const MapRequest& request) {
  if (request.placement != Placement::only_suggested) return true;
  const auto& address = request.suggested_external_address;
  const std::uint16_t port = request.suggested_external_port;
  return (!address || mapping.external.address == *address) &&
         (port == 0 || mapping.external.port == port);
}

/// Each filter once, in one fixed order.
[[nodiscard]] Result<RemoteFilters, MapError> distinct(RemoteFilters filters, bool is_v4) {
  for (const auto& filter : filters) {
    const bool is_good =
        filter.remote.network().is_v4() == is_v4 && filter.first_port <= filter.last_port;
    if (!is_good) return fail(MapError::bad_filter);
  }
  std::sort(filters.begin(), filters.end());
  filters.erase(std::unique(filters.begin(), filters.end()), filters.end());
  return filters;
}

[[nodiscard]] SharedDetails details_for(const MapRequest& request, const Claim* earlier) {
  const bool keeps_description = !request.description && earlier;
  const auto& kept = keeps_description ? earlier->details->description : std::string();
  const bool says_nothing = !request.nonce && !request.contact && !request.description;
  if (says_nothing && !request.tag && kept.empty()) return {};
  return SharedDetails(
      {request.nonce, request.description.value_or(kept), request.contact, request.tag});
}

[[nodiscard]] Claim claim_for(const MapRequest& request, const Claim* earlier, const Term& term,
                              Moment now) {
  const Lease lease = term.is_permanent ? Lease{Seconds(0), now + kPermanentHold, true}
                                        : Lease{term.lifetime, now + term.lifetime};
  Claim claim{request.claimant, lease, request.reserves_companion};
  claim.is_enabled = request.is_enabled;
  claim.details = details_for(request, earlier);
  claim.lifetime_limit = request.lifetime_limit;
  claim.is_filtering = !request.claimant.remote && request.filters && !request.filters->empty();
  if (!earlier) return claim;
  if (!request.filters) claim.is_filtering = earlier->is_filtering;
  const bool would_be_shorter = claim.lease.ends < earlier->lease.ends;
  if (!request.claimant.is_inbound() && would_be_shorter) claim.lease = earlier->lease;
  return claim;
}

/// The recovered claim that this claimant may take over.
[[nodiscard]] const Claim* recovered_by(const Mapping& mapping, const Claimant& claimant) {
  return claimant.remote ? nullptr : mapping.claim_of({kRecovered, claimant.client});
}

/// In the place of the one that it renews or takes over.
void put_claim(Mapping& mapping, Claim claim) {
  const auto own =
      std::find_if(mapping.claims.begin(), mapping.claims.end(),
                   [&](const Claim& there) { return belongs_to(there, claim.claimant); });
  if (own == mapping.claims.end()) {
    mapping.claims.push_back(std::move(claim));
  } else {
    *own = std::move(claim);
  }
}

void drop_claims_of(Mapping& mapping, const Claimant& claimant) {
  std::erase_if(mapping.claims, [&](const Claim& claim) { return belongs_to(claim, claimant); });
}

/// Whether it is about what the request is about.
[[nodiscard]] bool leads_to(const Mapping& mapping, const MapRequest& request) {
  return mapping.protocol == request.protocol && mapping.internal == request.internal;
}

/// Whether it may lead to where the request wants it, for it is the claimant's alone.
[[nodiscard]] bool may_move(const Mapping& mapping, const MapRequest& request) {
  const bool is_alone =
      std::all_of(mapping.claims.begin(), mapping.claims.end(),
                  [&](const Claim& claim) { return belongs_to(claim, request.claimant); });
  return is_alone && mapping.protocol == request.protocol && !mapping.is_pinhole() &&
         request.internal.address.is_v4();
}

[[nodiscard]] Grant grant_of(const Mapping& mapping, const Lease& lease, Moment now) {
  const Seconds left = std::chrono::floor<Seconds>(lease.ends - now);
  return {mapping.id, mapping.external.port, lease.is_permanent ? Seconds(0) : left};
}

}  // namespace

MappingTable::MappingTable(Policy policy, Capabilities can, std::uint64_t random_seed)
    : policy_(std::move(policy)), can_(can), random_(random_seed) {}

Result<Grant, MapError> MappingTable::request(const MapRequest& request, Moment now) {
  auto decided = decide(request, now, random_);
  if (!decided) return deny(request, decided.error());
  const Grant grant = decided->grant;
  if (decided->station) clients_.place(request.claimant.client, *decided->station);
  if (!change(grant.id, std::move(decided->after))) return deny(request, MapError::backend_refused);
  next_id_ = std::max(next_id_, grant.id + 1);
  return grant;
}

auto MappingTable::decide(const MapRequest& request, Moment now, Random& random) const
    -> Result<Decision, Denial> {
  const bool is_pinhole = !request.internal.address.is_v4();
  if (is_pinhole && !can_.pinholes) return fail(MapError::unsupported);
  const auto& remote = request.claimant.remote;
  if (remote && remote->address.is_v4() == is_pinhole) return fail(MapError::bad_filter);
  const Mapping* existing = existing_for(request);
  const Claim* earlier = existing ? existing->claim_of(request.claimant) : nullptr;
  if (earlier && !request.accepts_any_nonce && is_other_nonce(*earlier, request.nonce)) {
    return fail(MapError::wrong_nonce);
  }
  auto permission = policy_.judge(request);
  if (!permission) return fail(permission.error());
  if (!is_pinhole && external_addresses_.empty()) return fail(MapError::no_external_address);
  if (existing && !suits(*existing, request)) return fail(MapError::external_port_taken);
  const bool moves = existing && !leads_to(*existing, request);
  if (moves && !may_move(*existing, request)) return fail(MapError::external_port_taken);
  if (const auto room = find_room(*permission, request, existing); !room) return fail(room.error());
  const auto station = find_room_at_station(request, existing);
  if (!station) return fail(station.error());

  auto mapping = existing ? Result<Mapping, MapError>(*existing)
                          : new_mapping(request, permission->external_ports, now, random);
  if (!mapping) return fail(blame(mapping.error(), request));
  mapping->internal = request.internal;
  const RuleIndex rule = permission->rule_of(mapping->external.port);
  Claim claim = claim_for(request, earlier ? earlier : recovered_by(*mapping, request.claimant),
                          policy_.term(request, rule), now);
  claim.rule = rule;
  const Grant grant = grant_of(*mapping, claim.lease, now);
  put_claim(*mapping, std::move(claim));
  if (request.filters) {
    auto filters = distinct(*request.filters, !is_pinhole);
    if (!filters) return fail(filters.error());
    // Who may use the administrator's is for him to say.
    const bool changes_his = mapping->is_administered() && *filters != mapping->filters;
    if (changes_his) return fail(MapError::not_authorized);
    mapping->filters = std::move(*filters);
  }
  if (const auto room = find_room_for_filters(existing, *mapping); !room) return fail(room.error());
  const auto renewed = existing ? std::optional(existing->id) : std::nullopt;
  return Decision{std::move(*mapping), grant, rule, renewed, *station};
}

const Mapping* MappingTable::existing_for(const MapRequest& request) const {
  const Mapping* replaced = request.replaces ? find(*request.replaces) : nullptr;
  if (replaced) return replaced;
  const bool is_pinhole = !request.internal.address.is_v4();
  if (!is_pinhole && request.placement == Placement::another_port) return nullptr;
  if (is_pinhole || request.placement != Placement::suggested_port) {
    return find_by_internal(request.protocol, request.internal);
  }
  for (const auto& address : external_addresses_) {
    const Mapping* there =
        find_by_external(request.protocol, {address, request.suggested_external_port});
    if (there && there->internal == request.internal) return there;
  }
  return nullptr;
}

Result<Mapping, MapError> MappingTable::new_mapping(const MapRequest& request,
                                                    const PortSet& permitted, Moment now,
                                                    Random& random) const {
  if (size() >= policy_.limits().mappings) return fail(MapError::table_limit_reached);
  Mapping mapping;
  mapping.id = next_id_;
  mapping.protocol = request.protocol;
  mapping.internal = request.internal;
  mapping.created = now;
  if (mapping.is_pinhole()) {
    if (PortAllocator::is_own(request.protocol, request.internal.port)) {
      return fail(MapError::not_authorized);
    }
    // A host has as many IPv6 addresses as it likes, and each is a client: they must not use up the
    // table.
    if (pinholes_ >= (policy_.limits().mappings + 1) / 2)
      return fail(MapError::table_limit_reached);
    mapping.external = request.internal;
    if (!suits(mapping, request)) return fail(MapError::external_port_taken);
    return mapping;
  }
  const auto external = choose_external(request, permitted, now, random);
  if (!external) return fail(external.error());
  mapping.external = *external;
  return mapping;
}

Result<Endpoint, MapError> MappingTable::choose_external(const MapRequest& request,
                                                         const PortSet& permitted, Moment now,
                                                         Random& random) const {
  const auto address = choose_address(request);
  if (!address) return fail(address.error());
  const Address& holder = request.internal.address;
  const std::uint16_t suggested = request.suggested_external_port;
  if (wants_only_suggested(request)) {
    if (!permitted.contains(suggested)) return fail(MapError::external_port_denied);
    if (ports_.is_free(request.protocol, suggested, holder)) return Endpoint{*address, suggested};
    return fail(MapError::external_port_taken);
  }
  const auto port = ports_.choose({request.protocol, holder, suggested, request.internal.port, now},
                                  permitted, random);
  if (!port) return fail(MapError::no_port_available);
  return Endpoint{*address, *port};
}

Result<Address, MapError> MappingTable::choose_address(const MapRequest& request) const {
  if (const auto& suggested = request.suggested_external_address) {
    if (has_external_address(*suggested)) return *suggested;
    if (request.placement == Placement::only_suggested) return fail(MapError::external_port_taken);
  }
  return *external_address_of(request.internal.address);
}

bool MappingTable::has_external_address(const Address& address) const {
  return std::find(external_addresses_.begin(), external_addresses_.end(), address) !=
         external_addresses_.end();
}

Result<void, MapError> MappingTable::find_room_for_filters(const Mapping* before,
                                                           const Mapping& after) const {
  const std::size_t had = before ? filter_count(*before) : 0;
  const std::size_t has = filter_count(after);
  if (has <= had) return {};
  std::size_t of_client = has - had;
  for (const MappingId id : clients_.of(after.internal.address)) {
    of_client += filter_count(*find(id));
  }
  if (has > kMostFiltersOfMapping || of_client > kMostFiltersOfClient) {
    return fail(MapError::too_many_filters);
  }
  if (filters_ - had + has > kMostFilters) return fail(MapError::filter_limit_reached);
  return {};
}

Result<void, MapError> MappingTable::release(Protocol protocol, const Endpoint& internal,
                                             const Claimant& claimant,
                                             const std::optional<Nonce>& nonce) {
  const Mapping* primary = find_by_internal(protocol, internal);
  if (!primary) return {};
  std::vector<MappingId> ids{primary->id};
  const auto others = others_of_internal_.find({protocol, internal});
  if (others != others_of_internal_.end()) {
    ids.insert(ids.end(), others->second.begin(), others->second.end());
  }
  // What is the administrator's is nobody else's to take back, but what is the claimant's beside
  // it.
  const bool has_none =
      primary->is_administered() && std::none_of(ids.begin(), ids.end(), [&](MappingId id) {
        return find(id)->claim_of(claimant) != nullptr;
      });
  if (has_none) return fail(MapError::not_authorized);
  Result<void, MapError> result;
  for (const MappingId id : ids) {
    if (const auto dropped = drop_claim(*find(id), claimant, nonce); !dropped) result = dropped;
  }
  return result;
}

Result<void, MapError> MappingTable::release(MappingId id, const Claimant& claimant) {
  const Mapping* mapping = find(id);
  return mapping ? drop_claim(*mapping, claimant) : Result<void, MapError>();
}

Result<void, MapError> MappingTable::release(std::span<const MappingId> ids,
                                             std::span<const Claimant> claimants) {
  std::map<MappingId, Entry> before;
  const std::size_t touched = before_turn_.size();
  for (const MappingId id : ids) {
    if (const Mapping* mapping = find(id)) remember(*mapping, before);
  }
  for (const MappingId id : ids) {
    for (const auto& claimant : claimants) {
      const auto released = release(id, claimant);
      if (released) continue;
      put_back(std::move(before), touched);
      return released;
    }
  }
  return {};
}

Result<void, MapError> MappingTable::release_all(Protocol protocol, const Claimant& claimant) {
  const auto& ids = clients_.of(claimant.client);
  Result<void, MapError> result;
  for (const MappingId id : std::vector(ids.begin(), ids.end())) {
    const Mapping& mapping = mappings_.at(id).mapping;
    if (mapping.protocol != protocol) continue;
    const bool stays = mapping.is_administered();
    if (const auto dropped = drop_claim(mapping, claimant); !dropped) result = dropped;
    if (stays && result) result = fail(MapError::not_authorized);
  }
  return result;
}

Result<void, MapError> MappingTable::drop_claim(const Mapping& mapping, const Claimant& claimant,
                                                const std::optional<Nonce>& nonce) {
  const Claim* own = mapping.claim_of(claimant);
  if (own && is_other_nonce(*own, nonce)) return fail(MapError::wrong_nonce);
  Mapping left = mapping;
  drop_claims_of(left, claimant);
  if (left.claims.size() == mapping.claims.size()) return {};
  const MappingId id = mapping.id;
  const bool is_over = left.claims.empty();
  const bool staged = change(id, is_over ? std::nullopt : std::optional(std::move(left)));
  if (!staged) return fail(MapError::backend_refused);
  return {};
}

}  // namespace postern
