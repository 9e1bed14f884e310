#include <algorithm>
#include <cassert>

#include "core/mapping_table.h"

// How mappings of an earlier run come back.
namespace postern {
namespace {

using Cause = TableEvent::Cause;

/// The claims that come back: what the configuration wants is there already.
void leave_returning(std::vector<Claim>& claims, Moment now) {
  std::erase_if(claims, [](const Claim& claim) { return claim.claimant.frontend == kStatic; });
  end_or_prolong(claims, now);
}

/// Claims of which the mapping there has none yet, but for those with other filters than it has.
void join(Mapping& there, std::vector<Claim> claims, const RemoteFilters& filters) {
  for (auto& claim : claims) {
    const bool contradicts = claim.is_filtering && there.filters != filters;
    if (!contradicts && !there.claim_of(claim.claimant)) there.claims.push_back(std::move(claim));
  }
}

}  // namespace

void MappingTable::reserve_id(MappingId id) {
  assert(id >= next_id_);
  next_id_ = id + 1;
  // Its place in the order, whenever it comes.
  order_.set_listed(id, false);
}

auto MappingTable::restore(std::span<const Mapping> mappings, Moment now)
    -> std::vector<Unrestored> {
  const Because because(*this, Cause::restored);
  std::vector<Mapping> left(mappings.begin(), mappings.end());
  for (auto& mapping : left) leave_returning(mapping.claims, now);
  std::erase_if(left, [](const Mapping& mapping) { return mapping.claims.empty(); });
  // Who comes first of one internal endpoint is its primary.
  std::stable_partition(left.begin(), left.end(),
                        [](const Mapping& mapping) { return mapping.is_primary; });
  std::vector<Unrestored> unrestored;
  for (auto& mapping : left) {
    if (const auto restored = restore(mapping, now); !restored) {
      unrestored.push_back({std::move(mapping), restored.error()});
    }
  }
  return unrestored;
}

Result<void, MapError> MappingTable::restore(Mapping mapping, Moment now) {
  const bool is_pinhole = mapping.is_pinhole();
  const bool was_primary = mapping.is_primary;
  if (is_pinhole && !can_.pinholes) return fail(MapError::unsupported);
  mapping = judged_anew(mapping, now);
  if (mapping.claims.empty()) return fail(MapError::not_authorized);

  const auto& [protocol, port] = std::pair(mapping.protocol, mapping.external.port);
  if (PortAllocator::is_own(protocol, port)) return fail(MapError::external_port_taken);
  const Mapping* there = is_pinhole ? find_by_internal(protocol, mapping.internal)
                                    : find_by_external_port(protocol, port);
  if (there) {
    if (there->internal != mapping.internal) return fail(MapError::external_port_taken);
    Mapping joined = *there;
    join(joined, std::move(mapping.claims), mapping.filters);
    mapping = std::move(joined);
  } else if (!is_pinhole && ports_.is_occupied(protocol, port)) {
    return fail(MapError::external_port_taken);
  }
  const MappingId id = mapping.id;
  if (!change(id, std::move(mapping))) return fail(MapError::backend_refused);
  if (was_primary) prefer(id);
  return {};
}

void MappingTable::prefer(MappingId id) {
  const Mapping& mapping = *find(id);
  const Mapping& primary = *find_by_internal(mapping.protocol, mapping.internal);
  if (mapping.is_pinhole() || primary.id == id) return;
  if (primary.has_doors() && !mapping.has_doors()) return;
  make_primary(primary.id, false);
  make_primary(id, true);
}

}  // namespace postern
