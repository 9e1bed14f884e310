#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "core/mapping.h"
#include "core/table_event.h"

namespace postern::upnp {

/// Which mapping the pinhole with a UniqueID is part of. A pinhole of UPnP is a claim whose tag is
/// its UniqueID; this is but an index of those claims, kept by what the table tells once a turn
/// stands. So nothing has to be undone when a turn is decided again.
class PinholeIds {
 public:
  /// `random`: any number, which nobody can foretell. What the last run gave and forgot in a crash
  /// hosts still use, so ids begin somewhere else in each run, and where is left to chance.
  explicit PinholeIds(std::uint64_t random = 0)
      : last_(static_cast<std::uint16_t>(random % kIds)) {}

  /// Every event of the table must come here.
  void note(std::span<const TableEvent> events);

  [[nodiscard]] std::optional<MappingId> find(std::uint16_t id) const;
  /// For a new pinhole. They rise and begin again after 65535, so that one is not used again soon
  /// (IGD-165); never 0. Nothing when all are in use.
  [[nodiscard]] std::optional<std::uint16_t> next() const;

 private:
  static constexpr std::size_t kIds = 65535;

  void note(const TableEvent& event);

  std::unordered_map<std::uint16_t, MappingId> mapping_of_;
  std::unordered_map<MappingId, std::vector<std::uint16_t>> ids_of_;
  /// The one that was given last.
  std::uint16_t last_;
};

}  // namespace postern::upnp
