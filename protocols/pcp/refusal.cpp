#include "protocols/pcp/refusal.h"

#include "protocols/pcp/decision.h"
#include "protocols/pcp/intent.h"

namespace postern::pcp {
namespace {

[[nodiscard]] ResultCode result_of(MapError error, Opcode opcode) {
  switch (error) {
    case MapError::not_authorized:
    case MapError::wrong_nonce:
      return ResultCode::not_authorized;
    case MapError::no_external_address:
      return ResultCode::network_failure;
    case MapError::no_port_available:
    case MapError::table_limit_reached:
    case MapError::filter_limit_reached:
    case MapError::backend_refused:
      return ResultCode::no_resources;
    case MapError::client_limit_reached:
    case MapError::station_limit_reached:
      return ResultCode::user_ex_quota;
    case MapError::external_port_taken:
    case MapError::external_port_denied:
      return ResultCode::cannot_provide_external;
    case MapError::too_many_filters:
      // Only FILTER may be told of too many filters; a PEER has become one of them here.
      return opcode == Opcode::map ? ResultCode::excessive_remote_peers : ResultCode::user_ex_quota;
    case MapError::bad_filter:
      return ResultCode::malformed_option;
    case MapError::unsupported:
      return ResultCode::unsupp_protocol;
  }
  return ResultCode::no_resources;
}

}  // namespace

postern::Refusal refusal_of(const Address& client, const Address& host, const MapFields& fields,
                            std::string_view own_word) {
  postern::Refusal refused;
  refused.claimant = {kFrontendName, client};
  refused.protocol = protocol_of(fields.protocol);
  refused.internal = {host, fields.internal_port};
  refused.suggested_external_port = fields.external_port;
  refused.own_word = own_word;
  return refused;
}

Refusal refusal(MapError error, Opcode opcode) {
  const ResultCode result = result_of(error, opcode);
  // What the policy forbids does not pass by itself.
  const std::uint32_t lifetime = error == MapError::external_port_denied
                                     ? error_lifetime(ResultCode::not_authorized)
                                     : error_lifetime(result);
  return {result, lifetime, to_string(error)};
}

}  // namespace postern::pcp
