#pragma once

#include <iosfwd>
#include <span>

#include "ctl/exit_code.h"

namespace postern::ctl {

/// Runs the command that a command line names, its first word being the program's name.
[[nodiscard]] ExitCode run(std::span<const char* const> arguments, std::ostream& out,
                           std::ostream& errors);

}  // namespace postern::ctl
