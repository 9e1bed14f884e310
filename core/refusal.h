#pragma once

#include <cstdint>
#include <string>

#include "core/endpoint.h"
#include "core/map_request.h"
#include "core/mapping.h"
#include "core/protocol.h"

namespace postern {

/// A wish that was not granted; for whoever asks why. Told only once the turn stands.
struct Refusal {
  Claimant claimant;
  Protocol protocol = Protocol::udp;
  Endpoint internal;
  /// 0: no wish.
  std::uint16_t suggested_external_port = 0;
  MapError error = MapError::not_authorized;
  /// The name of the rule that decided; empty when none did.
  std::string rule;

  friend bool operator==(const Refusal&, const Refusal&) = default;
};

}  // namespace postern
