#pragma once

#include <vector>

#include "backends/memory/memory_flow_table.h"

namespace postern::test {

/// Remembers what it was asked to purge.
class RecordingFlowTable final : public MemoryFlowTable {
 public:
  [[nodiscard]] Result<std::size_t, std::string> purge(std::span<const FlowPurge> purges) override {
    purged.insert(purged.end(), purges.begin(), purges.end());
    return purges.size();
  }
  [[nodiscard]] Result<std::size_t, std::string> purge_strays(
      std::span<const TimedDoor> doors, bool spares_established_tcp) override {
    stray_purges.push_back({{doors.begin(), doors.end()}, spares_established_tcp});
    return 0;
  }

  struct StrayPurge {
    std::vector<TimedDoor> doors;
    bool spares_established_tcp = false;
  };

  std::vector<FlowPurge> purged;
  std::vector<StrayPurge> stray_purges;
};

}  // namespace postern::test
