#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "backends/nftables/element_messages.h"
#include "backends/nftables/elements.h"
#include "core/door.h"
#include "core/time.h"
#include "netlink/batch.h"

namespace postern::nftables {

/// The elements that one transaction takes away and puts in. Worth keeping for the next one: its
/// memory stays.
class ElementChanges {
 public:
  /// How many elements go into a message. Many cost the kernel less, for each message is a search
  /// for table and set; but it refuses a message as a whole, and does not say for which element.
  enum class Messages { large, one_element_each };

  void clear();
  /// `change` is the caller's own index of what asks for this.
  void remove(const Door& door, std::size_t change);
  void add(const Door& door, Milliseconds timeout, std::size_t change);

  /// What goes, goes first: an interval may pass from one door to another. A message with one
  /// element carries the index of its change.
  void put(netlink::Batch& batch, const char* table, Messages messages) const;

 private:
  struct List {
    std::vector<TimedElement> elements;
    /// Of the element at the same place.
    std::vector<std::size_t> changes;
  };
  using Lists = std::array<List, kContainers.size()>;

  void append(Lists& lists, const Door& door, Milliseconds timeout, std::size_t change);
  template <class Put>
  static void put_list(const List& list, Messages messages, Put put);

  Lists removals_;
  Lists additions_;
  /// Those of one door.
  std::vector<Element> elements_;
};

}  // namespace postern::nftables
