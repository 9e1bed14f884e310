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
  Epoch epoch;
  MappingTable table;
};

}  // namespace postern
