#include <utility>

#include "core/mapping_table.h"

// What becomes of mappings when the rules change.
namespace postern {

std::size_t MappingTable::set_policy(Policy policy) {
  policy.set_lan_prefixes(policy_.lan_prefixes());
  policy_ = std::move(policy);
  const Because because(*this, TableEvent::Cause::policy);
  std::vector<MappingId> ids;
  ids.reserve(mappings_.size());
  for (const auto& [id, entry] : mappings_) ids.push_back(id);
  std::size_t refused = 0;
  for (const MappingId id : ids) {
    Mapping left = *find(id);
    const auto denied =
        std::erase_if(left.claims, [&](const Claim& claim) { return !is_permitted(left, claim); });
    if (denied == 0) continue;
    const bool is_over = left.claims.empty();
    if (!change(id, is_over ? std::nullopt : std::optional(std::move(left)))) ++refused;
  }
  return refused;
}

}  // namespace postern
