#include "daemon/turn_log.h"

#include "daemon/event_cause.h"

namespace postern {
namespace {

[[nodiscard]] std::string description(const Mapping& mapping) {
  return std::string(to_string(mapping.protocol)) + " " + to_string(mapping.external) + " to " +
         to_string(mapping.internal);
}

/// "natpmp 192.168.1.10", "pcp 192.168.1.10 with 198.51.100.7:443".
[[nodiscard]] std::string name_of(const Claimant& claimant) {
  const auto name = std::string(claimant.frontend) + " " + claimant.client.to_string();
  return claimant.remote ? name + " with " + to_string(*claimant.remote) : name;
}

[[nodiscard]] std::string description(const Mapping& mapping, const Policy& policy) {
  std::string text = description(mapping);
  for (const auto& claim : mapping.claims) {
    text += claim.lease.is_permanent
                ? " for good ("
                : " for " + std::to_string(claim.lease.granted.count()) + " s (";
    text += name_of(claim.claimant);
    if (const Rule* rule = policy.rule(claim.rule)) text += " by \"" + rule->name + "\"";
    if (!claim.is_enabled) text += ", shut";
    text += ")";
  }
  return text;
}

}  // namespace

std::vector<std::string> lines_of(const TableEvent& event, const Policy& policy) {
  std::vector<std::string> lines;
  const bool is_reason_known = goes_without_saying(event.cause);
  const std::string why = is_reason_known ? "" : "; cause: " + std::string(to_string(event.cause));
  // Renewals are the daily bread of every client and tell an operator nothing.
  if (event.kind != TableEvent::Kind::renewed) {
    lines.push_back(std::string(to_string(event.kind)) + " " + description(event.mapping, policy) +
                    why);
  }
  if (is_reason_known) return lines;
  for (const auto& claim : event.dropped) {
    lines.push_back("closed for " + name_of(claim.claimant) +
                    ", open for others: " + description(event.mapping) + why);
  }
  return lines;
}

std::string line_of(const MappingTable::Unrestored& unrestored, const Policy& policy) {
  return "not restored: " + description(unrestored.mapping, policy) +
         "; cause: " + std::string(to_string(unrestored.why));
}

std::string line_of(const Refusal& refusal) {
  const auto protocol = refusal.protocol ? to_string(*refusal.protocol) : "a protocol";
  std::string text = "refused " + std::string(protocol) + " to " + to_string(refusal.internal) +
                     " (" + std::string(refusal.claimant.frontend) + " " +
                     refusal.claimant.client.to_string() + "); cause: ";
  text += refusal.why();
  return refusal.rule.empty() ? text : text + " by \"" + refusal.rule + "\"";
}

}  // namespace postern
