#include <algorithm>
#include <optional>
#include <vector>

#include "host/diagnosis.h"
#include "host/foreign_forwards.h"
#include "host/mend.h"
#include "host/packet_path.h"

namespace postern::host {
namespace {

/// Where the chains stand that set the mark: `filter - 10` of the nftables backend, and the mangle
/// table, where the iptables backend does it.
constexpr std::int32_t kMarkPriority = -10;
constexpr std::int32_t kMangle = -150;

/// A base chain in the way, over all the kinds of packets that were tried.
struct Blocked {
  Obstacle obstacle;
  bool ipv4 = false;
  bool ipv6 = false;
  /// The first LAN interface that suffers.
  std::string lan;
};

/// Keeps one entry for each base chain, and of several obstacles in it the hardest.
void note(std::vector<Blocked>& all, const Obstacle& obstacle, const PacketKind& packets,
          const std::string& lan) {
  auto known = std::find_if(all.begin(), all.end(),
                            [&](const Blocked& one) { return one.obstacle.base == obstacle.base; });
  if (known == all.end()) known = all.insert(all.end(), {obstacle, false, false, lan});
  if (obstacle.is_for_all && !known->obstacle.is_for_all) known->obstacle = obstacle;
  (packets.is_ipv6 ? known->ipv6 : known->ipv4) = true;
}

/// The packets of the doors, or those to our own ports.
[[nodiscard]] PacketKind packets_of(const Patient& patient, Hook hook, const std::string& lan,
                                    bool is_ipv6) {
  const bool has_iptables_backend = patient.settings.backend == "iptables";
  PacketKind packets;
  packets.hook = hook;
  packets.is_ipv6 = is_ipv6;
  packets.mark = patient.settings.forward_mark;
  packets.mark_priority = has_iptables_backend ? kMangle : kMarkPriority;
  if (hook == Hook::input) {
    packets.ports = PortSet({{5351, 5351}});
    packets.in = lan;
    if (has_iptables_backend) packets.own_chain = "POSTERN-INPUT";
  } else {
    packets.ports = PortSet({{1, 65535}});
    packets.in = patient.wan;
    packets.out = lan;
    packets.is_dnat = !is_ipv6;
    if (has_iptables_backend) packets.own_chain = "POSTERN-FORWARD";
  }
  return packets;
}

[[nodiscard]] std::vector<Blocked> blocked(const Patient& patient, Hook hook) {
  std::vector<Blocked> all;
  for (const auto& lan : patient.lan) {
    for (const bool is_ipv6 : {false, true}) {
      if (is_ipv6 && !patient.has_public_ipv6()) continue;
      auto packets = packets_of(patient, hook, lan, is_ipv6);
      for (const auto protocol : {Protocol::tcp, Protocol::udp}) {
        // Our own port is a UDP one.
        if (hook == Hook::input && protocol == Protocol::tcp) continue;
        packets.protocol = protocol;
        for (const auto& obstacle : obstacles(*patient.facts.ruleset, packets)) {
          note(all, obstacle, packets, lan);
        }
      }
    }
  }
  return all;
}

[[nodiscard]] std::string cause_of(const Obstacle& obstacle) {
  if (obstacle.is_policy) return "policy drop";
  if (obstacle.chain == obstacle.base) return "by a rule";
  return "by a rule in chain " + obstacle.chain->name;
}

[[nodiscard]] std::string families_of(const Blocked& one) {
  if (one.ipv4 && one.ipv6) return "IPv4 and IPv6";
  return one.ipv4 ? "IPv4" : "IPv6";
}

[[nodiscard]] std::string_view id_of(const Blocked& one, Hook hook) {
  if (hook == Hook::input) return one.obstacle.is_for_all ? "input-drops" : "input-may-drop";
  return one.obstacle.is_for_all ? "forward-drops" : "forward-may-drop";
}

/// Whether the policy of packaging/firewall/firewalld/ is there, which opens IPv6 doors one by one:
/// firewalld knows no rule on the mark alone.
[[nodiscard]] bool is_opened_one_by_one(const ForeignRuleset& ruleset, const Blocked& one) {
  if (author_of(*one.obstacle.base) != Author::firewalld || one.ipv4) return false;
  return std::any_of(ruleset.chains.begin(), ruleset.chains.end(), [](const ForeignChain& chain) {
    return author_of(chain) == Author::firewalld && chain.name.ends_with("_postern");
  });
}

/// Whether posternd will do it by itself when it starts.
[[nodiscard]] bool will_be_kept(const Patient& patient, const ForeignChain& chain) {
  return author_of(chain) == Author::iptables && patient.settings.adapts_host_firewall &&
         !patient.facts.posternd_runs;
}

[[nodiscard]] Finding finding_about(const Patient& patient, const Blocked& one, Hook hook) {
  const auto& base = *one.obstacle.base;
  const bool is_input = hook == Hook::input;
  const bool is_hard = one.obstacle.is_for_all && !will_be_kept(patient, base);
  Finding finding{is_hard ? Severity::error : Severity::warning, id_of(one, hook), "", "", {}, ""};
  finding.what = words_for(base) + " (" + cause_of(one.obstacle) + ") " +
                 (one.obstacle.is_for_all ? "drops " : "can drop some of ") +
                 (is_input ? "requests to our port UDP 5351 from " + one.lan
                           : "the packets for mapped ports") +
                 " (" + families_of(one) + ")" +
                 (one.obstacle.sees_mark ? "" : ", before our table has marked them");
  finding.why = std::string("an accept in our table cannot open what another one drops, so ") +
                (is_input ? "clients get no answer" : "mapped ports stay shut");
  const bool is_ipv6_only = !one.ipv4;
  auto mend = one.obstacle.sees_mark
                  ? accept_mark(base, patient.settings.forward_mark, is_ipv6_only, one.lan)
                  : accept_early(base, is_ipv6_only, one.lan);
  finding.mend = std::move(mend.commands);
  finding.advice = std::move(mend.advice);
  return finding;
}

void examine_sources(const Patient& patient, std::vector<Finding>& findings) {
  const auto& facts = patient.facts;
  // The rules of iptables-legacy may do it, unseen.
  if (patient.wan.empty() || facts.has_legacy_iptables == true) return;
  if (!patient.has_private_ipv4_lan()) return;
  if (translates_sources(*facts.ruleset, patient.wan)) return;
  auto mend = masquerade(*facts.ruleset, patient.wan);
  findings.push_back({Severity::error, "no-masquerade",
                      "nothing translates the private addresses of packets that leave by " +
                          patient.wan + " (masquerade, snat)",
                      "LAN hosts do not reach the Internet; Postern translates only what comes "
                      "from mapped ports",
                      std::move(mend.commands), std::move(mend.advice)});
}

void examine_forwards(const Patient& patient, std::vector<Finding>& findings) {
  const auto forwards = foreign_forwards(*patient.facts.ruleset, patient.wan);
  if (forwards.catch_all.empty()) return;
  findings.push_back({Severity::warning,
                      "catch-all-forward",
                      "a rule in chain " + forwards.catch_all +
                          " forwards all ports to one host, or all but some (a DMZ host)",
                      "the host's own forwards win, so mapped ports lead to that host instead",
                      {},
                      "limit that rule to the ports it is for, or take it out; this lists it: "
                      "nft -a list chain " +
                          forwards.catch_all});
}

void examine_legacy(const Patient& patient, std::vector<Finding>& findings) {
  if (patient.facts.has_legacy_iptables != true) return;
  const bool is_ours = patient.settings.backend == "iptables";
  Finding finding{is_ours ? Severity::info : Severity::warning,
                  "legacy-iptables",
                  "iptables-legacy has tables here, whose rules cannot be seen by this examination",
                  "what they drop stays dropped, and posternd keeps no mark rule in them",
                  {},
                  ""};
  if (!is_ours) {
    auto mend = accept_mark_in_legacy(patient.settings.forward_mark);
    finding.mend = std::move(mend.commands);
    finding.advice = std::move(mend.advice);
  }
  findings.push_back(std::move(finding));
}

}  // namespace

void examine_firewall(const Patient& patient, std::vector<Finding>& findings) {
  for (const auto hook : {Hook::forward, Hook::input}) {
    for (const auto& one : blocked(patient, hook)) {
      if (hook == Hook::forward && is_opened_one_by_one(*patient.facts.ruleset, one)) continue;
      findings.push_back(finding_about(patient, one, hook));
    }
  }
  examine_sources(patient, findings);
  examine_forwards(patient, findings);
  examine_legacy(patient, findings);
}

}  // namespace postern::host
