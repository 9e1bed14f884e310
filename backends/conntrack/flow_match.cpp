#include "backends/conntrack/flow_match.h"

#include <algorithm>
#include <variant>

namespace postern::conntrack {
namespace {

using Kind = FlowKey::Kind;

struct KeyThrough {
  std::optional<FlowKey> operator()(const Forward4& door) const {
    return FlowKey{Kind::inbound4, door.protocol, door.external, door.internal};
  }
  /// It lets in what forwards, which have keys of their own, have translated.
  std::optional<FlowKey> operator()(const Pin4&) const { return std::nullopt; }
  std::optional<FlowKey> operator()(const Outbound4& door) const {
    return FlowKey{Kind::outbound4, door.protocol, door.internal, door.external};
  }
  std::optional<FlowKey> operator()(const Pinhole6& door) const {
    return FlowKey{Kind::inbound6, door.protocol, door.internal};
  }
};

[[nodiscard]] std::optional<FlowKey> key_of(const FlowPurge& purge) {
  if (purge.which == FlowPurge::Which::through_door) return std::visit(KeyThrough{}, purge.door);
  const auto* door = std::get_if<Forward4>(&purge.door);
  if (door == nullptr) return std::nullopt;
  // Not translated: who answers is who was asked.
  return FlowKey{Kind::inbound4, door->protocol, door->external, door->external};
}

[[nodiscard]] FlowKey inbound4(const TrackedFlow& flow) {
  return {Kind::inbound4, flow.protocol, flow.original.destination, flow.reply.source};
}

[[nodiscard]] FlowKey outbound4(const TrackedFlow& flow) {
  return {Kind::outbound4, flow.protocol, flow.original.source, flow.reply.destination};
}

[[nodiscard]] FlowKey inbound6(const TrackedFlow& flow) {
  return {Kind::inbound6, flow.protocol, flow.original.destination};
}

[[nodiscard]] bool let_through(const RemoteFilters& filters, const Endpoint& remote) {
  if (filters.empty()) return true;
  return std::any_of(filters.begin(), filters.end(), [&](const RemoteFilter& filter) {
    return filter.first_port <= remote.port && remote.port <= filter.last_port &&
           filter.remote.contains(remote.address);
  });
}

[[nodiscard]] Pattern::Side whole(const Endpoint& endpoint) {
  return {endpoint.address, endpoint.port};
}

template <class Value>
void keep_if_equal(std::optional<Value>& common, const Value& value) {
  if (common != value) common.reset();
}

struct FiltersOf {
  const RemoteFilters* operator()(const Forward4& door) const { return &door.filters; }
  const RemoteFilters* operator()(const Pinhole6& door) const { return &door.filters; }
  /// They let nobody in by themselves.
  const RemoteFilters* operator()(const Pin4&) const { return nullptr; }
  const RemoteFilters* operator()(const Outbound4&) const { return nullptr; }
};

}  // namespace

PurgeSet::PurgeSet(std::span<const FlowPurge> purges) {
  for (const auto& purge : purges) {
    const auto key = key_of(purge);
    if (!key) continue;
    widen_patterns(*key);
    const auto [place, is_new] =
        spares_established_tcp_.emplace(*key, purge.spares_established_tcp);
    if (!is_new) place->second = place->second && purge.spares_established_tcp;
  }
}

bool PurgeSet::has(const TrackedFlow& flow) const {
  const auto means = [&](const FlowKey& key) {
    const auto found = spares_established_tcp_.find(key);
    if (found == spares_established_tcp_.end()) return false;
    return !(found->second && flow.established_tcp);
  };
  if (!flow.original.source.address.is_v4()) return means(inbound6(flow));
  return means(inbound4(flow)) || means(outbound4(flow));
}

void PurgeSet::widen_patterns(const FlowKey& key) {
  const auto found = std::find_if(patterns_.begin(), patterns_.end(),
                                  [&](const Pattern& pattern) { return pattern.kind == key.kind; });
  if (found == patterns_.end()) {
    patterns_.push_back({key.kind, key.protocol, whole(key.first), whole(key.second)});
    return;
  }
  keep_if_equal(found->protocol, key.protocol);
  keep_if_equal(found->first.address, key.first.address);
  keep_if_equal(found->first.port, key.first.port);
  keep_if_equal(found->second.address, key.second.address);
  keep_if_equal(found->second.port, key.second.port);
}

StraySet::StraySet(std::span<const TimedDoor> doors, std::uint32_t mark,
                   bool spares_established_tcp)
    : mark_(mark), spares_established_tcp_(spares_established_tcp) {
  for (const auto& timed : doors) {
    const auto* filters = std::visit(FiltersOf{}, timed.door);
    const auto key = std::visit(KeyThrough{}, timed.door);
    if (key && filters) open_.emplace(*key, filters);
  }
}

bool StraySet::has(const TrackedFlow& flow) const {
  if ((flow.mark & mark_) == 0) return false;
  if (spares_established_tcp_ && flow.established_tcp) return false;
  return !(flow.original.source.address.is_v4() ? explains4(flow) : explains6(flow));
}

bool StraySet::explains4(const TrackedFlow& flow) const {
  // No forward let in what is not translated.
  if (flow.reply.source == flow.original.destination) return true;
  const auto door = open_.find(inbound4(flow));
  return door != open_.end() && let_through(*door->second, flow.original.source);
}

bool StraySet::explains6(const TrackedFlow& flow) const {
  const auto lets_in = [&](const Tuple& direction) {
    const auto door = open_.find({Kind::inbound6, flow.protocol, direction.destination});
    return door != open_.end() && let_through(*door->second, direction.source);
  };
  return lets_in(flow.original) || lets_in(flow.reply);
}

std::optional<Flow> seen_from(const TrackedFlow& flow, const Tuple& internal_to_remote) {
  const auto& [internal, remote] = internal_to_remote;
  // What the peer knows of the host is where it sends its own packets to.
  if (flow.original == internal_to_remote) {
    return Flow{flow.protocol, internal, flow.reply.destination, remote};
  }
  if (flow.reply == internal_to_remote) {
    return Flow{flow.protocol, internal, flow.original.destination, remote};
  }
  return std::nullopt;
}

}  // namespace postern::conntrack
