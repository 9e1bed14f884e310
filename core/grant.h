#pragma once

#include <cstdint>
#include <optional>

#include "core/endpoint.h"
#include "core/mapping.h"
#include "core/time.h"

namespace postern {

/// What a client got.
struct Grant {
  MappingId id = 0;
  std::uint16_t external_port = 0;
  /// What is left of the claim's lease: at most what was asked for, unless it is for a remote peer
  /// and was longer already. 0 for a permanent one.
  Seconds lifetime{0};
};

/// What a request would get, were it made now.
struct Preview {
  /// Of a new mapping, the id that it would have.
  Grant grant;
  Endpoint external;
  /// By which rule.
  RuleIndex rule = kNoRule;
  /// The mapping that it would renew; nothing: it would be a new one.
  std::optional<MappingId> existing = {};
};

}  // namespace postern
