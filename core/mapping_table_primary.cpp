#include <algorithm>
#include <cassert>

#include "core/mapping_table.h"

// Which of several mappings of one internal endpoint has its outbound port.
namespace postern {

bool MappingTable::change(MappingId id, std::optional<Mapping> after) {
  const Mapping* before = find(id);
  const bool stays = before && after && before->internal == after->internal;
  const bool is_same = stays && before->has_doors() == after->has_doors();
  if (is_same || (before ? before : &*after)->is_pinhole()) return stage(id, std::move(after));

  const bool leaves = before && before->is_primary && !(stays && after->has_doors());
  const auto heir = leaves ? heir_of(*before, stays) : std::nullopt;
  std::optional<MappingId> yields;
  if (after) {
    const Mapping* primary = find_by_internal(after->protocol, after->internal);
    const bool is_itself = primary && primary->id == id;
    if (primary && !is_itself && after->has_doors() && !primary->has_doors()) yields = primary->id;
    after->is_primary = !primary || yields || (is_itself && !heir);
  }
  // What has no doors is not refused.
  if (yields) make_primary(*yields, false);
  if (!stage(id, std::move(after))) {
    if (yields) make_primary(*yields, true);
    return false;
  }
  // Nor this: its forward stays, and the other doors have the keys of those that ended.
  if (heir) make_primary(*heir, true);
  return true;
}

std::optional<MappingId> MappingTable::heir_of(const Mapping& primary, bool only_with_doors) const {
  const auto found = others_of_internal_.find({primary.protocol, primary.internal});
  if (found == others_of_internal_.end()) return std::nullopt;
  const auto& others = found->second;
  const auto with_doors = std::find_if(others.begin(), others.end(),
                                       [this](MappingId id) { return find(id)->has_doors(); });
  if (with_doors != others.end()) return *with_doors;
  return only_with_doors ? std::nullopt : std::optional(*others.begin());
}

void MappingTable::make_primary(MappingId id, bool is_primary) {
  auto& entry = mappings_.at(id);
  Mapping mapping = entry.mapping;
  const Moment due = entry.due;
  mapping.is_primary = is_primary;
  const bool staged = stage(id, std::move(mapping));
  assert(staged);
  (void)staged;
  // It may be due as well, and be next.
  schedule(entry, due);
}

bool MappingTable::is_linked_internally(const Mapping& mapping) const {
  const Mapping* primary = find_by_internal(mapping.protocol, mapping.internal);
  if (mapping.is_pinhole() || mapping.is_primary) return primary == &mapping;
  const auto others = others_of_internal_.find({mapping.protocol, mapping.internal});
  return primary && primary != &mapping && (primary->has_doors() || !mapping.has_doors()) &&
         others != others_of_internal_.end() && others->second.contains(mapping.id);
}

}  // namespace postern
