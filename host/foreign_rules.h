#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "host/packet_match.h"

/// The firewall rules of others on this gateway: read, never written. Everything here speaks of the
/// network namespace of the calling thread.
namespace postern::host {

enum class Family { inet, ip, ip6, arp, bridge, netdev, unknown };
enum class Hook { prerouting, input, forward, output, postrouting, other };
/// What a rule does with a packet that matches. `none`: the next rule decides.
enum class Verdict { none, accept, drop, reject, jump, go_to, leave_chain, queue };
enum class NatKind { none, dnat, redirect, snat, masquerade };

/// As nft writes them.
[[nodiscard]] std::string_view to_string(Family family);
[[nodiscard]] std::string_view to_string(Hook hook);

/// One rule. A rule with a verdict map is told as several, one for each of the map's verdicts.
struct ForeignRule {
  PacketMatch match;
  Verdict verdict = Verdict::none;
  /// The chain that `jump` and `go_to` lead to, in the same table.
  std::string target;
  /// With a kind of translation the verdict is `accept`.
  NatKind nat = NatKind::none;

  friend bool operator==(const ForeignRule&, const ForeignRule&) = default;
};

struct ForeignChain {
  Family family = Family::unknown;
  std::string table;
  std::string name;
  /// The four that follow are those of a base chain only.
  bool is_base = false;
  /// "filter", "nat" or "route".
  std::string type;
  Hook hook = Hook::other;
  std::int32_t priority = 0;
  bool policy_drop = false;
  std::vector<ForeignRule> rules;
};

struct ForeignRuleset {
  std::vector<ForeignChain> chains;

  [[nodiscard]] const ForeignChain* find(Family family, std::string_view table,
                                         std::string_view chain) const;
};

/// All rules but those of `inet postern`, iptables-nft's among them, as they were at one moment.
/// Asks again while others change them. The error is a sentence for the log.
[[nodiscard]] Result<ForeignRuleset, std::string> read_foreign_ruleset();

/// Whether iptables-legacy has tables here, whose rules are not among the above. Nothing when this
/// process may not know: that needs root. `proc_net` is for tests.
[[nodiscard]] std::optional<bool> has_legacy_iptables(
    const std::string& proc_net = "/proc/thread-self/net");

}  // namespace postern::host
