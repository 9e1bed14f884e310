#include "backends/nftables/element_changes.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <span>

namespace postern::nftables {

void ElementChanges::clear() {
  for (auto* lists : {&removals_, &additions_}) {
    for (auto& list : *lists) {
      list.elements.clear();
      list.changes.clear();
    }
  }
}

void ElementChanges::remove(const Door& door, std::size_t change) {
  // It never comes to that minute: the elements go in the same transaction.
  append(removals_, door, std::chrono::minutes{1}, change);
}

void ElementChanges::add(const Door& door, Milliseconds timeout, std::size_t change) {
  append(additions_, door, timeout, change);
}

void ElementChanges::append(Lists& lists, const Door& door, Milliseconds timeout,
                            std::size_t change) {
  elements_.clear();
  append_elements(door, elements_);
  for (const auto& element : elements_) {
    auto& list = lists[static_cast<std::size_t>(element.container)];
    list.elements.push_back({element, timeout});
    list.changes.push_back(change);
  }
}

template <class Put>
void ElementChanges::put_list(const List& list, Messages messages, Put put) {
  const std::span<const TimedElement> elements(list.elements);
  const bool are_shared = messages == Messages::large && elements.size() > 1;
  const std::size_t most = are_shared ? kElementsPerMessage : 1;
  // One message at a time, so that the two of a removal stand beside each other: the kernel must
  // have no time to take the element away between them.
  for (std::size_t i = 0; i < elements.size(); i += most) {
    const auto change = are_shared ? std::nullopt : std::optional(list.changes[i]);
    put(elements.subspan(i, std::min(most, elements.size() - i)), change);
  }
}

void ElementChanges::put(netlink::Batch& batch, const char* table, Messages messages) const {
  for (const auto container : kContainers) {
    const auto& list = removals_[static_cast<std::size_t>(container)];
    // Added first, so that deleting cannot fail when their own timers were faster. (The kernel has
    // a delete that never fails only since 6.3.)
    put_list(list, messages, [&](auto elements, auto change) {
      put_add(batch, table, container, elements, change);
      put_delete(batch, table, container, elements, change);
    });
  }
  for (const auto container : kContainers) {
    const auto& list = additions_[static_cast<std::size_t>(container)];
    put_list(list, messages, [&](auto elements, auto change) {
      put_add(batch, table, container, elements, change);
    });
  }
}

}  // namespace postern::nftables
