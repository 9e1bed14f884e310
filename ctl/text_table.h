#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace postern::ctl {

/// The text without what could command a terminal: control characters become "?". UTF-8 stays.
[[nodiscard]] std::string printable(std::string_view text);

/// The head and the rows in columns of equal width, each line without blanks at its end. Columns
/// that are empty in all rows are left out. All rows are as long as the head, and printable.
[[nodiscard]] std::string text_table(const std::vector<std::string>& head,
                                     const std::vector<std::vector<std::string>>& rows);

}  // namespace postern::ctl
