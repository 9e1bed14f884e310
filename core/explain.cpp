#include "core/explain.h"

#include <utility>

namespace postern {
namespace {

[[nodiscard]] std::vector<RuleFinding> findings(const Policy& policy, const MapRequest& request) {
  const std::uint16_t port = request.internal.port;
  const bool is_pinhole = !request.internal.address.is_v4();
  PortSet undecided = is_pinhole ? PortSet({{port, port}}) : PortSet::all();
  std::vector<RuleFinding> findings;
  const auto matches = policy.compare(request);
  for (std::size_t i = 0; i < matches.size(); ++i) {
    const auto& rule = policy.rules()[i];
    RuleFinding finding{rule.name, rule.action == Rule::Action::allow, matches[i], {}};
    if (finding.match == RuleMatch::matches) {
      finding.decides = rule.external_ports.intersected_with(undecided);
      undecided = undecided.without(finding.decides);
    }
    findings.push_back(std::move(finding));
  }
  return findings;
}

/// What the frontend itself has decided, as if the table had.
[[nodiscard]] Result<Preview, Denial> decided(const MappingTable& table,
                                              const Result<Grant, Denial>& outcome) {
  return outcome.map([&](const Grant& grant) {
    return Preview{grant, table.find(grant.id)->external, kNoRule, grant.id};
  });
}

}  // namespace

Explanation explain(const MappingTable& table, const Intent& intent, Moment now) {
  const auto outcome =
      intent.decided ? decided(table, *intent.decided) : table.preview(intent.wish, now);
  auto rules = findings(table.policy(), intent.wish);
  if (outcome) return {*outcome, outcome->rule, std::move(rules)};
  const auto& [error, rule] = outcome.error();
  return {fail(error), rule, std::move(rules), intent.own_word};
}

}  // namespace postern
