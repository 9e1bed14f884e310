#pragma once

#include <optional>

#include "core/http.h"
#include "protocols/upnp/identity.h"

namespace postern::upnp {

/// The reply to a request that gets nowhere, whatever its body is. The first of these that fits:
///   1. 400: HTTP/1.1 without Host;
///   2. 403: Host names something else than the address that was asked (HTTP-09);
///   3. 403: a browser makes it for a web page (HTTP-10), as far as that can be seen: see
///      is_from_browser();
///   4. 501: a method that no resource has;
///   5. 404: no path of this gateway;
///   6. 405: a method that the resource has not.
[[nodiscard]] std::optional<HttpReply> refusal_of(const HttpRequest& request,
                                                  const Identity& identity);

}  // namespace postern::upnp
