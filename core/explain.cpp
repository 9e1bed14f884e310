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

}  // namespace

Explanation explain(const MappingTable& table, const MapRequest& request, Moment now) {
  const auto preview = table.preview(request, now);
  auto rules = findings(table.policy(), request);
  if (preview) return {*preview, preview->rule, std::move(rules)};
  return {fail(preview.error().error), preview.error().rule, std::move(rules)};
}

}  // namespace postern
