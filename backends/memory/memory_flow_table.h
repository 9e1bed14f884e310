#pragma once

#include <vector>

#include "core/flow_table.h"

namespace postern {

/// Remembers what it was asked to purge; knows the connections that a test puts into it.
class MemoryFlowTable final : public FlowTable {
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
  [[nodiscard]] Result<std::optional<Flow>, std::string> find(Protocol protocol,
                                                              const Endpoint& internal,
                                                              const Endpoint& remote) override {
    for (const auto& flow : flows) {
      if (flow.protocol == protocol && flow.internal == internal && flow.remote == remote) {
        return flow;
      }
    }
    return std::nullopt;
  }

  std::vector<FlowPurge> purged;
  int stray_purges = 0;
  std::vector<Flow> flows;
};

}  // namespace postern
