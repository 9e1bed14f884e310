#include "core/mapping.h"

#include <algorithm>
#include <cassert>

namespace postern {
namespace {

[[nodiscard]] bool ends_earlier(const Claim& left, const Claim& right) {
  return left.lease.ends < right.lease.ends;
}

const ClaimDetails kNoDetails;

}  // namespace

SharedDetails::SharedDetails(ClaimDetails details) {
  if (details != kNoDetails) details_ = std::make_shared<const ClaimDetails>(std::move(details));
}

const ClaimDetails& SharedDetails::operator*() const {
  return details_ ? *details_ : kNoDetails;
}

std::optional<RemoteFilter> Claimant::remote_filter() const {
  if (!remote) return std::nullopt;
  const auto& [address, port] = *remote;
  const Prefix hosts = address.is_unspecified() ? Prefix(address, 0) : Prefix::of(address);
  return port == 0 ? RemoteFilter{hosts} : RemoteFilter{hosts, port, port};
}

Moment Mapping::ends() const {
  assert(!claims.empty());
  return std::max_element(claims.begin(), claims.end(), ends_earlier)->lease.ends;
}

Moment Mapping::first_due() const {
  Moment first = Moment::max();
  for (const auto& claim : claims) first = std::min(first, claim.lease.due());
  return first;
}

bool Mapping::has_doors() const {
  if (!is_pinhole() && external.address.is_unspecified()) return false;
  return std::any_of(claims.begin(), claims.end(),
                     [](const Claim& claim) { return claim.is_enabled; });
}

Moment Mapping::doors_end() const {
  assert(has_doors());
  Moment last = Moment::min();
  for (const auto& claim : claims) {
    if (claim.is_enabled) last = std::max(last, claim.lease.ends);
  }
  return last;
}

bool Mapping::reserves_companion() const {
  return std::any_of(claims.begin(), claims.end(),
                     [](const Claim& claim) { return claim.reserves_companion; });
}

bool Mapping::has_inbound_claim() const {
  return std::any_of(claims.begin(), claims.end(),
                     [](const Claim& claim) { return claim.claimant.is_inbound(); });
}

bool Mapping::has_enabled_inbound_claim() const {
  return std::any_of(claims.begin(), claims.end(), [](const Claim& claim) {
    return claim.is_enabled && claim.claimant.is_inbound();
  });
}

bool Mapping::has_filtering_claim() const {
  return std::any_of(claims.begin(), claims.end(),
                     [](const Claim& claim) { return claim.is_filtering; });
}

bool Mapping::is_administered() const {
  return std::any_of(claims.begin(), claims.end(),
                     [](const Claim& claim) { return claim.claimant.is_administrator(); });
}

bool Mapping::has_claim_of(const Address& client) const {
  return std::any_of(claims.begin(), claims.end(), [&](const Claim& claim) {
    return claim.claimant.client == client && !claim.claimant.is_administrator();
  });
}

const Claim* Mapping::claim_of(const Claimant& claimant) const {
  const auto found = std::find_if(claims.begin(), claims.end(),
                                  [&](const Claim& claim) { return claim.claimant == claimant; });
  return found == claims.end() ? nullptr : &*found;
}

std::size_t Mapping::remote_count() const {
  return static_cast<std::size_t>(std::count_if(
      claims.begin(), claims.end(), [](const Claim& claim) { return claim.claimant.remote; }));
}

RemoteFilters Mapping::admitted() const {
  const bool heeds_filters = std::any_of(claims.begin(), claims.end(), [](const Claim& claim) {
    return claim.is_enabled && !claim.claimant.remote;
  });
  if (heeds_filters && filters.empty()) return {};
  RemoteFilters all = heeds_filters ? filters : RemoteFilters();
  // Nobody else lets anybody in where the administrator said who may come.
  const bool is_his = std::any_of(claims.begin(), claims.end(), [](const Claim& claim) {
    return claim.is_filtering && claim.claimant.is_administrator();
  });
  if (is_his) return normalized(std::move(all));
  for (const auto& claim : claims) {
    if (const auto filter = claim.claimant.remote_filter()) all.push_back(*filter);
  }
  return normalized(std::move(all));
}

void end_or_prolong(std::vector<Claim>& claims, Moment now) {
  std::erase_if(claims, [now](const Claim& claim) {
    return !claim.lease.is_permanent && claim.lease.ends <= now;
  });
  for (auto& claim : claims) {
    auto& lease = claim.lease;
    if (lease.is_permanent && lease.due() <= now) lease.ends = now + kPermanentHold;
  }
}

}  // namespace postern
