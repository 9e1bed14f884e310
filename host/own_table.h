#pragma once

#include <string>

#include "core/result.h"

/// The table that the nftables backend makes, `inet postern`.
namespace postern::host {

/// Whether it is there. The error is a sentence for the user.
[[nodiscard]] Result<bool, std::string> has_own_table();

/// Takes it away with all that is in it. False: there was none.
[[nodiscard]] Result<bool, std::string> remove_own_table();

}  // namespace postern::host
