#pragma once

#include <optional>

#include "core/gateway_state.h"
#include "core/intent.h"
#include "core/result.h"
#include "protocols/pcp/refusal.h"
#include "protocols/pcp/settings.h"
#include "protocols/pcp/wire.h"

/// What requests want of the mapping table. Nothing is changed here.
namespace postern::pcp {

/// Nothing for those that cannot be mapped.
[[nodiscard]] std::optional<Protocol> protocol_of(std::uint8_t number);

/// Why the client may not ask for the host that it asks for (RFC 6887 §13.1); nothing: it may.
[[nodiscard]] std::optional<Refusal> check_host(const Request& request, const Settings& settings,
                                                const GatewayState& state);

/// Whether the request takes over a claim with another nonce: of the host itself alone, for of a
/// controller the host's nonce is asked all the same (§13.1).
[[nodiscard]] bool accepts_any_nonce(const Request& request, const Settings& settings);

/// What MAP and PEER have in common, without what they suggest and without a contact.
[[nodiscard]] postern::MapRequest wish_of(const Request& request, Protocol protocol,
                                          const MapFields& fields, const Settings& settings);

/// Adds the external endpoint that the request suggests.
void suggest(postern::MapRequest& wish, const MapFields& fields, const GatewayState& state);

/// Of a MAP request that has a lifetime and whose host was checked (RFC 6887 §11.3); without a
/// contact.
[[nodiscard]] Result<Intent, Refusal> intent_of(const Request& request, const MapRequest& map,
                                                const Settings& settings,
                                                const GatewayState& state);

}  // namespace postern::pcp
