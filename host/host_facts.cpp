#include "host/host_facts.h"

#include <algorithm>
#include <fstream>
#include <utility>

#include "host/own_table.h"

namespace postern::host {
namespace {

/// A setting of the kernel that is a number; nothing where the kernel has no such setting.
[[nodiscard]] std::optional<bool> is_set(const std::string& name) {
  std::ifstream file("/proc/sys/net/" + name);
  int value = 0;
  if (!(file >> value)) return std::nullopt;
  return value != 0;
}

/// What other programs serve NAT-PMP, PCP or UPnP-IGD under.
[[nodiscard]] std::vector<std::string> rival_names() {
  return {"miniupnpd", "upnpd", "natpmpd", "pcpd", "stallone"};
}

[[nodiscard]] std::optional<bool> daemon_has_net_admin() {
  const auto daemons = processes_named({kPosterndName});
  if (daemons.empty()) return std::nullopt;
  return has_net_admin(std::to_string(daemons.front().pid));
}

}  // namespace

HostFacts collect_host_facts() {
  HostFacts facts;
  if (auto links = read_links()) facts.links = std::move(*links);
  facts.default_route = read_default_route();
  facts.forwards_ipv4 = is_set("ipv4/ip_forward");
  facts.forwards_ipv6 = is_set("ipv6/conf/all/forwarding");
  facts.bridge_calls_iptables = is_set("bridge/bridge-nf-call-iptables");
  facts.has_net_admin = has_net_admin("thread-self").value_or(false);
  if (auto ruleset = read_foreign_ruleset()) {
    facts.ruleset = std::move(*ruleset);
  } else {
    facts.ruleset_error = std::move(ruleset.error());
  }
  if (const auto table = has_own_table()) facts.has_own_table = *table;
  facts.has_legacy_iptables = has_legacy_iptables();
  facts.posternd_runs = is_posternd_running();
  if (facts.posternd_runs) facts.posternd_has_net_admin = daemon_has_net_admin();
  facts.holders =
      port_holders({{Protocol::udp, 5351}, {Protocol::tcp, 5351}, {Protocol::udp, 1900}});
  facts.rivals = processes_named(rival_names());
  return facts;
}

}  // namespace postern::host
