#include "daemon/control.h"

#include "protocols/natpmp/frontend.h"
#include "protocols/pcp/decision.h"
#include "protocols/upnp/invocation.h"

namespace postern {
namespace {

constexpr int kForbidden = 403;
constexpr int kNotFound = 404;
constexpr int kConflict = 409;
constexpr int kNotImplemented = 501;
constexpr int kUnavailable = 503;

struct Words {
  int status;
  const char* text;
};

[[nodiscard]] Words words_for(MapError error) {
  switch (error) {
    case MapError::not_authorized:
      return {kForbidden, "the rules deny it"};
    case MapError::no_external_address:
      return {kUnavailable, "there is no external IPv4 address at the moment"};
    case MapError::no_port_available:
      return {kConflict, "every permitted external port is taken"};
    case MapError::client_limit_reached:
      return {kConflict, "this host has as many mappings as it may have"};
    case MapError::station_limit_reached:
      return {kConflict,
              "all addresses with this host's MAC address, or all whose MAC address is not"
              " known, have as many mappings as they may have together"};
    case MapError::table_limit_reached:
      return {kConflict, "there are as many mappings as there may be; see limits.mappings"};
    case MapError::external_port_taken:
      return {kConflict, "the external port is taken, by a mapping or a program of this machine"};
    case MapError::external_port_denied:
      return {kForbidden, "the rules deny this external port"};
    case MapError::wrong_nonce:
      return {kForbidden, "the mapping is of somebody who knows another nonce"};
    case MapError::too_many_filters:
      return {kConflict, "one mapping, or one host, has too many filters"};
    case MapError::filter_limit_reached:
      return {kConflict, "there are as many filters as there may be"};
    case MapError::bad_filter:
      return {kConflict, "a filter does not fit the mapping's addresses"};
    case MapError::unsupported:
      return {kNotImplemented, "the firewall backend cannot do it"};
    case MapError::backend_refused:
      return {kUnavailable, "the firewall did not take it; the log says why"};
  }
  return {kConflict, "it was refused"};
}

}  // namespace

std::vector<std::string_view> frontend_names() {
  return {natpmp::kFrontendName, pcp::kFrontendName, upnp::kFrontendName};
}

ControlError control_error(MapError error) {
  const auto [status, text] = words_for(error);
  return {status, std::string(to_string(error)), text};
}

ControlError no_such_mapping(MappingId id) {
  return {kNotFound, "no_such_mapping", "there is no mapping " + std::to_string(id)};
}

}  // namespace postern
