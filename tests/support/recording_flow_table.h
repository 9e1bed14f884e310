#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backends/memory/memory_flow_table.h"

namespace postern::test {

/// Remembers what it was asked to purge, and finds the one flow that a test gives it.
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
  [[nodiscard]] Result<std::optional<Flow>, std::string> find(Protocol protocol,
                                                              const Endpoint& internal,
                                                              const Endpoint& remote) override {
    if (find_fails) return fail(std::string("told to fail"));
    const bool is_it =
        flow && flow->protocol == protocol && flow->internal == internal && flow->remote == remote;
    return is_it ? flow : std::nullopt;
  }

  struct StrayPurge {
    std::vector<TimedDoor> doors;
    bool spares_established_tcp = false;
  };

  std::vector<FlowPurge> purged;
  std::vector<StrayPurge> stray_purges;
  std::optional<Flow> flow;
  bool find_fails = false;
};

}  // namespace postern::test
