#include "protocols/upnp/map_faults.h"

#include <algorithm>

namespace postern::upnp {

Result<Grant, MapError> carry_out(const Intent& intent, const Invocation& invocation) {
  auto& table = invocation.table();
  if (!intent.decided) return table.request(intent.wish, invocation.around.now);
  const auto& decided = *intent.decided;
  if (!decided) return table.deny(intent.wish, decided.error());
  return *decided;
}

Fault port_mapping_fault(MapError error, const Invocation& invocation) {
  using namespace faults;
  switch (error) {
    case MapError::not_authorized:
    case MapError::external_port_denied:
      return invocation.by_version(kConflictInMappingEntry, kActionNotAuthorized);
    case MapError::external_port_taken:
      return invocation.by_version(kConflictInMappingEntry, kConflictWithOtherMechanisms);
    case MapError::no_port_available:
    case MapError::client_limit_reached:
    case MapError::station_limit_reached:
    case MapError::table_limit_reached:
    case MapError::too_many_filters:
    case MapError::filter_limit_reached:
      return invocation.by_version(kActionFailed, kNoPortMapsAvailable);
    case MapError::no_external_address:
    case MapError::wrong_nonce:
    case MapError::bad_filter:
    case MapError::unsupported:
    case MapError::backend_refused:
      return kActionFailed;
  }
  return kActionFailed;
}

Fault conflict_with(const Mapping& holder, const Invocation& invocation) {
  const bool may_be_upnp =
      std::any_of(holder.claims.begin(), holder.claims.end(), [](const Claim& claim) {
        return claim.claimant.frontend == kFrontendName || claim.claimant.frontend == kRecovered;
      });
  return may_be_upnp ? faults::kConflictInMappingEntry
                     : port_mapping_fault(MapError::external_port_taken, invocation);
}

Fault pinhole_fault(MapError error) {
  switch (error) {
    case MapError::not_authorized:
    case MapError::external_port_denied:
      return faults::kActionNotAuthorized;
    case MapError::no_port_available:
    case MapError::client_limit_reached:
    case MapError::station_limit_reached:
    case MapError::table_limit_reached:
    case MapError::too_many_filters:
    case MapError::filter_limit_reached:
      return faults::kPinholeSpaceExhausted;
    case MapError::unsupported:
      return faults::kInboundPinholeNotAllowed;
    case MapError::no_external_address:
    case MapError::external_port_taken:
    case MapError::wrong_nonce:
    case MapError::bad_filter:
    case MapError::backend_refused:
      return faults::kActionFailed;
  }
  return faults::kActionFailed;
}

}  // namespace postern::upnp
