#pragma once

#include <string>

#include "core/result.h"

namespace postern::ctl {

/// The whole file. The error is the system's (errno).
[[nodiscard]] Result<std::string, int> read_file(const std::string& name);

}  // namespace postern::ctl
