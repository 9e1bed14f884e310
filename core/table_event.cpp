#include "core/table_event.h"

#include <algorithm>

namespace postern {
namespace {

[[nodiscard]] bool is_same_but_for_lease(const Claim& left, const Claim& right) {
  return left.claimant == right.claimant && left.is_enabled == right.is_enabled &&
         left.lease.is_permanent == right.lease.is_permanent &&
         left.details->description == right.details->description;
}

[[nodiscard]] bool ends_alike(const Claim& left, const Claim& right) {
  return left.lease.is_permanent || left.lease == right.lease;
}

}  // namespace

TableEvent::ListChange list_change(const Mapping* before, const Mapping* after) {
  using enum TableEvent::ListChange;
  const bool was_listed = before && before->is_listed();
  const bool is_listed = after && after->is_listed();
  if (was_listed != is_listed) return count;
  if (!is_listed) return none;
  const auto claims_are = [&](const auto& alike) {
    return std::equal(before->claims.begin(), before->claims.end(), after->claims.begin(),
                      after->claims.end(), alike);
  };
  const bool is_same_entry = before->internal == after->internal &&
                             before->external == after->external &&
                             before->filters == after->filters && claims_are(is_same_but_for_lease);
  if (!is_same_entry) return entry;
  return claims_are(ends_alike) ? none : lease;
}

}  // namespace postern
