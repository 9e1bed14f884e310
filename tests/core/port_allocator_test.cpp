#include "core/port_allocator.h"

#include <set>

#include <gtest/gtest.h>

#include "tests/support/home.h"

namespace postern {
namespace {

using test::kHostA;
using test::kHostB;
using test::kHostC;
using test::kStart;

constexpr Moment kRested = kStart + Seconds(120);

class PortAllocatorTest : public testing::Test {
 protected:
  [[nodiscard]] std::optional<std::uint16_t> choose(std::uint16_t suggested, std::uint16_t internal,
                                                    const Address& holder = kHostA,
                                                    Moment now = kStart) {
    return ports_.choose({Protocol::udp, holder, suggested, internal, now}, permitted_, random_);
  }

  PortAllocator ports_;
  PortSet permitted_{{{1024, 65535}}};
  Random random_{1};
};

// NPMP-41
TEST_F(PortAllocatorTest, PrefersTheSuggestedPort) {
  EXPECT_EQ(choose(40001, 8080), 40001);
}

// NPMP-43
TEST_F(PortAllocatorTest, ThenTakesTheNumberOfTheInternalPort) {
  EXPECT_EQ(choose(0, 8080), 8080);
}

// NPMP-42
TEST_F(PortAllocatorTest, ThenTakesAnyPermittedPort) {
  ports_.take(Protocol::udp, 40001);
  EXPECT_EQ(choose(40001, 8080), 8080);
  ports_.take(Protocol::udp, 8080);
  const auto port = choose(40001, 8080);
  ASSERT_TRUE(port);
  EXPECT_TRUE(permitted_.contains(*port));
  EXPECT_FALSE(ports_.is_taken(Protocol::udp, *port));
}

TEST_F(PortAllocatorTest, IsNotGuessable) {
  ports_.take(Protocol::udp, 8080);
  std::set<std::uint16_t> seen;
  for (int i = 0; i < 50; ++i) seen.insert(choose(0, 8080).value());
  EXPECT_GT(seen.size(), 40U);
}

// NPMP-55
TEST_F(PortAllocatorTest, ReplacesASuggestionThatIsNotPermitted) {
  permitted_ = PortSet({{3000, 3000}});
  EXPECT_EQ(choose(80, 8080), 3000);
}

// NPMP-43
TEST_F(PortAllocatorTest, ChoosesAHighPortUnlessALowOneIsAskedFor) {
  permitted_ = PortSet({{1, 1100}});
  for (int i = 0; i < 50; ++i) {
    const auto port = choose(0, 80);
    ASSERT_TRUE(port);
    EXPECT_GE(*port, 1024);
    ports_.take(Protocol::udp, *port);
  }
  EXPECT_EQ(choose(80, 80), 80);
}

// NPMP-42
TEST_F(PortAllocatorTest, ChoosesALowPortRatherThanNone) {
  permitted_ = PortSet({{70, 79}, {1024, 1024}});
  ports_.take(Protocol::udp, 1024);
  const auto port = choose(0, 80);
  ASSERT_TRUE(port);
  EXPECT_LT(*port, 80);
}

// NPMP-56
TEST_F(PortAllocatorTest, NeverHandsOutThePortsOfItsOwnProtocols) {
  permitted_ = PortSet({{5349, 5352}});
  std::set<std::uint16_t> got;
  while (const auto port = choose(5351, 5350)) {
    got.insert(*port);
    ports_.take(Protocol::udp, *port);
  }
  EXPECT_EQ(got, (std::set<std::uint16_t>{5349, 5352}));
  EXPECT_FALSE(ports_.is_free(Protocol::tcp, 5351, kHostA));
  EXPECT_TRUE(ports_.is_free(Protocol::tcp, 5350, kHostA));
}

TEST_F(PortAllocatorTest, NeverHandsOutPortZero) {
  EXPECT_FALSE(ports_.is_free(Protocol::udp, 0, kHostA));
}

// NPMP-44
TEST_F(PortAllocatorTest, GivesUpWhenNoPermittedPortIsFree) {
  permitted_ = PortSet({{3000, 3001}});
  ports_.take(Protocol::udp, 3000);
  EXPECT_EQ(choose(0, 9), 3001);
  ports_.take(Protocol::udp, 3001);
  EXPECT_FALSE(choose(0, 9));
  ports_.give_back(Protocol::udp, 3000);
  EXPECT_EQ(choose(0, 9), 3000);
}

TEST_F(PortAllocatorTest, GivesUpWhenNothingIsPermitted) {
  permitted_ = PortSet();
  EXPECT_FALSE(choose(4000, 4000));
}

TEST_F(PortAllocatorTest, FindsTheOnePortThatIsLeft) {
  for (std::uint32_t port = 1024; port <= 65535; ++port) {
    if (port != 31234 && port != 5350 && port != 5351) {
      ports_.take(Protocol::udp, static_cast<std::uint16_t>(port));
    }
  }
  EXPECT_EQ(choose(4000, 4000), 31234);
}

TEST_F(PortAllocatorTest, KeepsTheProtocolsApart) {
  ports_.take(Protocol::tcp, 4000);
  EXPECT_TRUE(ports_.is_taken(Protocol::tcp, 4000));
  EXPECT_FALSE(ports_.is_taken(Protocol::udp, 4000));
  EXPECT_EQ(choose(4000, 4000), 4000);
}

// NPMP-39
TEST_F(PortAllocatorTest, KeepsAReservedPortForItsHolder) {
  ports_.reserve(Protocol::udp, 4000, kHostB);
  EXPECT_FALSE(ports_.is_free(Protocol::udp, 4000, kHostA));
  EXPECT_TRUE(ports_.is_free(Protocol::udp, 4000, kHostB));
  EXPECT_EQ(choose(4000, 4001), 4001);
  EXPECT_EQ(ports_.reserved_for(Protocol::udp, 4000), kHostB);
}

// NPMP-39
TEST_F(PortAllocatorTest, ForgetsAReservationThatIsCancelled) {
  ports_.reserve(Protocol::udp, 4000, kHostB);
  ports_.cancel_reservation(Protocol::udp, 4000);
  EXPECT_EQ(choose(4000, 4001), 4000);
  EXPECT_FALSE(ports_.reserved_for(Protocol::udp, 4000));
}

TEST_F(PortAllocatorTest, LetsAPortRestForItsLastHolder) {
  ports_.rest(Protocol::udp, 4000, kHostB, kRested);
  EXPECT_NE(choose(0, 4000), 4000);
  EXPECT_EQ(choose(0, 4000, kHostB), 4000) << "it may have it back";
  EXPECT_EQ(choose(4000, 4000), 4000) << "who asks for it gets it";
  EXPECT_NE(choose(0, 4000, kHostA, kRested - Milliseconds(1)), 4000);
  EXPECT_EQ(choose(0, 4000, kHostA, kRested), 4000);
  EXPECT_TRUE(ports_.is_free(Protocol::udp, 4000, kHostA));
}

TEST_F(PortAllocatorTest, LetsAPortRestInItsProtocolOnly) {
  ports_.rest(Protocol::tcp, 4000, kHostB, kRested);
  EXPECT_EQ(choose(0, 4000), 4000);
}

TEST_F(PortAllocatorTest, ChoosesARestingPortRatherThanNone) {
  permitted_ = PortSet({{3000, 3001}});
  ports_.rest(Protocol::udp, 3000, kHostB, kRested);
  for (int i = 0; i < 50; ++i) EXPECT_EQ(choose(0, 9), 3001);
  ports_.take(Protocol::udp, 3001);
  EXPECT_EQ(choose(0, 9), 3000);
}

TEST_F(PortAllocatorTest, LetsAPortRestForNobodyBeforeItsLastHolder) {
  ports_.rest(Protocol::udp, 4000, kHostB, kRested);
  ports_.rest(Protocol::udp, 4000, kHostC, kRested + Seconds(10));
  EXPECT_EQ(choose(0, 4000, kHostC), 4000);
  EXPECT_NE(choose(0, 4000, kHostB), 4000);
}

TEST_F(PortAllocatorTest, RemembersTheLast256RestingPorts) {
  const auto rest = [&](int first, int last) {
    for (int port = first; port <= last; ++port) {
      ports_.rest(Protocol::udp, static_cast<std::uint16_t>(port), kHostB, kRested);
    }
  };
  rest(4000, 4255);
  EXPECT_NE(choose(0, 4000), 4000);
  rest(4255, 4255);
  EXPECT_NE(choose(0, 4000), 4000) << "one that rests again is no more";
  rest(4256, 4256);
  EXPECT_EQ(choose(0, 4000), 4000);
  EXPECT_NE(choose(0, 4001), 4001);
  EXPECT_NE(choose(0, 4256), 4256);
}

}  // namespace
}  // namespace postern
