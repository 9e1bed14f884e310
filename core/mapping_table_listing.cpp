#include <algorithm>

#include "core/mapping_table.h"

// Mappings in the order of their creation, for those who look at them one by one or all together.
namespace postern {
namespace {

/// So many slots of mappings that are gone may always stay in the order of creation.
constexpr std::size_t kFewSlots = 1024;

}  // namespace

const Mapping* MappingTable::listed(std::size_t index) const {
  const auto id = order_.at(index);
  return id ? find(*id) : nullptr;
}

std::vector<MappingId> MappingTable::listed_of(const Address& client) const {
  std::vector<MappingId> ids;
  for (const MappingId id : clients_.of(client)) {
    if (find(id)->is_listed()) ids.push_back(id);
  }
  return ids;
}

std::vector<const Mapping*> MappingTable::oldest(std::size_t count) const {
  std::vector<const Mapping*> found;
  found.reserve(mappings_.size());
  for (const auto& [id, entry] : mappings_) found.push_back(&entry.mapping);
  const auto end = found.begin() + static_cast<std::ptrdiff_t>(std::min(count, found.size()));
  std::partial_sort(found.begin(), end, found.end(),
                    [](const Mapping* left, const Mapping* right) { return left->id < right->id; });
  found.erase(end, found.end());
  return found;
}

void MappingTable::tidy_order() {
  if (order_.slots() < 2 * mappings_.size() + kFewSlots) return;
  order_.forget_others([this](MappingId id) { return mappings_.contains(id); });
}

bool MappingTable::is_listing_consistent() const {
  std::size_t listed = 0;
  for (const auto& [id, entry] : mappings_) listed += entry.mapping.is_listed() ? 1 : 0;
  if (listed != order_.count() || !order_.is_consistent()) return false;
  for (std::size_t i = 0; i < listed; ++i) {
    const Mapping* mapping = this->listed(i);
    if (!mapping || !mapping->is_listed()) return false;
  }
  return true;
}

}  // namespace postern
