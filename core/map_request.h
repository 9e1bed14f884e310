#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/endpoint.h"
#include "core/mapping.h"
#include "core/protocol.h"
#include "core/remote_filter.h"
#include "core/time.h"

namespace postern {

/// Which external port a wish may end with.
enum class Placement : std::uint8_t {
  /// An internal endpoint has one mapping: the one it has, else the suggested port, else another.
  any_port,
  /// The suggested port or none; the internal endpoint may have mappings on other ports beside it
  /// (UPnP IGD, AddPortMapping).
  suggested_port,
  /// As any_port, but a mapping that has another external endpoint than the suggested one will not
  /// do (RFC 6887 §13.2, PREFER_FAILURE).
  only_suggested,
  /// Another mapping beside those that the internal endpoint may have: the suggested port, else
  /// another (UPnP IGD, AddAnyPortMapping for another remote host).
  another_port,
};

/// A wish for a mapping, the same for every frontend.
struct MapRequest {
  Claimant claimant;
  Protocol protocol = Protocol::udp;
  /// Where the traffic shall go; its port is never 0. IPv6 asks for a pinhole.
  Endpoint internal;
  /// 0: no wish.
  std::uint16_t suggested_external_port = 0;
  /// More than 0 unless the wish is permanent; the grant may be shorter, and longer only where
  /// `may_be_longer` says so.
  Seconds lifetime{0};
  /// See Claim.
  bool reserves_companion = false;
  Placement placement = Placement::any_port;
  /// Who may use the mapping from now on; nothing: as it was, and everybody for a new one.
  std::optional<RemoteFilters> filters = {};
  /// One of this machine's external addresses; anything else is no wish.
  std::optional<Address> suggested_external_address = {};
  /// See Claim.
  std::optional<Nonce> nonce = {};
  /// Takes over the claimant's own claim whatever its nonce is.
  bool accepts_any_nonce = false;
  /// Nothing: as it was.
  std::optional<std::string> description = {};
  std::optional<Contact> contact = {};
  /// See ClaimDetails.
  std::optional<std::uint16_t> tag = {};
  LifetimeLimit lifetime_limit = LifetimeLimit::max_lifetime;
  /// The policy's minimum lengthens the grant (RFC 6887 §15).
  bool may_be_longer = false;
  /// See Lease; `lifetime` does not matter then. Only of an inbound wish.
  bool is_permanent = false;
  /// See Claim.
  bool is_enabled = true;
  /// The mapping to renew, which moves to `internal` if it leads elsewhere and keeps its external
  /// endpoint (UPnP IGD, AddPortMapping on a port that the client has). Refused as
  /// external_port_taken when anybody but the claimant has a claim on it. One that is gone, or
  /// nothing: what `placement` says.
  std::optional<MappingId> replaces = {};
};

/// Whether a new mapping for this wish must have the suggested external port.
[[nodiscard]] constexpr bool wants_only_suggested(const MapRequest& request) {
  return request.placement == Placement::suggested_port ||
         (request.placement == Placement::only_suggested && request.suggested_external_port != 0);
}

/// Why a wish was refused. Closed: each frontend translates every one into its own codes.
enum class MapError : std::uint8_t {
  /// The policy denies it to this client or for this internal port.
  not_authorized,
  /// There is no external IPv4 address at the moment.
  no_external_address,
  /// Every permitted external port is taken or kept for another host.
  no_port_available,
  /// This client has as many mappings as it may have.
  client_limit_reached,
  /// All addresses with this client's MAC address, or all of which it is not known, together have
  /// as many mappings as they may have.
  station_limit_reached,
  /// The table has as many mappings as it may have.
  table_limit_reached,
  /// The one external endpoint that would do is taken, kept for another host, or not ours; or the
  /// internal endpoint has another one.
  external_port_taken,
  /// The policy does not permit the one external port that would do.
  external_port_denied,
  /// The claim is of somebody who knows another nonce.
  wrong_nonce,
  /// More filters and remote peers than one mapping, or one client, may have.
  too_many_filters,
  /// All clients together have as many as they may have.
  filter_limit_reached,
  /// A filter or remote peer of the other address family, or a filter with its ports turned around.
  bad_filter,
  /// The firewall backend cannot do it at all.
  unsupported,
  /// The firewall did not take it.
  backend_refused,
};

[[nodiscard]] constexpr std::string_view to_string(MapError error) {
  switch (error) {
    case MapError::not_authorized:
      return "not_authorized";
    case MapError::no_external_address:
      return "no_external_address";
    case MapError::no_port_available:
      return "no_port_available";
    case MapError::client_limit_reached:
      return "client_limit_reached";
    case MapError::station_limit_reached:
      return "station_limit_reached";
    case MapError::table_limit_reached:
      return "table_limit_reached";
    case MapError::external_port_taken:
      return "external_port_taken";
    case MapError::external_port_denied:
      return "external_port_denied";
    case MapError::wrong_nonce:
      return "wrong_nonce";
    case MapError::too_many_filters:
      return "too_many_filters";
    case MapError::filter_limit_reached:
      return "filter_limit_reached";
    case MapError::bad_filter:
      return "bad_filter";
    case MapError::unsupported:
      return "unsupported";
    case MapError::backend_refused:
      return "backend_refused";
  }
  return "?";
}

}  // namespace postern
