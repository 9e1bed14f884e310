#pragma once

#include "core/gateway_state.h"
#include "core/intent.h"
#include "core/result.h"
#include "daemon/config.h"
#include "daemon/control.h"
#include "protocols/upnp/http_frontend.h"

namespace postern {

/// What the frontend would want of the mapping table that the client asks, as the frontend itself
/// makes it. The client is taken to know the nonce of what it has. An error when this daemon does
/// not speak the protocol. `upnp` may be null.
[[nodiscard]] Result<Intent, ControlError> intent_of(const Question& question, const Config& config,
                                                     const GatewayState& state,
                                                     const upnp::Frontend* upnp);

}  // namespace postern
