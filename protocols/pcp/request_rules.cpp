#include "protocols/pcp/request_rules.h"

#include <algorithm>

namespace postern::pcp {
namespace {

/// Whether an ordinary host can have this address.
[[nodiscard]] bool is_possible_peer(const Address& address) {
  return !address.is_unspecified() && !address.is_loopback() && !address.is_multicast() &&
         !address.is_limited_broadcast();
}

/// The prefix length fits the peer's family, which is the internal host's own (RFC 6887 §13.3).
/// A filter that removes the earlier ones names no peer.
[[nodiscard]] bool has_good_filters(const Options& options, const Address& internal) {
  return std::all_of(options.begin(), options.end(), [&](const Option& option) {
    const auto* filter = std::get_if<Filter>(&option);
    return !filter || filter->removes_all() ||
           (filter->has_valid_length() && filter->remote.is_v4() == internal.is_v4());
  });
}

/// RFC 6887 §11.3, §13.2, §13.3, §15.1.
[[nodiscard]] std::optional<ResultCode> broken_rule(const MapRequest& map, const Request& request) {
  const bool prefers_failure = find_option<PreferFailure>(request.options) != nullptr;
  const bool has_filters = find_option<Filter>(request.options) != nullptr;
  if (request.lifetime == 0 && (prefers_failure || has_filters)) {
    return ResultCode::malformed_option;
  }
  if (prefers_failure && map.external_port == 0) return ResultCode::malformed_option;
  if (!has_good_filters(request.options, request.internal_address())) {
    return ResultCode::malformed_option;
  }
  if (map.protocol == 0 && map.internal_port != 0) return ResultCode::malformed_request;
  return std::nullopt;
}

/// RFC 6887 §12.1, §12.3. Both ends of a flow as the client sees them are of one family.
[[nodiscard]] std::optional<ResultCode> broken_rule(const PeerRequest& peer,
                                                    const Request& request) {
  if (peer.protocol == 0 || peer.internal_port == 0 || peer.remote.port == 0 ||
      !is_possible_peer(peer.remote.address) ||
      peer.remote.address.is_v4() != request.internal_address().is_v4() ||
      find_option<PreferFailure>(request.options)) {
    return ResultCode::malformed_request;
  }
  return std::nullopt;
}

[[nodiscard]] std::optional<ResultCode> broken_rule(const AnnounceRequest&, const Request&) {
  return std::nullopt;
}

}  // namespace

std::optional<ResultCode> find_broken_rule(const Request& request) {
  return std::visit([&](const auto& body) { return broken_rule(body, request); }, request.body);
}

}  // namespace postern::pcp
