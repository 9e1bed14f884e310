#pragma once

#include <cstdint>
#include <string>

#include "core/endpoint.h"
#include "core/protocol.h"
#include "core/remote_filter.h"

namespace postern {

/// A mapping that the administrator wants, and that no client can take back.
struct StaticMapping {
  /// For whoever looks at the mapping. UTF-8.
  std::string name;
  Protocol protocol = Protocol::udp;
  /// IPv6 is a pinhole.
  Endpoint internal;
  /// Of a pinhole: its internal port.
  std::uint16_t external_port = 0;
  /// Who may use it; empty: everybody. At most kMostFiltersOfMapping, of the internal address's
  /// family.
  RemoteFilters remotes = {};

  friend bool operator==(const StaticMapping&, const StaticMapping&) = default;
};

}  // namespace postern
