#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "core/address.h"

namespace postern {

/// Remote peers that may use a mapping (RFC 6887 §13.3).
struct RemoteFilter {
  Prefix remote;
  /// Their source ports, both included.
  std::uint16_t first_port = 0;
  std::uint16_t last_port = 0xffff;

  /// One address with all its ports.
  [[nodiscard]] bool is_one_host() const;
  friend auto operator<=>(const RemoteFilter&, const RemoteFilter&) = default;
};

/// Who may use a mapping: whoever one of these lets through. Empty: everybody.
using RemoteFilters = std::vector<RemoteFilter>;

/// How many filters and remote peers one mapping may have, all mappings of one client, and all
/// mappings together. The firewall finds prefixes and ports less fast than single hosts, so they
/// are few.
inline constexpr std::size_t kMostFiltersOfMapping = 8;
inline constexpr std::size_t kMostFiltersOfClient = 128;
inline constexpr std::size_t kMostFilters = 1024;

/// The same peers in filters of which no two overlap, as the firewall's interval sets want them, in
/// one fixed order, so that equal wishes compare equal.
[[nodiscard]] RemoteFilters normalized(RemoteFilters filters);
/// What kMostFiltersOfMapping become at most, and what a mapping that was read back from the
/// firewall may therefore have.
inline constexpr std::size_t kMostNormalizedFilters = 3 * kMostFiltersOfMapping;

}  // namespace postern
