#pragma once

#include <string_view>

namespace postern::host {

/// The abstract Unix socket that posternd is bound to for as long as it lives, without the zero
/// octet that such names begin with. The kernel keeps these names per network namespace.
inline constexpr std::string_view kInstanceName = "postern/instance";

}  // namespace postern::host
