#pragma once

#include <vector>

#include "core/network.h"
#include "core/result.h"
#include "ctl/import/draft.h"
#include "ctl/import/source.h"

namespace postern::ctl::miniupnpd {

/// What means the same to Postern, with a note for whatever does not. Where the same cannot be had,
/// the stricter thing is chosen.
///
/// `interfaces` are those of this machine, which tell whose address a listening_ip is; empty when
/// the file comes from elsewhere. The error names the lines with values that nobody could use.
[[nodiscard]] Result<Draft, Notes> convert(const Source& source,
                                           const std::vector<Interface>& interfaces);

}  // namespace postern::ctl::miniupnpd
