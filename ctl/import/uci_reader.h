#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "ctl/import/source.h"

namespace postern::ctl::miniupnpd {

struct UciOption {
  std::string name;
  std::string value;
  std::size_t line = 0;
};

/// "config type 'name'" and the options below it; each item of a list is one of its own.
struct UciSection {
  std::string type;
  std::string name;
  std::size_t line = 0;
  std::vector<UciOption> options;

  /// The last of this name, as uci has it; null when there is none.
  [[nodiscard]] const UciOption* find(std::string_view option) const;
};

/// Whether the text is a file of OpenWrt's uci, and not a miniupnpd.conf.
[[nodiscard]] bool is_uci(std::string_view text);

/// Reads a file of uci. The error names every line that is none of its.
[[nodiscard]] Result<std::vector<UciSection>, Notes> read_uci(std::string_view text);

}  // namespace postern::ctl::miniupnpd
