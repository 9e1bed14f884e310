#pragma once

#include <cstdint>
#include <map>
#include <utility>
#include <vector>

#include "backends/iptables/rules.h"
#include "backends/iptables/tool.h"
#include "core/door.h"
#include "core/result.h"
#include "core/time.h"

namespace postern::iptables {

using Doors = std::map<DoorKey, TimedDoor>;

enum class Family : std::uint8_t { v4, v6 };

/// The rules of one address family: in the firewall, and what we know of them.
class Side {
 public:
  Side(Family family, Tool tool) : family_(family), tool_(std::move(tool)) {}

  [[nodiscard]] const Tool& tool() const { return tool_; }

  /// Whether any chain of ours is there.
  [[nodiscard]] Result<bool, ToolError> has_chains() const;
  /// The doors that the firewall's rules tell of, whatever their time.
  [[nodiscard]] Result<std::vector<TimedDoor>, ToolError> read_doors() const;
  /// Whether the rules must be written for these doors (of both families) to be open, and for their
  /// ends to be told well enough.
  [[nodiscard]] bool is_stale_for(const Doors& doors, Moment now) const;
  /// Whether the firewall has the rules that we wrote last. What cannot be read counts as if it
  /// had.
  [[nodiscard]] bool is_intact() const;
  /// Makes the rules anew, whatever stands there of ours. An error changes nothing, unless
  /// is_uncertain().
  [[nodiscard]] Result<void, ToolError> reset(const RulesOptions& options, const Doors& doors);
  /// Makes the rules of the last reset() hold these doors. An error changes nothing, unless
  /// is_uncertain().
  [[nodiscard]] Result<void, ToolError> write(const Doors& doors);
  /// Takes back the last reset() or write(), which went well.
  void undo();
  /// Going back has failed: nobody knows what the rules are until the next reset() or
  /// write(), which then starts from what it reads.
  [[nodiscard]] bool is_uncertain() const { return uncertain_; }

 private:
  struct State {
    RulesOptions options = {};
    Ruleset rules = {};
    /// Those of this family.
    Doors doors = {};
  };

  [[nodiscard]] State state_for(const RulesOptions& options, const Doors& doors) const;
  [[nodiscard]] Result<void, ToolError> put(Ruleset held, State next);
  void put_back(const Ruleset& rules);

  Family family_;
  Tool tool_;
  State current_;
  State previous_;
  bool uncertain_ = false;
};

}  // namespace postern::iptables
