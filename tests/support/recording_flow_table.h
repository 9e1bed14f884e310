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
  [[nodiscard]] Result<std::size_t, std::string> purge_strays(std::span<const TimedDoor>,
                                                              std::span<const Address>,
                                                              std::span<const Prefix>) override {
    ++stray_purges;
    return 0;
  }

  std::vector<FlowPurge> purged;
  int stray_purges = 0;
};

}  // namespace postern::test
