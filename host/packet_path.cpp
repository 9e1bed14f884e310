#include "host/packet_path.h"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>
#include <utility>

namespace postern::host {
namespace {

/// NF_CT_STATE_BIT(IP_CT_NEW), as PacketMatch::ct_states has it.
constexpr std::uint32_t kNewFlow = 8;

/// What the iptables backend calls its chains.
constexpr std::string_view kOwnChains = "POSTERN-";

enum class Answer { no, sometimes, yes };

[[nodiscard]] Answer both(Answer left, Answer right) {
  return std::min(left, right);
}

[[nodiscard]] Answer definitely(bool is_true) {
  return is_true ? Answer::yes : Answer::no;
}

[[nodiscard]] Answer interface_answer(const std::optional<InterfaceMatch>& asked,
                                      const std::string& name) {
  if (!asked) return Answer::yes;
  return name.empty() ? Answer::sometimes : definitely(asked->admits(name));
}

[[nodiscard]] Answer port_answer(const PortSet& asked, const PortSet& ports) {
  if (ports.is_within(asked)) return Answer::yes;
  return asked.intersected_with(ports).empty() ? Answer::no : Answer::sometimes;
}

/// Whether a rule is for these packets. `mark` is what the rule's chain sees.
[[nodiscard]] Answer applies(const PacketMatch& match, const PacketKind& packets,
                             std::uint32_t mark) {
  auto answer = definitely(packets.is_ipv6 ? match.ipv6 : match.ipv4);
  answer = both(answer, port_answer(match.ports(packets.protocol).ports, packets.ports));
  answer = both(answer, interface_answer(match.in, packets.in));
  answer = both(answer, interface_answer(match.out, packets.out));
  if (match.mark) answer = both(answer, definitely((mark & match.mark->mask) == match.mark->value));
  if (match.ct_states) answer = both(answer, definitely((*match.ct_states & kNewFlow) != 0));
  if (match.is_dnat) answer = both(answer, definitely(packets.is_dnat));
  if (match.has_others) answer = both(answer, Answer::sometimes);
  return answer;
}

enum class Fate { passed, accepted, dropped };

/// What becomes of packets that come to a chain.
struct Outcome {
  /// Of those that no untold condition has taken away before.
  Fate fate = Fate::passed;
  /// Where all of them, or else some of them, are dropped.
  const ForeignChain* dropped_in = nullptr;
};

/// The chains of a ruleset, and the way through them for one kind of packets.
class Walk {
 public:
  Walk(const ForeignRuleset& ruleset, const PacketKind& packets)
      : ruleset_(ruleset), packets_(packets) {
    for (const auto& chain : ruleset.chains) {
      chains_.emplace(std::tuple(chain.family, chain.table, chain.name), &chain);
    }
  }

  [[nodiscard]] std::vector<Obstacle> obstacles() {
    std::vector<Obstacle> found;
    for (const auto& base : ruleset_.chains) {
      if (!is_on_the_way(base)) continue;
      const bool sees_mark = base.priority > packets_.mark_priority;
      mark_ = sees_mark ? packets_.mark : 0;
      known_.clear();
      const auto outcome = through(base);
      const bool is_policy = outcome.fate == Fate::passed && base.policy_drop;
      const auto* chain = is_policy ? &base : outcome.dropped_in;
      if (chain == nullptr) continue;
      found.push_back(
          {&base, chain, is_policy, is_policy || outcome.fate == Fate::dropped, sees_mark});
    }
    return found;
  }

 private:
  [[nodiscard]] bool is_on_the_way(const ForeignChain& chain) const {
    const auto own_family = packets_.is_ipv6 ? Family::ip6 : Family::ip;
    return chain.is_base && chain.hook == packets_.hook &&
           (chain.family == Family::inet || chain.family == own_family);
  }

  /// Each chain is followed once: what becomes of a packet does not depend on who jumped.
  Outcome through(const ForeignChain& chain) {
    const auto [place, is_new] = known_.try_emplace(&chain);
    if (is_new) {
      // Not through `place`: chains behind this one are added meanwhile.
      const auto outcome = follow(chain);
      known_[&chain] = outcome;
      return outcome;
    }
    return place->second;
  }

