#include "core/creation_order.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <utility>

namespace postern {
namespace {

[[nodiscard]] constexpr std::size_t lowest_bit(std::size_t number) {
  return number & (~number + 1);
}

}  // namespace

void CreationOrder::set_listed(MappingId id, bool is_listed) {
  if (slots_.empty() || slots_.back().id < id) {
    append({id, is_listed});
    return;
  }
  const auto found =
      std::lower_bound(slots_.begin(), slots_.end(), id,
                       [](const Slot& slot, MappingId wanted) { return slot.id < wanted; });
  assert(found != slots_.end() && found->id == id);
  if (found->is_listed == is_listed) return;
  found->is_listed = is_listed;
  count_ = is_listed ? count_ + 1 : count_ - 1;
  const auto slot = static_cast<std::size_t>(found - slots_.begin());
  for (std::size_t i = slot + 1; i <= tree_.size(); i += lowest_bit(i)) {
    tree_[i - 1] = is_listed ? tree_[i - 1] + 1 : tree_[i - 1] - 1;
  }
}

void CreationOrder::append(const Slot& slot) {
  slots_.push_back(slot);
  std::size_t listed = slot.is_listed ? 1 : 0;
  count_ += listed;
  const std::size_t end = slots_.size();
  for (std::size_t step = 1; step < lowest_bit(end); step *= 2) listed += tree_[end - step - 1];
  tree_.push_back(listed);
}

std::optional<MappingId> CreationOrder::at(std::size_t place) const {
  if (place >= count_) return std::nullopt;
  // The last slot before which no more than `place` are listed.
  std::size_t slot = 0;
  for (std::size_t step = std::bit_floor(tree_.size()); step > 0; step /= 2) {
    const std::size_t next = slot + step;
    if (next > tree_.size() || tree_[next - 1] > place) continue;
    place -= tree_[next - 1];
    slot = next;
  }
  return slots_[slot].id;
}

void CreationOrder::forget_others(const std::function<bool(MappingId)>& keeps) {
  const auto old = std::exchange(slots_, {});
  tree_.clear();
  count_ = 0;
  for (const auto& slot : old) {
    if (slot.is_listed || keeps(slot.id)) append(slot);
  }
}

std::size_t CreationOrder::listed_before(std::size_t slots) const {
  std::size_t listed = 0;
  for (std::size_t i = slots; i > 0; i -= lowest_bit(i)) listed += tree_[i - 1];
  return listed;
}

bool CreationOrder::is_consistent() const {
  std::size_t listed = 0;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if ((i > 0 && slots_[i - 1].id >= slots_[i].id) || listed_before(i) != listed) return false;
    if (slots_[i].is_listed) ++listed;
  }
  return tree_.size() == slots_.size() && listed == count_;
}

}  // namespace postern
