#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace postern::iptables {

/// The four programs of one variant, as paths.
struct Programs {
  std::string restore_v4;
  std::string save_v4;
  std::string restore_v6;
  std::string save_v6;
};

/// The programs that belong to this iptables-restore: a path, or a name to be found in PATH,
/// /usr/sbin or /sbin. Empty looks for the one that the host prefers (iptables-restore), then for
/// the variants by their own names. Absent when there is none, or when its name is not of the form
/// "…iptables…restore…". Those of IPv6 need not exist.
[[nodiscard]] std::optional<Programs> find_programs(std::string_view restore);

}  // namespace postern::iptables
