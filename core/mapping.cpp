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

bool Mapping::has_inbound_claim() const {
  return std::any_of(claims.begin(), claims.end(),
                     [](const Claim& claim) { return claim.claimant.is_inbound(); });
}

bool Mapping::has_filtering_claim() const {
  return std::any_of(claims.begin(), claims.end(),
                     [](const Claim& claim) { return claim.is_filtering; });
}

const Claim* Mapping::claim_of(const Claimant& claimant) const {
  const auto found = std::find_if(claims.begin(), claims.end(),
                                  [&](const Claim& claim) { return claim.claimant == claimant; });
  return found == claims.end() ? nullptr : &*found;
}

std::size_t Mapping::remote_count() const {
  return static_cast<std::size_t>(std::count_if(
      claims.begin(), claims.end(), [](const Claim& c) { return !c.claimant.is_inbound(); }));
}

RemoteFilters Mapping::admitted() const {
  const bool is_inbound = has_inbound_claim();
  if (is_inbound && filters.empty()) return {};
  RemoteFilters all = is_inbound ? filters : RemoteFilters();
  for (const auto& claim : claims) {
    if (const auto& remote = claim.claimant.remote) {
      all.push_back({Prefix::of(remote->address), remote->port, remote->port});
    }
  }
  return normalized(std::move(all));
}

}  // namespace postern
