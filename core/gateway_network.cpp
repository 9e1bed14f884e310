#include <algorithm>
#include <utility>

#include "core/append.h"
#include "core/gateway.h"

// How the gateway follows interfaces, addresses and hosts.
namespace postern {
namespace {

/// After the firewall refused to close the doors of a host that went.
constexpr Seconds kRetryPause{1};

[[nodiscard]] std::vector<std::string> lan_names(const Network& network) {
  std::vector<std::string> names;
  for (const auto& interface : network.lan) names.push_back(interface.name);
  return names;
}

[[nodiscard]] bool same_rules(const Network& left, const Network& right) {
  const auto wan_name = [](const Network& network) {
    return network.wan ? network.wan->name : std::string();
  };
  const auto wan_addresses = [](const Network& network) {
    return network.wan ? network.wan->addresses : std::vector<InterfaceAddress>();
  };
  return wan_name(left) == wan_name(right) && wan_addresses(left) == wan_addresses(right) &&
         lan_names(left) == lan_names(right);
}

/// Whether clients that were told of the addresses `before` know one that is no longer right.
[[nodiscard]] bool is_outdated(const std::vector<Address>& before,
                               const std::vector<Address>& after) {
  return before.front() != after.front() ||
         !std::all_of(before.begin(), before.end(), [&](const Address& address) {
           return std::find(after.begin(), after.end(), address) != after.end();
         });
}

/// Whether the LAN's interfaces and addresses are the same; a carrier may have come or gone.
[[nodiscard]] bool same_lan(const Network& left, const Network& right) {
  const auto same = [](const Interface& a, const Interface& b) {
    return a.name == b.name && a.index == b.index && a.addresses == b.addresses;
  };
  return std::equal(left.lan.begin(), left.lan.end(), right.lan.begin(), right.lan.end(), same);
}

[[nodiscard]] bool is_wan_running(const Network& network) {
  return network.wan && network.wan->is_running;
}

}  // namespace

Turn Gateway::on_network(const Network& network, Moment now) {
  Turn turn;
  if (network == state_.network) return turn;
  const bool rules_stay = same_rules(network, state_.network);
  const bool lan_stays = same_lan(network, state_.network);
  const bool wan_link_stays = is_wan_running(network) == is_wan_running(state_.network);
  adopt_network(network);
  if (!rules_stay || network.external_addresses() != state_.external_address.locals()) {
    (void)rebuild(now, turn);
  }
  if (!lan_stays) tell_frontends(GatewayEvent::lan_changed, now);
  if (!wan_link_stays) tell_frontends(GatewayEvent::wan_link_changed, now);
  if (!lan_stays) judge_lan_anew(now, turn);
  send_due_announcements(now, turn);
  return turn;
}

void Gateway::on_neighbours(std::span<const Neighbour> neighbours, Moment now) {
  for (const auto& neighbour : neighbours) {
    // Who is on another link may say what he likes.
    const auto* lan = state_.network.lan_of(neighbour.address);
    if (lan == nullptr || lan->index != neighbour.interface_index) continue;
    hosts_.hear(neighbour, now);
    const bool has_answered = neighbour.state == Neighbour::State::reachable;
    const auto mac = MacAddress::of_octets(neighbour.link_address);
    if (has_answered && mac) state_.table.learn_mac(neighbour.address, *mac);
  }
}

void Gateway::end_hosts_that_went(Moment now, Turn& turn) {
  auto due = hosts_.take_due(state_.network, now);
  append(turn.questions, std::move(due.questions));
  if (due.gone.empty()) return;
  std::vector<Address> refused;
  const auto end_all = [&] {
    refused.clear();
    for (const auto& host : due.gone) {
      if (!state_.table.end_host(host)) refused.push_back(host);
    }
  };
  run_turn(end_all, now, turn);
  for (const auto& host : refused) hosts_.put_off(host, now + kRetryPause);
}

void Gateway::judge_lan_anew(Moment now, Turn& turn) {
  MappingTable::Ended lost;
  const auto work = [&] {
    lost = state_.table.end_off_link();
    must_enforce_ = state_.table.enforce_policy() > 0;
  };
  run_turn(work, now, turn);
  note_lost(lost, now);
  for (const Mapping* mapping : state_.table.oldest(state_.table.size())) {
    follow_host(mapping->internal.address, turn);
    follow_askers(*mapping, turn);
  }
}

void Gateway::note_lost(const MappingTable::Ended& lost, Moment now) {
  if (lost.v4 > 0) {
    state_.epoch.restart(now);
    tell_frontends(GatewayEvent::mappings_lost, now);
  }
  if (lost.pinholes > 0) {
    state_.pinhole_epoch.restart(now);
    tell_frontends(GatewayEvent::pinholes_lost, now);
  }
}

void Gateway::follow_hosts(std::span<const TableEvent> events, Turn& turn) {
  for (const auto& event : events) {
    const auto& mapping = event.mapping;
    const bool is_plain_renewal = event.kind == TableEvent::Kind::renewed && event.dropped.empty();
    if (!is_plain_renewal) follow_host(mapping.internal.address, turn);
    follow_askers(mapping, turn);
    for (const auto& claim : event.dropped) follow_host(claim.claimant.client, turn);
  }
}

void Gateway::follow_askers(const Mapping& mapping, Turn& turn) {
  for (const auto& claim : mapping.claims) {
    const auto& client = claim.claimant.client;
    if (client != mapping.internal.address) follow_host(client, turn);
  }
}

void Gateway::follow_host(const Address& host, Turn& turn) {
  if (!state_.table.concerns(host)) {
    hosts_.forget(host);
    return;
  }
  const auto* lan = state_.network.lan_of(host);
  if (lan != nullptr && hosts_.watch(host)) turn.questions.push_back({lan->index, host});
}

void Gateway::adopt_network(const Network& network) {
  state_.network = network;
  known_links_.v4 = known_links_.v4 || network.all_lans_have_v4();
  known_links_.v6 = known_links_.v6 || network.all_lans_have_v6();
  std::vector<Prefix> prefixes;
  for (const auto& lan : network.lan) {
    auto& [v4, v6] = links_[lan.name];
    if (lan.first_v4()) v4.clear();
    if (lan.has_routable_v6()) v6.clear();
    std::erase_if(v6, [](const Prefix& prefix) { return prefix.network().is_link_local(); });
    for (const auto& own : lan.addresses) (own.address.is_v4() ? v4 : v6).push_back(own.prefix());
    prefixes.insert(prefixes.end(), v4.begin(), v4.end());
    prefixes.insert(prefixes.end(), v6.begin(), v6.end());
  }
  state_.table.set_lan_prefixes(std::move(prefixes), known_links_);
}

void Gateway::follow_external_address(std::optional<Address> before, Moment now) {
  const auto& after = state_.external_address.locals();
  const auto& last = last_external_addresses_;
  const bool is_news = !after.empty() && !last.empty() && is_outdated(last, after);
  if (is_news) state_.epoch.restart(now);
  if (!after.empty()) last_external_addresses_ = after;
  if (state_.external_address.local() == before && !is_news) return;
  tell_frontends(GatewayEvent::external_address_changed, now);
}

}  // namespace postern
