#include "core/mapping.h"

#include <algorithm>
#include <cassert>

namespace postern {
namespace {

[[nodiscard]] bool ends_earlier(const Claim& left, const Claim& right) {
  return left.lease.ends < right.lease.ends;
}

}  // namespace

Moment Mapping::ends() const {
  assert(!claims.empty());
  return std::max_element(claims.begin(), claims.end(), ends_earlier)->lease.ends;
}

Moment Mapping::first_claim_ends() const {
  assert(!claims.empty());
  return std::min_element(claims.begin(), claims.end(), ends_earlier)->lease.ends;
}

bool Mapping::reserves_companion() const {
  return std::any_of(claims.begin(), claims.end(),
                     [](const Claim& claim) { return claim.reserves_companion; });
}

}  // namespace postern
