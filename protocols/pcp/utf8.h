#pragma once

#include <cstddef>
#include <string_view>

namespace postern::pcp {

/// Whether all of `text` is UTF-8 (RFC 3629): no overlong form, no surrogate, nothing above
/// U+10FFFF.
[[nodiscard]] bool is_utf8(std::string_view text);

/// The start of `text`, which is UTF-8, with at most `most` octets and no character cut in two.
[[nodiscard]] std::string_view utf8_prefix(std::string_view text, std::size_t most);

}  // namespace postern::pcp
