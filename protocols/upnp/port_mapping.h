#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/address.h"
#include "core/mapping.h"
#include "core/result.h"
#include "core/time.h"
#include "protocols/upnp/soap_faults.h"

/// Mappings as WANIPConnection knows them.
namespace postern::upnp {

/// An entry of the list, whoever made it.
struct PortMapping {
  /// Empty: any.
  std::string remote_host;
  std::uint16_t external_port = 0;
  /// "TCP" or "UDP".
  std::string_view protocol;
  std::uint16_t internal_port = 0;
  std::string internal_client;
  bool is_enabled = true;
  std::string description;
  /// Seconds that are left; 0 for one that has no end.
  std::uint32_t lease = 0;

  friend bool operator==(const PortMapping&, const PortMapping&) = default;
};

/// Of a mapping that is listed. Shows what UPnP was told of it, else what another protocol was.
[[nodiscard]] PortMapping port_mapping(const Mapping& mapping, Moment now);

/// The one host outside that may use the mapping; nothing: any, or what RemoteHost cannot say.
[[nodiscard]] std::optional<Address> remote_host_of(const Mapping& mapping);

/// NewRemoteHost: an IPv4 address, or nothing for the empty text. 402 for anything else; names are
/// never looked up (IGD-075).
[[nodiscard]] Result<std::optional<Address>, Fault> read_remote_host(std::string_view text);

/// NewProtocol.
[[nodiscard]] Protocol read_protocol(std::string_view text);

}  // namespace postern::upnp
