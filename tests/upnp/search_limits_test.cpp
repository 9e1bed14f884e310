#include "protocols/upnp/search_limits.h"

#include <gtest/gtest.h>

#include "tests/upnp/ssdp_fixture.h"

// SSDP-42, SEC-03
namespace postern::upnp {
namespace {

using namespace test;

class SearchLimitsTest : public testing::Test {
 protected:
  Admission ask(std::string_view target, Address from = kHostA, std::uint16_t port = 40000) {
    return limits_.admit(kLanIndex, {from, port}, target, now_);
  }
  /// Asks for something else each time.
  int admitted_of(int searches, Address from = kHostA) {
    int admitted = 0;
    for (int i = 0; i < searches; ++i) {
      if (ask("target " + std::to_string(++asked_), from) == Admission::admitted) ++admitted;
    }
    return admitted;
  }

  SearchLimits limits_;
  Moment now_ = kStart;
  int asked_ = 0;
};

TEST_F(SearchLimitsTest, AdmitsTwentyAtOnceAndTenASecond) {
  EXPECT_EQ(admitted_of(1000), 20);
  EXPECT_EQ(ask("another"), Admission::too_many_searches);
  now_ += Milliseconds(99);
  EXPECT_EQ(admitted_of(1000), 0);
  now_ += Milliseconds(1);
  EXPECT_EQ(admitted_of(1000), 1);
  now_ += Seconds(1);
  EXPECT_EQ(admitted_of(1000), 10);
  now_ += Seconds(3600);
  EXPECT_EQ(admitted_of(1000), 20);
}

TEST_F(SearchLimitsTest, CountsEachHostForItself) {
  EXPECT_EQ(admitted_of(1000, kHostA), 20);
  EXPECT_EQ(admitted_of(1000, kHostB), 20);
  EXPECT_EQ(limits_.admit(9, {kHostA, 40000}, "on another link", now_), Admission::admitted);
}

//
TEST_F(SearchLimitsTest, AdmitsThreeCopiesASecond) {
  EXPECT_EQ(ask("one"), Admission::admitted);
  now_ += Milliseconds(400);
  EXPECT_EQ(ask("one"), Admission::admitted);
  EXPECT_EQ(ask("one"), Admission::admitted);
  EXPECT_EQ(ask("one"), Admission::too_many_copies);
  EXPECT_EQ(ask("other"), Admission::admitted);
  EXPECT_EQ(ask("one", kHostA, 40001), Admission::admitted);
  // The first of them is a second old, the others are not.
  now_ += Milliseconds(600);
  EXPECT_EQ(ask("one"), Admission::admitted);
  EXPECT_EQ(ask("one"), Admission::too_many_copies);
}

TEST_F(SearchLimitsTest, AdmitsOneFullSetASecond) {
  EXPECT_EQ(ask("ssdp:all"), Admission::admitted);
  EXPECT_EQ(ask("ssdp:all"), Admission::second_full_set);
  EXPECT_EQ(ask("ssdp:all", kHostA, 40001), Admission::second_full_set);
  EXPECT_EQ(ask("ssdp:all", kHostB), Admission::admitted);
  EXPECT_EQ(ask("upnp:rootdevice"), Admission::admitted);
  now_ += Milliseconds(999);
  EXPECT_EQ(ask("ssdp:all"), Admission::second_full_set);
  now_ += Milliseconds(1);
  EXPECT_EQ(ask("ssdp:all"), Admission::admitted);
}

TEST_F(SearchLimitsTest, KeepsABookOfSoManySourcesOnly) {
  const auto host = [](std::size_t number) {
    return Address::v4(0x0a000000U + static_cast<std::uint32_t>(number));
  };
  for (std::size_t i = 0; i < SearchLimits::kMostSources; ++i) {
    ASSERT_EQ(ask("one", host(i)), Admission::admitted);
  }
  EXPECT_EQ(ask("one", host(9999)), Admission::too_many_sources);
  EXPECT_EQ(ask("one", host(0)), Admission::admitted);
  // Nobody is forgotten whose answers still count, nor who has yet to earn his credit back.
  now_ += Milliseconds(999);
  EXPECT_EQ(ask("one", host(9999)), Admission::too_many_sources);
  EXPECT_EQ(admitted_of(1000, host(7)), 20);
  now_ += Milliseconds(1);
  EXPECT_EQ(ask("one", host(9999)), Admission::admitted);
  now_ += Milliseconds(1100);
  EXPECT_EQ(admitted_of(1000, host(7)), 11);
}

}  // namespace
}  // namespace postern::upnp
