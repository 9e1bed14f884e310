#pragma once

#include <optional>
#include <string_view>

#include "ctl/import/source.h"

namespace postern::ctl::miniupnpd {

/// What to say about an option that Postern has no counterpart for; nothing for any other.
[[nodiscard]] std::optional<std::string_view> advice_on(std::string_view option);

}  // namespace postern::ctl::miniupnpd
