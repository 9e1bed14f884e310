#include <algorithm>
#include <tuple>

#include "core/mapping_table.h"

// What the administrator wants: mappings that no client can take back, and taking back theirs.
namespace postern {
namespace {

using Cause = TableEvent::Cause;

[[nodiscard]] RemoteFilters ordered(RemoteFilters filters) {
  std::sort(filters.begin(), filters.end());
  filters.erase(std::unique(filters.begin(), filters.end()), filters.end());
  return filters;
}

[[nodiscard]] Claim claim_for(const StaticMapping& wanted, std::string_view frontend, Moment now) {
  Claim claim{{frontend, wanted.internal.address}, {Seconds(0), now + kPermanentHold, true}};
  claim.is_filtering = !wanted.remotes.empty();
  ClaimDetails details;
  details.description = wanted.name;
  claim.details = SharedDetails(std::move(details));
  return claim;
}

/// Whether it is already as the administrator wants it.
[[nodiscard]] bool has_claim_like(const Mapping& mapping, const Claim& wanted,
                                  const RemoteFilters& filters) {
  const Claim* own = mapping.claim_of(wanted.claimant);
  return own && own->is_filtering == wanted.is_filtering && own->details == wanted.details &&
         mapping.filters == filters;
}

/// The administrator says who may come in, whatever others said. Claims with other filters end, for
/// once his claim is gone nobody would know theirs.
void put_claim(Mapping& mapping, Claim claim, RemoteFilters filters) {
  const bool are_others = mapping.filters != filters;
  std::erase_if(mapping.claims, [&](const Claim& there) {
    return there.claimant == claim.claimant || (there.is_filtering && are_others);
  });
  mapping.filters = std::move(filters);
  mapping.claims.push_back(std::move(claim));
}

/// Whether clients say who may come in, and he says otherwise.
[[nodiscard]] bool contradicts(const RemoteFilters& filters, const Mapping& mapping) {
  const bool clients_say = std::any_of(
      mapping.claims.begin(), mapping.claims.end(),
      [](const Claim& claim) { return claim.is_filtering && !claim.claimant.is_administrator(); });
  return clients_say && mapping.filters != filters;
}

}  // namespace

Result<MappingId, MapError> MappingTable::administer(const StaticMapping& wanted,
                                                     std::string_view frontend, Moment now,
                                                     const Mapping* earlier) {
  const Because because(*this, Cause::administered);
  const auto& [protocol, internal] = std::tie(wanted.protocol, wanted.internal);
  const bool is_pinhole = !internal.address.is_v4();
  if (is_pinhole && !can_.pinholes) return fail(MapError::unsupported);
  if (PortAllocator::is_own(protocol, wanted.external_port))
    return fail(MapError::external_port_taken);
  const Mapping* there = is_pinhole ? find_by_internal(protocol, internal)
                                    : find_by_external_port(protocol, wanted.external_port);
  const bool overrides = frontend == kStatic;
  const bool is_static = there && there->claim_of({kStatic, there->internal.address});
  // The configuration would only take it back.
  if (is_static && !overrides) return fail(MapError::external_port_taken);
  if (there && there->internal != internal) {
    if (!overrides || is_static) return fail(MapError::external_port_taken);
    if (!change(there->id, std::nullopt)) return fail(MapError::backend_refused);
    there = nullptr;
  }
  const bool may_have = there || is_pinhole || overrides ||
                        ports_.is_free(protocol, wanted.external_port, internal.address);
  if (!may_have) return fail(MapError::external_port_taken);

  auto filters = ordered(wanted.remotes);
  Claim claim = claim_for(wanted, frontend, now);
  if (there && has_claim_like(*there, claim, filters)) return there->id;
  if (!overrides && there && contradicts(filters, *there)) {
    return fail(MapError::external_port_taken);
  }
  Mapping mapping = there ? *there : new_static(wanted, earlier, now);
  put_claim(mapping, std::move(claim), std::move(filters));
  const MappingId id = mapping.id;
  if (!change(id, std::move(mapping))) return fail(MapError::backend_refused);
  next_id_ = std::max(next_id_, id + 1);
  return id;
}

Mapping MappingTable::new_static(const StaticMapping& wanted, const Mapping* earlier,
                                 Moment now) const {
  Mapping mapping;
  mapping.id = earlier ? earlier->id : next_id_;
  mapping.created = earlier ? earlier->created : now;
  mapping.protocol = wanted.protocol;
  mapping.internal = wanted.internal;
  mapping.external = wanted.internal;
  if (mapping.is_pinhole()) return mapping;
  // Without an address the port is kept until there is one.
  const auto address = external_address_of(wanted.internal.address);
  mapping.external = {address.value_or(Address::v4(0)), wanted.external_port};
  return mapping;
}

void MappingTable::set_static(std::span<const StaticMapping> wanted, Moment now) {
  const Because because(*this, Cause::administered);
  using Place = std::tuple<Protocol, Endpoint, std::uint16_t>;
  std::set<Place> places;
  for (const auto& one : wanted) places.emplace(one.protocol, one.internal, one.external_port);
  std::vector<MappingId> unwanted;
  for (const MappingId id : static_) {
    const auto& mapping = *find(id);
    const Place place{mapping.protocol, mapping.internal, mapping.external.port};
    if (!places.contains(place)) unwanted.push_back(id);
  }
  for (const MappingId id : unwanted) {
    Mapping left = *find(id);
    std::erase_if(left.claims,
                  [](const Claim& claim) { return claim.claimant.frontend == kStatic; });
    const bool is_over = left.claims.empty();
    (void)change(id, is_over ? std::nullopt : std::optional(std::move(left)));
  }
  // What the firewall refuses is tried again with the next rebuild.
  for (const auto& one : wanted) (void)administer(one, kStatic, now);
}

Result<void, MapError> MappingTable::remove(MappingId id) {
  const Because because(*this, Cause::administered);
  const Mapping* mapping = find(id);
  if (!mapping) return {};
  if (mapping->claim_of({kStatic, mapping->internal.address})) {
    return fail(MapError::not_authorized);
  }
  if (!change(id, std::nullopt)) return fail(MapError::backend_refused);
  return {};
}

}  // namespace postern
