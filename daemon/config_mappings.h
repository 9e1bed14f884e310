#pragma once

#include <vector>

#include "core/static_mapping.h"
#include "daemon/toml_table.h"

namespace postern {

/// Reads the tables [[mapping]] in the order of the file; one for both protocols becomes two. Those
/// that cannot be, or contradict an earlier one, are reported and left out.
[[nodiscard]] std::vector<StaticMapping> read_mappings(TomlTable& top);

}  // namespace postern
