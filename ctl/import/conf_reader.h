#pragma once

#include <string_view>

#include "core/result.h"
#include "ctl/import/source.h"

namespace postern::ctl::miniupnpd {

/// Reads a miniupnpd.conf. The error names every line that miniupnpd would not take, options that
/// it does not know aside.
[[nodiscard]] Result<Source, Notes> read_conf(std::string_view text);

}  // namespace postern::ctl::miniupnpd
