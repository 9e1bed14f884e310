#pragma once

#include <optional>
#include <string>
#include <vector>

#include "backends/iptables/rule_text.h"
#include "backends/iptables/runner.h"
#include "core/door.h"
#include "core/result.h"

namespace postern::iptables {

struct ToolError {
  std::string reason;
  /// Whose rule was refused, where that can be told.
  std::optional<DoorKey> door;
  bool permission_denied = false;
};

/// One address family's iptables-save and iptables-restore.
class Tool {
 public:
  /// `runner` outlives the tool.
  Tool(Runner& runner, std::string restore, std::string save)
      : runner_(&runner), restore_(std::move(restore)), save_(std::move(save)) {}

  /// What stands there of ours.
  [[nodiscard]] Result<Ruleset, ToolError> read() const;
  /// Puts `wanted` in the place of `held`. Each table changes in one step, but not all together:
  /// after an error some may have changed.
  [[nodiscard]] Result<void, ToolError> replace(const Ruleset& held, const Ruleset& wanted) const;
  /// Whether it is built on nf_tables; otherwise it is the legacy variant.
  [[nodiscard]] Result<bool, ToolError> is_nft() const;
  /// Makes a chain in each of these tables with such rules in it, and takes it away again.
  [[nodiscard]] Result<void, ToolError> try_out(const Ruleset& scratch) const;

 private:
  [[nodiscard]] Result<std::string, ToolError> output_of(
      const std::vector<std::string>& command) const;

  Runner* runner_;
  std::string restore_;
  std::string save_;
};

}  // namespace postern::iptables
