#include "protocols/upnp/pinhole_ids.h"

#include <set>

#include <gtest/gtest.h>

#include "tests/support/home.h"

namespace postern::upnp {
namespace {

using namespace postern::test;

[[nodiscard]] TableEvent event(MappingId mapping, const std::vector<std::uint16_t>& ids,
                               TableEvent::Kind kind = TableEvent::Kind::opened,
                               std::string_view frontend = "upnp") {
  TableEvent event{kind, {}};
  event.mapping.id = mapping;
  event.mapping.internal = event.mapping.external = {kHostA6, 6000};
  for (const auto id : ids) {
    Claim claim{{frontend, kHostA6}, {}};
    ClaimDetails details;
    details.tag = id;
    claim.details = SharedDetails(details);
    event.mapping.claims.push_back(claim);
  }
  return event;
}

class PinholeIdsTest : public testing::Test {
 protected:
  void note(const TableEvent& event) { ids_.note({&event, 1}); }

  PinholeIds ids_;
};

TEST_F(PinholeIdsTest, FollowTheMappings) {
  note(event(7, {3, 4}));
  note(event(8, {5}));
  EXPECT_EQ(ids_.find(3), MappingId{7});
  EXPECT_EQ(ids_.find(5), MappingId{8});
  note(event(7, {4}, TableEvent::Kind::renewed));
  EXPECT_FALSE(ids_.find(3));
  EXPECT_EQ(ids_.find(4), MappingId{7});
  note(event(7, {4}, TableEvent::Kind::closed));
  EXPECT_FALSE(ids_.find(4));
  EXPECT_EQ(ids_.find(5), MappingId{8});
}

TEST_F(PinholeIdsTest, AreOnlyThoseOfUpnp) {
  note(event(7, {3}, TableEvent::Kind::opened, "pcp"));
  EXPECT_FALSE(ids_.find(3));
}

// IGD-165
TEST_F(PinholeIdsTest, RiseAndBeginAgain) {
  EXPECT_EQ(ids_.next(), 1);
  note(event(1, {1}));
  note(event(2, {2}));
  EXPECT_EQ(ids_.next(), 3);
  note(event(2, {2}, TableEvent::Kind::closed));
  EXPECT_EQ(ids_.next(), 3);
  // A renewal gives none.
  note(event(1, {1}, TableEvent::Kind::renewed));
  EXPECT_EQ(ids_.next(), 3);
  note(event(3, {65535}));
  EXPECT_EQ(ids_.next(), 2);
}

// IGD-165
TEST_F(PinholeIdsTest, BeginWhereTheRandomNumberSays) {
  EXPECT_EQ(PinholeIds(0).next(), 1);
  EXPECT_EQ(PinholeIds(65534).next(), 65535);
  EXPECT_EQ(PinholeIds(65535).next(), 1);
  std::set<std::uint16_t> begins;
  for (std::uint64_t random = 0; random < 65535; ++random) {
    begins.insert(*PinholeIds((std::uint64_t{1} << 40) + random).next());
  }
  EXPECT_EQ(begins.size(), 65535U) << "each id is one to begin with, and no other number";
}

// IGD-165
TEST_F(PinholeIdsTest, GoOnWhereTheRunBeganWhateverWasRestored) {
  auto restored = event(1, {3});
  restored.cause = TableEvent::Cause::restored;
  note(restored);
  EXPECT_EQ(ids_.find(3), MappingId{1});
  EXPECT_EQ(ids_.next(), 1);
  note(event(2, {1}));
  note(event(4, {2}));
  EXPECT_EQ(ids_.next(), 4);
}

// IGD-165
TEST_F(PinholeIdsTest, MayAllBeInUse) {
  std::vector<std::uint16_t> all;
  for (std::uint32_t id = 1; id <= 65535; ++id) all.push_back(static_cast<std::uint16_t>(id));
  all.erase(all.begin() + 4999);
  note(event(1, all));
  EXPECT_EQ(ids_.next(), 5000);
  note(event(2, {5000}));
  EXPECT_FALSE(ids_.next());
}

}  // namespace
}  // namespace postern::upnp
