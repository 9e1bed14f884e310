#pragma once

#include <string>
#include <string_view>

#include "ctl/import/draft.h"

namespace postern::ctl::miniupnpd {

/// The text as valid UTF-8 in one line: what is neither, or could command a terminal, becomes "?".
[[nodiscard]] std::string one_line(std::string_view text);

/// The postern.toml, with the notes as comments at its head. `origin` is the name of the file that
/// it was made from.
[[nodiscard]] std::string toml_text(const Draft& draft, std::string_view origin);

}  // namespace postern::ctl::miniupnpd
