#include <gtest/gtest.h>

#include "tests/upnp/action_house.h"

// Mappings of the administrator, as UPnP clients meet them.
namespace postern::upnp {
namespace {

using namespace test;

class StaticActions : public testing::Test {
 protected:
  StaticActions() {
    house.state.table.set_static(
        std::vector<StaticMapping>{{"web server", Protocol::tcp, {kHostA, 6000}, 7000}}, house.now);
    house.stand();
  }

  ActionHouse house;
  Client a1{house, kHostA, 1};
  Client a2{house, kHostA, 2};
  Client b1{house, kHostB, 1};
  Client b2{house, kHostB, 2};
};

// PCP-203
TEST_F(StaticActions, AreListedWithoutAnEnd) {
  const auto entry = b2.specific(7000);
  ASSERT_EQ(entry.code, 0);
  EXPECT_EQ(entry.values, (std::vector<Value>{std::uint32_t{6000}, kHostA.to_string(), true,
                                              std::string("web server"), std::uint32_t{0}}));
  EXPECT_EQ(b1.generic(0).code, 0);
}

// IGD-065
TEST_F(StaticActions, KeepTheirPortFromOthers) {
  EXPECT_EQ(b1.add().code, 718);
  EXPECT_EQ(b2.add().code, 729);
  EXPECT_EQ(a1.add({.internal = 6001}).code, 718) << "nor does it lead elsewhere";
  EXPECT_EQ(a2.add({.remote = "203.0.113.5"}).code, 729) << "nor let in others";
  const auto other = b2.add_any({.internal = 6000});
  EXPECT_EQ(other.code, 0);
  EXPECT_NE(other.values, std::vector<Value>{std::uint32_t{7000}});
}

// IGD-065
TEST_F(StaticActions, AreNobodysToDelete) {
  EXPECT_EQ(a1.erase(7000).code, 714);
  EXPECT_EQ(a2.erase(7000).code, 606);
  EXPECT_EQ(a2.erase_range(0, 65535).code, 730);
  EXPECT_EQ(b2.erase(7000).code, 606);
  EXPECT_EQ(house.mappings(), 1u);
}

// IGD-066
TEST_F(StaticActions, GetOneMoreClaimOfTheirOwnHost) {
  EXPECT_EQ(a1.add({.description = "mine"}).code, 0);
  ASSERT_EQ(house.mappings(), 1u);
  EXPECT_EQ(house.find(7000)->claims.size(), 2u);
  EXPECT_EQ(a1.erase(7000).code, 0);
  ASSERT_TRUE(house.find(7000));
  EXPECT_EQ(house.find(7000)->claims.size(), 1u);
}

}  // namespace
}  // namespace postern::upnp
