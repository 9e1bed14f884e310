#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "protocols/upnp/gena_request.h"

namespace postern::upnp {

/// A state variable and its value, as text that is not escaped.
struct Property {
  std::string_view name;
  std::string value;
};

/// A whole NOTIFY request that tells one subscriber of these values (GENA-08).
[[nodiscard]] std::string emit_notify(const CallbackUrl& callback, std::string_view sid,
                                      std::uint32_t seq, std::span<const Property> properties);

}  // namespace postern::upnp
