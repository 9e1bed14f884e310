#pragma once

#include "core/flow_table.h"

namespace postern {

/// Where there are no connections: beside the memory backend, and where the kernel does not tell of
/// its own.
class MemoryFlowTable : public FlowTable {
 public:
  [[nodiscard]] Result<std::size_t, std::string> purge(std::span<const FlowPurge>) override {
    return 0;
  }
  [[nodiscard]] Result<std::size_t, std::string> purge_strays(std::span<const TimedDoor>,
                                                              bool) override {
    return 0;
  }
  [[nodiscard]] Result<std::optional<Flow>, std::string> find(Protocol, const Endpoint&,
                                                              const Endpoint&) override {
    return std::nullopt;
  }
};

}  // namespace postern
