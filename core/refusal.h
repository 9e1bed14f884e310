#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/endpoint.h"
#include "core/map_request.h"
#include "core/mapping.h"
#include "core/protocol.h"

namespace postern {

/// A wish that was not granted; for whoever asks why. Told only once the turn stands.
struct Refusal {
  Claimant claimant;
  /// Nothing: none that can be mapped.
  std::optional<Protocol> protocol = Protocol::udp;
  Endpoint internal;
  /// 0: no wish.
  std::uint16_t suggested_external_port = 0;
  MapError error = MapError::not_authorized;
  /// The name of the rule that decided; empty when none did.
  std::string rule = {};
  /// A constant word of the frontend's, which decided alone and for none of these errors; empty: it
  /// is the error.
  std::string_view own_word = {};

  [[nodiscard]] std::string_view why() const {
    return own_word.empty() ? to_string(error) : own_word;
  }
  friend bool operator==(const Refusal&, const Refusal&) = default;
};

}  // namespace postern
