#include "protocols/upnp/pinhole_ids.h"

#include <algorithm>
#include <limits>

#include "protocols/upnp/invocation.h"

namespace postern::upnp {
namespace {

[[nodiscard]] std::uint16_t after(std::uint16_t id) {
  return id == std::numeric_limits<std::uint16_t>::max() ? std::uint16_t{1}
                                                         : static_cast<std::uint16_t>(id + 1);
}

[[nodiscard]] std::vector<std::uint16_t> ids_in(const Mapping& mapping) {
  std::vector<std::uint16_t> ids;
  for (const auto& claim : mapping.claims) {
    const auto tag = claim.details->tag;
    if (claim.claimant.frontend == kFrontendName && tag) ids.push_back(*tag);
  }
  return ids;
}

}  // namespace

void PinholeIds::note(std::span<const TableEvent> events) {
  for (const auto& event : events) {
    if (event.mapping.is_pinhole()) note(event);
  }
}

void PinholeIds::note(const TableEvent& event) {
  const MappingId mapping = event.mapping.id;
  const auto before = std::move(ids_of_[mapping]);
  ids_of_.erase(mapping);
  for (const auto id : before) mapping_of_.erase(id);
  if (event.kind == TableEvent::Kind::closed) return;
  auto now = ids_in(event.mapping);
  if (now.empty()) return;
  const bool is_restored = event.cause == TableEvent::Cause::restored;
  for (const auto id : now) {
    mapping_of_[id] = mapping;
    const bool is_new = std::find(before.begin(), before.end(), id) == before.end();
    if (is_new && !is_restored) last_ = id;
  }
  ids_of_[mapping] = std::move(now);
}

std::optional<MappingId> PinholeIds::find(std::uint16_t id) const {
  const auto found = mapping_of_.find(id);
  return found == mapping_of_.end() ? std::nullopt : std::optional(found->second);
}

std::optional<std::uint16_t> PinholeIds::next() const {
  if (mapping_of_.size() == kIds) return std::nullopt;
  std::uint16_t id = after(last_);
  while (mapping_of_.contains(id)) id = after(id);
  return id;
}

}  // namespace postern::upnp
