#pragma once

#include <string_view>

namespace postern {

/// Tells the service manager a state such as "READY=1" (sd_notify(3)); does nothing where there is
/// none. The protocol is one datagram to the socket that NOTIFY_SOCKET names; libsystemd is not
/// needed for it.
void notify_service_manager(std::string_view state);

}  // namespace postern
