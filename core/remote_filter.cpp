#include "core/remote_filter.h"

#include <algorithm>
#include <tuple>

namespace postern {
namespace {

/// Source ports, both included. (A PortSet has no port 0.)
struct Ports {
  std::uint32_t first;
  std::uint32_t last;
};

/// What of `ports` lies outside `first` … `last`.
void cut(std::vector<Ports>& ports, std::uint32_t first, std::uint32_t last) {
  std::vector<Ports> left;
  for (const auto& range : ports) {
    if (range.last < first || last < range.first) {
      left.push_back(range);
      continue;
    }
    if (range.first < first) left.push_back({range.first, first - 1});
    if (last < range.last) left.push_back({last + 1, range.last});
  }
  ports = std::move(left);
}

/// Joins what touches or overlaps among filters of one prefix. They must be sorted.
[[nodiscard]] RemoteFilters joined(const RemoteFilters& filters) {
  RemoteFilters all;
  for (const auto& filter : filters) {
    const bool touches = !all.empty() && all.back().remote == filter.remote &&
                         filter.first_port <= std::uint32_t{all.back().last_port} + 1;
    if (touches) {
      all.back().last_port = std::max(all.back().last_port, filter.last_port);
    } else {
      all.push_back(filter);
    }
  }
  return all;
}

/// Wide prefixes first.
[[nodiscard]] bool is_wider(const RemoteFilter& left, const RemoteFilter& right) {
  const auto rank = [](const RemoteFilter& filter) {
    return std::tuple(filter.remote.length(), filter.remote.network(), filter.first_port,
                      filter.last_port);
  };
  return rank(left) < rank(right);
}

}  // namespace

bool RemoteFilter::is_one_host() const {
  return remote.is_one_host() && first_port == 0 && last_port == 0xffff;
}

RemoteFilters normalized(RemoteFilters filters) {
  // Whatever overlaps with a narrower prefix then contains it, and what is left of the narrower one
  // differs only in its ports.
  std::sort(filters.begin(), filters.end(), is_wider);
  RemoteFilters disjoint;
  for (const auto& filter : joined(filters)) {
    std::vector<Ports> left{{filter.first_port, filter.last_port}};
    for (const auto& wider : disjoint) {
      if (wider.remote.contains(filter.remote.network())) {
        cut(left, wider.first_port, wider.last_port);
      }
    }
    for (const auto& ports : left) {
      disjoint.push_back({filter.remote, static_cast<std::uint16_t>(ports.first),
                          static_cast<std::uint16_t>(ports.last)});
    }
  }
  std::sort(disjoint.begin(), disjoint.end());
  return disjoint;
}

}  // namespace postern
