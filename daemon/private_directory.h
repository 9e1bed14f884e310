#pragma once

#include <string>

namespace postern {

/// Makes the directory for its owner alone (mode 0700) unless it is there, and what lacks above it
/// as the umask has it. One that is there stays as it is, for its mode is the administrator's to
/// choose. False: it is not there, and errno says why.
[[nodiscard]] bool make_private_directory(const std::string& directory);

}  // namespace postern
