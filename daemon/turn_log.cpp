#include "daemon/turn_log.h"

namespace postern {
namespace {

using Cause = TableEvent::Cause;

[[nodiscard]] std::string description(const Mapping& mapping, const Policy& policy) {
  std::string text = std::string(to_string(mapping.protocol)) + " " + to_string(mapping.external) +
                     " to " + to_string(mapping.internal);
  for (const auto& claim : mapping.claims) {
    text += claim.lease.is_permanent
                ? " for good ("
                : " for " + std::to_string(claim.lease.granted.count()) + " s (";
    text += std::string(claim.claimant.frontend) + " " + claim.claimant.client.to_string();
    if (const auto& remote = claim.claimant.remote) text += " with " + to_string(*remote);
    if (const Rule* rule = policy.rule(claim.rule)) text += " by \"" + rule->name + "\"";
    if (!claim.is_enabled) text += ", shut";
    text += ")";
  }
  return text;
}

}  // namespace

std::string line_of(const TableEvent& event, const Policy& policy) {
  std::string text = std::string(to_string(event.kind)) + " " + description(event.mapping, policy);
  const bool goes_without_saying = event.cause == Cause::asked || event.cause == Cause::lease_ended;
  return goes_without_saying ? text : text + "; cause: " + std::string(to_string(event.cause));
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
