#include <algorithm>

#include "core/mapping_table.h"

// What the network around it tells the table, and what an earlier run left there.
namespace postern {

using Cause = TableEvent::Cause;

void MappingTable::set_external_addresses(std::vector<Address> addresses) {
  external_addresses_ = std::move(addresses);
  if (external_addresses_.empty()) return;
  const Because because(*this, Cause::network);
  std::vector<MappingId> moving;
  for (const auto& [id, entry] : mappings_) {
    const auto& mapping = entry.mapping;
    const bool stays = mapping.is_pinhole() || has_external_address(mapping.external.address);
    if (!stays) moving.push_back(id);
  }
  for (const MappingId id : moving) {
    Mapping moved = *find(id);
    moved.external.address = external_addresses_.front();
    (void)change(id, std::move(moved));
  }
}

void MappingTable::set_lan_prefixes(std::vector<Prefix> prefixes, KnownLinks known) {
  known_links_ = known;
  policy_.set_lan_prefixes(std::move(prefixes));
}

auto MappingTable::end_off_link() -> Ended {
  const Because because(*this, Cause::network);
  std::vector<std::pair<MappingId, bool>> off_link;
  for (const auto& [id, entry] : mappings_) {
    const auto& host = entry.mapping.internal.address;
    const bool is_here = !is_known(host) || policy_.is_on_link(host) || policy_.lists(host);
    if (is_here || entry.mapping.is_administered()) continue;
    off_link.emplace_back(id, entry.mapping.is_pinhole());
  }
  Ended ended;
  for (const auto& [id, is_pinhole] : off_link) {
    if (change(id, std::nullopt)) ++(is_pinhole ? ended.pinholes : ended.v4);
  }
  return ended;
}

bool MappingTable::end_host(const Address& host) {
  const Because because(*this, Cause::host_gone);
  const auto& asked = clients_.of(host);
  const auto& led = clients_.led_to(host);
  std::set<MappingId> ids(asked.begin(), asked.end());
  ids.insert(led.begin(), led.end());
  bool are_all_ended = true;
  for (const MappingId id : ids) {
    Mapping left = *find(id);
    const bool leads_there = left.internal.address == host;
    const auto ended = std::erase_if(left.claims, [&](const Claim& claim) {
      const bool is_meant = leads_there || claim.claimant.client == host;
      return is_meant && !claim.claimant.is_administrator();
    });
    if (ended == 0) continue;
    const bool is_over = left.claims.empty();
    const bool is_done = change(id, is_over ? std::nullopt : std::optional(std::move(left)));
    are_all_ended = are_all_ended && is_done;
  }
  return are_all_ended;
}

void MappingTable::learn_mac(const Address& host, const MacAddress& mac) {
  const auto before = clients_.station_of(host);
  const std::size_t own = clients_.count_of(host);
  const bool is_news = own > 0 && !(before && before->mac);
  const Station station{mac};
  // Who answers for address after address would else have more at each turn.
  const bool has_room = clients_.count_of(station) + own <= policy_.limits().mappings_per_station();
  if (is_news && has_room) clients_.place(host, station);
}

void MappingTable::set_occupied_ports(const OccupiedPorts& occupied) {
  ports_.set_occupied(Protocol::tcp, occupied.tcp);
  ports_.set_occupied(Protocol::udp, occupied.udp);
}

void MappingTable::adopt(std::span<const TimedDoor> doors, Moment now) {
  // Who sends with which port tells which of several forwards is the primary one.
  std::unordered_map<PortKey, Endpoint, PortKeyHash> outbound;
  for (const auto& [door, ends] : doors) {
    if (const auto* found = std::get_if<Outbound4>(&door)) {
      outbound.emplace(PortKey{found->protocol, found->internal}, found->external);
    }
  }
  std::vector<std::pair<Mapping, Moment>> primary;
  std::vector<std::pair<Mapping, Moment>> others;
  for (const auto& [door, ends] : doors) {
    if (ends <= now) continue;
    if (const auto* forward = std::get_if<Forward4>(&door)) {
      const auto found = outbound.find({forward->protocol, forward->internal});
      const bool is_primary = found == outbound.end() || found->second == forward->external;
      Mapping mapping{0,  forward->protocol, forward->internal, forward->external, now,
                      {}, forward->filters};
      (is_primary ? primary : others).emplace_back(std::move(mapping), ends);
    } else if (const auto* pinhole = std::get_if<Pinhole6>(&door)) {
      Mapping mapping{0,  pinhole->protocol, pinhole->internal, pinhole->internal, now,
                      {}, pinhole->filters};
      primary.emplace_back(std::move(mapping), ends);
    }
  }
  for (auto* found : {&primary, &others}) {
    for (auto& [mapping, ends] : *found) adopt(std::move(mapping), ends, now);
  }
}

void MappingTable::adopt(Mapping mapping, Moment ends, Moment now) {
  if (mapping.internal.port == 0) return;
  const bool is_double = mapping.is_pinhole()
                             ? find_by_internal(mapping.protocol, mapping.internal) != nullptr
                             : ports_.is_taken(mapping.protocol, mapping.external.port);
  if (is_double) return;
  const Because because(*this, Cause::restored);
  mapping.id = next_id_;
  const Lease lease{std::chrono::ceil<Seconds>(ends - now), ends};
  // Who asked is forgotten, so the strictest promise is kept: the companion port stays reserved.
  mapping.claims.push_back(
      {{kRecovered, mapping.internal.address}, lease, true, !mapping.filters.empty()});
  if (change(next_id_, std::move(mapping))) ++next_id_;
}

}  // namespace postern
