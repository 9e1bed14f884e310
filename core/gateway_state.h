#pragma once

#include "core/epoch.h"
#include "core/external_address.h"
#include "core/mapping_table.h"
#include "core/network.h"

namespace postern {

/// What the frontends share: they decide about requests with it and on it.
struct GatewayState {
  Network network;
  ExternalAddress external_address;
  /// Of the IPv4 side, where addresses are translated.
  Epoch epoch;
  /// Of the IPv6 side, whose pinholes stay when the external IPv4 address changes (RFC 6887 §8.5).
  Epoch pinhole_epoch;
  MappingTable table;
};

}  // namespace postern