  Outcome follow(const ForeignChain& chain) {
    if (!packets_.own_chain.empty() && chain.name == packets_.own_chain) {
      return {Fate::accepted, nullptr};
    }
    Outcome outcome;
    // Some packets have gone back to the chain before, so an accept is no longer for all.
    bool some_left = false;
    for (const auto& rule : chain.rules) {
      const auto answer = applies(rule.match, packets_, mark_);
      if (answer == Answer::no || rule.verdict == Verdict::none) continue;
      const auto next = outcome_of(chain, rule);
      if (next.dropped_in != nullptr && outcome.dropped_in == nullptr) {
        outcome.dropped_in = next.dropped_in;
      }
      const bool leaves = next.fate == Fate::passed &&
                          (rule.verdict == Verdict::leave_chain || rule.verdict == Verdict::go_to);
      if (answer == Answer::sometimes) {
        some_left = some_left || leaves;
        continue;
      }
      if (next.fate == Fate::dropped) return next;
      if (next.fate == Fate::accepted) {
        outcome.fate = some_left ? Fate::passed : Fate::accepted;
        return outcome;
      }
      if (leaves) return outcome;
    }
    return outcome;
  }

  [[nodiscard]] Outcome outcome_of(const ForeignChain& chain, const ForeignRule& rule) {
    switch (rule.verdict) {
      case Verdict::accept:
        return {Fate::accepted, nullptr};
      case Verdict::drop:
      case Verdict::reject:
      // Some program decides, which we cannot ask.
      case Verdict::queue:
        return {Fate::dropped, &chain};
      case Verdict::jump:
      case Verdict::go_to: {
        const auto found = chains_.find(std::tuple(chain.family, chain.table, rule.target));
        return found == chains_.end() ? Outcome{} : through(*found->second);
      }
      case Verdict::none:
      case Verdict::leave_chain:
        return {};
    }
    return {};
  }

  const ForeignRuleset& ruleset_;
  const PacketKind& packets_;
  std::map<std::tuple<Family, std::string, std::string>, const ForeignChain*> chains_;
  std::map<const ForeignChain*, Outcome> known_;
  std::uint32_t mark_ = 0;
};

/// Follows every jump that packets leaving by the WAN may take.
[[nodiscard]] bool translates(const ForeignRuleset& ruleset, const ForeignChain& chain,
                              std::string_view wan, std::vector<const ForeignChain*>& seen) {
  if (std::find(seen.begin(), seen.end(), &chain) != seen.end()) return false;
  seen.push_back(&chain);
  return std::any_of(chain.rules.begin(), chain.rules.end(), [&](const ForeignRule& rule) {
    if (!rule.match.ipv4 || (rule.match.out && !rule.match.out->admits(wan))) return false;
    if (rule.target.starts_with(kOwnChains)) return false;
    if (rule.nat == NatKind::snat || rule.nat == NatKind::masquerade) return true;
    if (rule.verdict != Verdict::jump && rule.verdict != Verdict::go_to) return false;
    const auto* next = ruleset.find(chain.family, chain.table, rule.target);
    return next != nullptr && translates(ruleset, *next, wan, seen);
  });
}

}  // namespace

std::vector<Obstacle> obstacles(const ForeignRuleset& ruleset, const PacketKind& packets) {
  return Walk(ruleset, packets).obstacles();
}

bool translates_sources(const ForeignRuleset& ruleset, std::string_view wan) {
  std::vector<const ForeignChain*> seen;
  return std::any_of(ruleset.chains.begin(), ruleset.chains.end(), [&](const ForeignChain& chain) {
    return chain.is_base && chain.type == "nat" && chain.hook == Hook::postrouting &&
           (chain.family == Family::ip || chain.family == Family::inet) &&
           translates(ruleset, chain, wan, seen);
  });
}

}  // namespace postern::host
