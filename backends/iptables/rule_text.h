#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/door.h"

/// Rules as iptables-save prints them and iptables-restore reads them.
namespace postern::iptables {

struct Rule {
  /// Matches and target, without "-A CHAIN".
  std::string text;
  /// Whose rule it is, for refusals; absent for rules that do not come from a door.
  std::optional<DoorKey> door;

  friend bool operator==(const Rule&, const Rule&) = default;
};

/// One of our own chains.
struct Chain {
  std::string name;
  std::vector<Rule> rules;

  friend bool operator==(const Chain&, const Chain&) = default;
};

/// A rule in one of the built-in chains that leads to one of ours.
struct Jump {
  std::string chain;
  std::string text;
  /// Rules of others stand behind it.
  bool is_followed = false;

  friend bool operator==(const Jump&, const Jump&) = default;
};

struct Table {
  std::string name;
  std::vector<Chain> chains;
  std::vector<Jump> jumps;

  friend bool operator==(const Table&, const Table&) = default;
};

/// Everything of ours in one address family.
using Ruleset = std::vector<Table>;

/// All our chains begin with this.
inline constexpr std::string_view kPrefix = "POSTERN-";

/// The input of one `iptables-restore --noflush`.
struct RestoreText {
  std::string text;
  /// For each line of it, the door that it serves.
  std::vector<std::optional<DoorKey>> doors;
};

/// What turns `held` into `wanted` and leaves everything else alone. Where few rules of a chain
/// differ, only these are changed; else the chain is written anew. Each jump is taken out and put
/// back, so that it stands in its place again, and so that the whole is refused when somebody took
/// it away.
[[nodiscard]] RestoreText restore_text(const Ruleset& held, const Ruleset& wanted);

/// What of an iptables-save is ours.
[[nodiscard]] Ruleset read_save(std::string_view text);

/// Whether both are the same rules, however they are written: iptables-save leaves out what goes
/// without saying. The order of tables and chains does not matter; that of rules does. So does what
/// follows a jump that is to stand last; what stands before one that is to stand first does not, or
/// we would fight for that place with all who want it.
[[nodiscard]] bool are_same_rules(const Ruleset& left, const Ruleset& right);

/// The words of a rule, without the quotes around them.
[[nodiscard]] std::vector<std::string> words_of(std::string_view rule);

/// The number of the line, from 1, that iptables-restore complains about, if it names one.
[[nodiscard]] std::optional<std::size_t> refused_line(std::string_view errors);

}  // namespace postern::iptables
