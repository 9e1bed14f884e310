#pragma once

#include <cassert>
#include <cstddef>
#include <type_traits>
#include <vector>

namespace postern {

/// Finds items that live elsewhere by a key that is part of them.
///
/// Open addressing with linear probing: a look-up touches one slot and the item, while a node-based
/// map touches its bucket, two nodes and the item. With many mappings each touch is a cache miss,
/// and those misses were most of what a request cost more than in an empty table.
///
/// `KeyOf` takes an item to its key, `Hash` a key to a number. Items stay where they are, and keep
/// their key, for as long as they are in the index.
template <class Item, class KeyOf, class Hash>
class FlatIndex {
  using Key = std::remove_cvref_t<std::invoke_result_t<KeyOf, const Item&>>;

 public:
  /// The item with this key, or null.
  [[nodiscard]] const Item* find(const Key& key) const {
    return slots_.empty() ? nullptr : slots_[place_of(key, Hash{}(key))].item;
  }

  /// There must be no item with its key yet.
  void insert(const Item& item) {
    if (2 * (size_ + 1) > slots_.size()) grow();
    place({Hash{}(KeyOf{}(item)), &item});
    ++size_;
  }

  /// There must be an item with this key.
  void erase(const Key& key) {
    std::size_t hole = place_of(key, Hash{}(key));
    assert(slots_[hole].item);
    // Those behind it that had to make way move up, so that none is cut off from its place.
    for (std::size_t next = after(hole); slots_[next].item; next = after(next)) {
      const std::size_t home = slots_[next].hash & mask();
      const bool may_move = ((next - home) & mask()) >= ((next - hole) & mask());
      if (!may_move) continue;
      slots_[hole] = slots_[next];
      hole = next;
    }
    slots_[hole] = {};
    --size_;
  }

  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  static constexpr std::size_t kFirstSlots = 16;

  struct Slot {
    std::size_t hash = 0;
    const Item* item = nullptr;
  };

  /// Their number is a power of two, at least twice that of the items.
  [[nodiscard]] std::size_t mask() const { return slots_.size() - 1; }
  [[nodiscard]] std::size_t after(std::size_t index) const { return (index + 1) & mask(); }

  /// Where the key is, or the free slot where it would be.
  [[nodiscard]] std::size_t place_of(const Key& key, std::size_t hash) const {
    std::size_t index = hash & mask();
    while (slots_[index].item &&
           (slots_[index].hash != hash || KeyOf{}(*slots_[index].item) != key)) {
      index = after(index);
    }
    return index;
  }

  void place(const Slot& slot) {
    std::size_t index = slot.hash & mask();
    while (slots_[index].item) index = after(index);
    slots_[index] = slot;
  }

  void grow() {
    std::vector<Slot> old(slots_.empty() ? kFirstSlots : 2 * slots_.size());
    old.swap(slots_);
    for (const auto& slot : old) {
      if (slot.item) place(slot);
    }
  }

  std::vector<Slot> slots_;
  std::size_t size_ = 0;
};

}  // namespace postern
