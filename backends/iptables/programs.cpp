#include "backends/iptables/programs.h"

#include <cstdlib>

#include <unistd.h>

namespace postern::iptables {
namespace {

[[nodiscard]] bool is_program(const std::string& path) {
  return ::access(path.c_str(), X_OK) == 0;
}

[[nodiscard]] std::optional<std::string> path_of(std::string_view name) {
  if (name.find('/') != std::string_view::npos) {
    std::string path(name);
    return is_program(path) ? std::optional(path) : std::nullopt;
  }
  const char* set = std::getenv("PATH");
  const std::string all = std::string(set != nullptr ? set : "") + ":/usr/sbin:/sbin";
  for (std::size_t begin = 0; begin <= all.size();) {
    const auto end = std::min(all.find(':', begin), all.size());
    const auto directory = all.substr(begin, end - begin);
    begin = end + 1;
    // An empty or relative one would depend on where we happen to stand.
    if (!directory.starts_with('/')) continue;
    auto path = directory + "/" + std::string(name);
    if (is_program(path)) return path;
  }
  return std::nullopt;
}

/// The path with the last `part` of its file name replaced; absent when there is none.
[[nodiscard]] std::optional<std::string> with(std::string path, std::string_view part,
                                              std::string_view instead) {
  const auto name = path.rfind('/');
  const auto at = path.rfind(part);
  if (at == std::string::npos || (name != std::string::npos && at < name)) return std::nullopt;
  return path.replace(at, part.size(), instead);
}

}  // namespace

std::optional<Programs> find_programs(std::string_view restore) {
  if (restore.empty()) {
    for (const auto* name :
         {"iptables-restore", "iptables-nft-restore", "iptables-legacy-restore"}) {
      if (auto found = find_programs(name)) return found;
    }
    return std::nullopt;
  }
  const auto restore_v4 = path_of(restore);
  if (!restore_v4) return std::nullopt;
  const auto save_v4 = with(*restore_v4, "restore", "save");
  const auto restore_v6 = with(*restore_v4, "iptables", "ip6tables");
  if (!save_v4 || !restore_v6) return std::nullopt;
  return Programs{*restore_v4, *save_v4, *restore_v6, *with(*restore_v6, "restore", "save")};
}

}  // namespace postern::iptables
