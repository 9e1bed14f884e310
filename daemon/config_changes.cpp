#include "daemon/config_changes.h"

#include <tuple>
#include <utility>

namespace postern {

std::vector<std::string> keys_for_restart(const Config& running, const Config& wanted) {
  std::vector<std::string> keys;
  const auto compare = [&](const char* key, const auto& left, const auto& right) {
    if (left != right) keys.emplace_back(key);
  };
  const auto& [a, b] = std::tie(running, wanted);
  compare("wan", a.wan, b.wan);
  compare("lan", a.lan, b.lan);
  compare("backend", a.backend, b.backend);
  compare("firewall", a.adapts_host_firewall, b.adapts_host_firewall);
  compare("external_address", a.external_address, b.external_address);
  compare("forward_mark", a.forward_mark, b.forward_mark);
  compare("state_dir", a.state_dir, b.state_dir);
  compare("runtime_dir", a.runtime_dir, b.runtime_dir);
  compare("store", a.keeps_leases, b.keeps_leases);
  compare("store_delay", a.store_delay, b.store_delay);
  compare("history", a.history_rows, b.history_rows);
  compare("natpmp.enabled", a.natpmp_enabled, b.natpmp_enabled);
  compare("natpmp.announce_to_5351", a.natpmp_announces_to_5351, b.natpmp_announces_to_5351);
  compare("pcp.enabled", a.pcp_enabled, b.pcp_enabled);
  compare("pcp.peer", a.pcp.serves_peer, b.pcp.serves_peer);
  compare("pcp.accept_any_nonce", a.pcp.accepts_any_nonce, b.pcp.accepts_any_nonce);
  compare("pcp.third_party", a.pcp.third_party, b.pcp.third_party);
  compare("upnp.enabled", a.upnp.enabled, b.upnp.enabled);
  compare("upnp.http_port", a.upnp.http_port, b.upnp.http_port);
  compare("upnp.lenient", a.upnp.is_lenient, b.upnp.is_lenient);
  compare("upnp.ppp_alias", a.upnp.offers_ppp_alias, b.upnp.offers_ppp_alias);
  compare("upnp.presentation_url", a.upnp.presentation_url, b.upnp.presentation_url);
  compare("upnp.friendly_name", a.upnp.friendly_name, b.upnp.friendly_name);
  compare("upnp.link_neighbours", a.upnp.settings.links_neighbours,
          b.upnp.settings.links_neighbours);
  compare("upnp.listing", a.upnp.settings.lists_all, b.upnp.settings.lists_all);
  compare("nftables.renew_in_place", a.nftables_renew_in_place, b.nftables_renew_in_place);
  compare("nftables.table_owner", a.nftables_table_owner, b.nftables_table_owner);
  compare("iptables.restore", a.iptables_restore, b.iptables_restore);
  compare("flows.keep_established_tcp", a.keeps_established_tcp, b.keeps_established_tcp);
  compare("status.listen", a.status_listen, b.status_listen);
  return keys;
}

void put_in_force(Config& running, Config wanted) {
  running.limits = std::move(wanted.limits);
  running.host_grace = wanted.host_grace;
  running.requests_per_second = wanted.requests_per_second;
  running.rules = std::move(wanted.rules);
  running.mappings = std::move(wanted.mappings);
  running.warnings = std::move(wanted.warnings);
}

}  // namespace postern
