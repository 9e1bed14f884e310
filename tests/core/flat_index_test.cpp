#include "core/flat_index.h"

#include <cstdint>
#include <map>

#include <gtest/gtest.h>

#include "core/random.h"

namespace postern {
namespace {

struct Item {
  std::uint32_t key = 0;
};

struct KeyOfItem {
  std::uint32_t operator()(const Item& item) const { return item.key; }
};

struct GoodHash {
  std::size_t operator()(std::uint32_t key) const { return key * 0x9e3779b97f4a7c15U >> 16; }
};

/// Three places for all keys, so that nearly every item has to make way.
struct BadHash {
  std::size_t operator()(std::uint32_t key) const { return key % 3; }
};

/// Random insertions, removals and look-ups, against std::map.
template <class Hash>
void behaves_like_a_map(std::uint64_t seed, std::uint32_t keys, int steps) {
  std::map<std::uint32_t, Item> model;
  FlatIndex<Item, KeyOfItem, Hash> index;
  Random random(seed);
  for (int step = 0; step < steps; ++step) {
    const std::uint32_t key = random.below(keys);
    const auto found = model.find(key);
    ASSERT_EQ(index.find(key), found == model.end() ? nullptr : &found->second);
    if (found == model.end()) {
      index.insert(model.emplace(key, Item{key}).first->second);
    } else {
      index.erase(key);
      model.erase(found);
    }
    ASSERT_EQ(index.size(), model.size());
  }
  for (std::uint32_t key = 0; key < keys; ++key) {
    const auto found = model.find(key);
    ASSERT_EQ(index.find(key), found == model.end() ? nullptr : &found->second) << key;
  }
}

TEST(FlatIndex, FindsNothingWhenEmpty) {
  const FlatIndex<Item, KeyOfItem, GoodHash> index;
  EXPECT_EQ(index.find(1), nullptr);
  EXPECT_EQ(index.size(), 0U);
}

TEST(FlatIndex, BehavesLikeAMap) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) behaves_like_a_map<GoodHash>(seed, 5000, 40'000);
}

TEST(FlatIndex, BehavesLikeAMapWhenAllHashesCollide) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) behaves_like_a_map<BadHash>(seed, 60, 10'000);
}

}  // namespace
}  // namespace postern
