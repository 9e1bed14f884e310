#include "core/creation_order.h"

#include <algorithm>
#include <map>

#include <gtest/gtest.h>

#include "core/random.h"

namespace postern {
namespace {

using Model = std::map<MappingId, bool>;

/// Every place, and the one behind the last.
void expect_lists(const CreationOrder& order, const Model& model) {
  std::size_t place = 0;
  for (const auto& [id, is_listed] : model) {
    if (!is_listed) continue;
    ASSERT_EQ(order.at(place), id);
    ++place;
  }
  ASSERT_EQ(order.at(place), std::nullopt);
  ASSERT_EQ(order.count(), place);
  ASSERT_TRUE(order.is_consistent());
}

TEST(CreationOrder, IsEmptyAtFirst) {
  const CreationOrder order;
  EXPECT_EQ(order.count(), 0U);
  EXPECT_EQ(order.at(0), std::nullopt);
  EXPECT_TRUE(order.is_consistent());
}

TEST(CreationOrder, FindsEachOfManyAtEverySize) {
  CreationOrder order;
  Model model;
  for (MappingId id = 3; id < 300; id += 3) {
    order.set_listed(id, true);
    model[id] = true;
    expect_lists(order, model);
  }
}

TEST(CreationOrder, OneThatComesBackStandsWhereItStood) {
  CreationOrder order;
  for (const MappingId id : {1U, 2U, 3U}) order.set_listed(id, true);
  order.set_listed(2, false);
  EXPECT_EQ(order.at(1), 3U);
  order.set_listed(2, true);
  EXPECT_EQ(order.at(1), 2U);
  EXPECT_EQ(order.at(2), 3U);
}

TEST(CreationOrder, OneThatIsListedLaterStandsWhereItWasCreated) {
  CreationOrder order;
  order.set_listed(1, false);
  order.set_listed(2, true);
  EXPECT_EQ(order.at(0), 2U);
  order.set_listed(1, true);
  EXPECT_EQ(order.at(0), 1U);
}

TEST(CreationOrder, SayingItTwiceCountsOnce) {
  CreationOrder order;
  order.set_listed(1, true);
  order.set_listed(1, true);
  EXPECT_EQ(order.count(), 1U);
  order.set_listed(1, false);
  order.set_listed(1, false);
  EXPECT_EQ(order.count(), 0U);
  EXPECT_TRUE(order.is_consistent());
}

TEST(CreationOrder, ForgetsWhatIsNeitherListedNorKept) {
  CreationOrder order;
  for (MappingId id = 1; id <= 6; ++id) order.set_listed(id, id % 2 == 0);
  order.forget_others([](MappingId id) { return id == 3; });
  EXPECT_EQ(order.slots(), 4U);
  order.set_listed(3, true);
  EXPECT_EQ(order.at(0), 2U);
  EXPECT_EQ(order.at(1), 3U);
  EXPECT_EQ(order.count(), 4U);
  EXPECT_TRUE(order.is_consistent());
}

TEST(CreationOrder, BehavesLikeASortedMap) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    CreationOrder order;
    Model model;
    Random random(seed);
    MappingId next = 1;
    for (int step = 0; step < 2000; ++step) {
      const auto which = random.below(4);
      if (which == 0 || model.empty()) {
        next += 1 + random.below(3);
        model[next] = random.below(3) > 0;
        order.set_listed(next, model[next]);
      } else if (which < 3) {
        const auto place =
            static_cast<std::ptrdiff_t>(random.below(static_cast<std::uint32_t>(model.size())));
        auto& [id, is_listed] = *std::next(model.begin(), place);
        is_listed = !is_listed;
        order.set_listed(id, is_listed);
      } else if (random.below(50) == 0) {
        const auto keeps = [](MappingId id) { return id % 2 == 0; };
        order.forget_others(keeps);
        std::erase_if(model,
                      [&](const auto& entry) { return !entry.second && !keeps(entry.first); });
      }
      ASSERT_NO_FATAL_FAILURE(expect_lists(order, model));
    }
  }
}

}  // namespace
}  // namespace postern
