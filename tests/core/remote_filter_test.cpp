#include "core/remote_filter.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern {
namespace {

[[nodiscard]] RemoteFilter filter(const char* prefix, std::uint16_t first = 0,
                                  std::uint16_t last = 0xffff) {
  return {*Prefix::parse(prefix), first, last};
}

/// Whether one of the filters lets this peer through.
[[nodiscard]] bool passes(const RemoteFilters& filters, const Address& peer, std::uint16_t port) {
  return std::any_of(filters.begin(), filters.end(), [&](const RemoteFilter& one) {
    return one.remote.contains(peer) && one.first_port <= port && port <= one.last_port;
  });
}

[[nodiscard]] bool overlap(const RemoteFilter& left, const RemoteFilter& right) {
  const bool nested =
      left.remote.contains(right.remote.network()) || right.remote.contains(left.remote.network());
  return nested && left.first_port <= right.last_port && right.first_port <= left.last_port;
}

TEST(RemoteFilter, OneHostIsAWholeAddressWithAllPorts) {
  EXPECT_TRUE(filter("192.0.2.1").is_one_host());
  EXPECT_TRUE(filter("2001:db8::1").is_one_host());
  EXPECT_FALSE(filter("192.0.2.1", 80, 80).is_one_host());
  EXPECT_FALSE(filter("192.0.2.0/31").is_one_host());
}

TEST(RemoteFilter, LeavesApartWhatDoesNotOverlap) {
  const RemoteFilters apart{filter("192.0.2.0/24"), filter("198.51.100.0/24", 5, 9)};
  EXPECT_THAT(normalized(apart), testing::UnorderedElementsAreArray(apart));
}

TEST(RemoteFilter, DropsWhatAnotherCovers) {
  const auto wide = filter("192.0.2.0/24");
  EXPECT_EQ(normalized({filter("192.0.2.128/25"), wide, filter("192.0.2.7", 80, 80), wide}),
            RemoteFilters{wide});
}

TEST(RemoteFilter, CutsThePortsOfAWiderPrefixOutOfANarrowerOne) {
  const auto web = filter("10.0.0.0/8", 80, 80);
  EXPECT_THAT(normalized({filter("10.1.0.0/16"), web}),
              testing::UnorderedElementsAre(web, filter("10.1.0.0/16", 0, 79),
                                            filter("10.1.0.0/16", 81, 0xffff)));
}

TEST(RemoteFilter, TellsTheFamiliesApart) {
  EXPECT_EQ(normalized({filter("0.0.0.0/0"), filter("::/0")}).size(), 2U);
}

TEST(RemoteFilter, JoinsThePortsOfOnePrefix) {
  const auto joined = RemoteFilters{filter("10.0.0.0/8", 1, 30)};
  const RemoteFilters wish{filter("10.0.0.0/8", 1, 10), filter("10.0.0.0/8", 5, 20),
                           filter("10.0.0.0/8", 21, 30)};
  EXPECT_EQ(normalized(wish), joined);
  EXPECT_EQ(normalized({wish[2], wish[1], wish[0]}), joined);
}

TEST(RemoteFilter, OrderOfTheWishDoesNotMatter) {
  const RemoteFilters wish{filter("10.0.0.0/8", 80, 80), filter("10.1.0.0/16"),
                           filter("10.1.2.0/24", 70, 90)};
  EXPECT_EQ(normalized(wish), normalized({wish[2], wish[1], wish[0]}));
}

// Every combination of eight filters out of a small world: the same peers pass, nothing overlaps,
// and the number stays within what the header promises.
TEST(RemoteFilter, LetsThroughExactlyTheSamePeers) {
  const RemoteFilters all{filter("10.0.0.0/8", 80, 80),   filter("10.0.0.0/8", 443, 443),
                          filter("10.0.0.0/9", 90, 95),   filter("10.1.0.0/16"),
                          filter("10.2.0.0/16", 79, 81),  filter("10.1.2.3"),
                          filter("10.2.2.3", 443, 65535), filter("11.0.0.0/8", 0, 0)};
  const std::vector<Address> peers{Address::v4({10, 1, 2, 3}), Address::v4({10, 2, 2, 3}),
                                   Address::v4({10, 200, 0, 1}), Address::v4({11, 0, 0, 1})};
  const std::vector<std::uint16_t> ports{0, 79, 80, 81, 90, 95, 96, 443, 444, 65535};
  for (unsigned chosen = 0; chosen < 256; ++chosen) {
    RemoteFilters wish;
    for (std::size_t i = 0; i < all.size(); ++i) {
      if ((chosen >> i & 1U) != 0) wish.push_back(all[i]);
    }
    const auto result = normalized(wish);
    ASSERT_LE(result.size(), kMostNormalizedFilters);
    for (std::size_t i = 0; i < result.size(); ++i) {
      for (std::size_t j = 0; j < i; ++j) ASSERT_FALSE(overlap(result[i], result[j])) << chosen;
    }
    for (const auto& peer : peers) {
      for (const auto port : ports) {
        ASSERT_EQ(passes(result, peer, port), passes(wish, peer, port)) << chosen << " " << port;
      }
    }
  }
}

}  // namespace
}  // namespace postern
