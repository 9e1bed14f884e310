#include "daemon/store_history.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace postern {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;
using Cause = TableEvent::Cause;
using Kind = TableEvent::Kind;

constexpr Moment kNow{Seconds(1000)};
constexpr std::int64_t kWall = 1'790'000'000'000;
const Address kClient = Address::v4(0xc0a80107);

[[nodiscard]] TableEvent event(Kind kind, Cause cause = Cause::asked) {
  Mapping mapping;
  mapping.protocol = Protocol::tcp;
  mapping.internal = {kClient, 80};
  mapping.external = {Address::v4(0xc6336407), 8080};
  mapping.claims = {{{"natpmp", kClient}, {}}, {{"pcp", kClient}, {}}};
  return {kind, mapping, TableEvent::ListChange::count, cause};
}

[[nodiscard]] Refusal refusal(std::uint16_t port = 22) {
  return {{"upnp", kClient}, Protocol::tcp, {kClient, port}, 8080, MapError::not_authorized, "r"};
}

TEST(StoreHistory, TellsWhoWhatWhyAndByWhichRule) {
  StoreHistory history(true);
  history.note(event(Kind::closed, Cause::lease_ended), "high ports", kNow, kWall);
  history.note(refusal(), kNow, kWall + 1);
  EXPECT_EQ(history.take(),
            (std::vector<HistoryEntry>{{0, kWall, "closed", "lease_ended", "pcp", "192.168.1.7",
                                        "tcp", "192.168.1.7:80", "198.51.100.7:8080", "high ports"},
                                       {0, kWall + 1, "refused", "not_authorized", "upnp",
                                        "192.168.1.7", "tcp", "192.168.1.7:22", "8080", "r"}}));
  EXPECT_THAT(history.take(), SizeIs(0));
}

/// "event why frontend client rule" of each row.
[[nodiscard]] std::vector<std::string> told(StoreHistory& history) {
  std::vector<std::string> rows;
  for (const auto& row : history.take()) {
    rows.push_back(row.event + " " + row.why + " " + row.frontend + " " + row.client + " " +
                   row.rule);
  }
  return rows;
}

TEST(StoreHistory, EachClientOfAMappingHasARow) {
  StoreHistory history(true);
  auto closed = event(Kind::closed, Cause::administered);
  const Address other = Address::v4(0xc0a80108);
  closed.mapping.claims.insert(closed.mapping.claims.begin() + 1, Claim{{"upnp", other}, {}});
  history.note(closed, "r", kNow, kWall);
  EXPECT_THAT(told(history), ElementsAre("closed administered upnp 192.168.1.8 ",
                                         "closed administered pcp 192.168.1.7 r"));
}

TEST(StoreHistory, ClaimsThatFellWhileOthersStayAreTold) {
  StoreHistory history(true);
  const Address other = Address::v4(0xc0a80108);
  for (const auto kind : {Kind::renewed, Kind::moved}) {
    auto lost = event(kind, Cause::policy);
    lost.dropped = {{{"upnp", other}, {}}, {{"natpmp", other}, {}}};
    history.note(lost, "r", kNow, kWall);
    auto expected = std::vector<std::string>{"closed policy upnp 192.168.1.8 ",
                                             "closed policy natpmp 192.168.1.8 "};
    if (kind == Kind::moved) expected.push_back("moved policy pcp 192.168.1.7 r");
    EXPECT_EQ(told(history), expected);
    for (const auto cause : {Cause::asked, Cause::lease_ended}) {
      lost.kind = Kind::renewed;
      lost.cause = cause;
      history.note(lost, "r", kNow, kWall);
      EXPECT_EQ(history.waiting(), 0U) << "its client knows";
    }
  }
}

TEST(StoreHistory, RenewalsAreOfTheYoungestLease) {
  StoreHistory history(true);
  auto renewed = event(Kind::renewed);
  renewed.mapping.claims[0].lease = {Seconds(60), kNow + Seconds(60)};
  renewed.mapping.claims[1].lease = {Seconds(7200), kNow + Seconds(7100)};
  history.note(renewed, "r", kNow, kWall);
  renewed.mapping.claims[1].lease.ends = kNow + Seconds(7300);
  history.note(renewed, "r", kNow, kWall);
  EXPECT_THAT(told(history),
              ElementsAre("renewed asked natpmp 192.168.1.7 ", "renewed asked pcp 192.168.1.7 r"));
}

TEST(StoreHistory, ManyRenewalsTakeNoPlaceFromOtherRows) {
  StoreHistory history(true);
  for (int i = 0; i < 300; ++i) history.note(event(Kind::renewed), "", kNow, kWall);
  EXPECT_EQ(history.waiting(), 200U);
  EXPECT_EQ(history.left_out(), 100U);
  history.note(event(Kind::renewed), "", kNow + Seconds(60), kWall);
  EXPECT_EQ(history.waiting(), 201U);
  for (int i = 0; i < 1500; ++i) history.note(event(Kind::opened), "", kNow, kWall);
  EXPECT_EQ(history.waiting(), 1701U);
}

TEST(StoreHistory, WhatIsThereAgainIsNoNews) {
  StoreHistory history(true);
  history.note(event(Kind::opened, Cause::restored), "", kNow, kWall);
  EXPECT_EQ(history.waiting(), 0U);
  history.note(event(Kind::closed, Cause::restored), "", kNow, kWall);
  EXPECT_EQ(history.waiting(), 1U);
}

TEST(StoreHistory, TheSameRefusalIsNotedOnceAnHour) {
  StoreHistory history(true);
  for (int second = 0; second < 3600; ++second) {
    history.note(refusal(), kNow + Seconds(second), kWall);
  }
  EXPECT_EQ(history.waiting(), 1U);
  history.note(refusal(23), kNow, kWall);
  history.note(refusal(), kNow + Seconds(3600), kWall);
  EXPECT_EQ(history.waiting(), 3U);
  EXPECT_EQ(history.left_out(), 0U);
}

TEST(StoreHistory, ABusyLanIsCutShort) {
  StoreHistory history(true);
  for (int i = 0; i < 2100; ++i) history.note(event(Kind::opened), "", kNow, kWall);
  EXPECT_THAT(history.take(), SizeIs(2000));
  EXPECT_EQ(history.left_out(), 100U);
  for (int i = 0; i < 100; ++i) history.note(event(Kind::opened), "", kNow + Seconds(10), kWall);
  EXPECT_THAT(history.take(), SizeIs(40)) << "four a second";
  EXPECT_EQ(history.left_out(), 160U);
}

[[nodiscard]] Refusal refusal_of(std::uint32_t client, std::uint16_t port) {
  auto made = refusal(port);
  made.claimant.client = Address::v4(client);
  return made;
}

/// How many rows of this kind there are.
[[nodiscard]] auto count(const std::vector<HistoryEntry>& rows, std::string_view event) {
  return std::ranges::count(rows, event, &HistoryEntry::event);
}

TEST(StoreHistory, ManyRefusalsTakeNoRowFromWhatOpens) {
  StoreHistory history(true);
  for (std::uint32_t i = 0; i < 5000; ++i) {
    history.note(refusal_of(0xc0a80001 + i, 22), kNow, kWall);
  }
  for (int i = 0; i < 2000; ++i) history.note(event(Kind::opened), "", kNow, kWall);
  const auto rows = history.take();
  EXPECT_EQ(count(rows, "refused"), 500);
  EXPECT_EQ(count(rows, "opened"), 2000);
  EXPECT_EQ(history.left_out(), 4500U);
}

TEST(StoreHistory, OneClientsRefusalsTakeNoRowFromAnothers) {
  StoreHistory history(true);
  for (std::uint16_t port = 1; port <= 1000; ++port) history.note(refusal(port), kNow, kWall);
  EXPECT_THAT(history.take(), SizeIs(50));
  history.note(refusal_of(0xc0a80108, 22), kNow, kWall);
  EXPECT_THAT(history.take(), SizeIs(1));
  for (std::uint16_t port = 2001; port <= 3000; ++port) {
    history.note(refusal(port), kNow + Seconds(3600), kWall);
  }
  EXPECT_THAT(history.take(), SizeIs(12)) << "twelve an hour";
}

TEST(StoreHistory, RefusalsThatCannotBeWrittenLeaveRoomForTheRest) {
  StoreHistory history(true);
  // Slowly enough for their rate, for many hours.
  for (std::uint32_t i = 0; i < 3000; ++i) {
    history.note(refusal_of(0xc0a80001 + i, 22), kNow + Seconds(30) * i, kWall);
  }
  history.give_back(history.take());
  EXPECT_EQ(history.waiting(), 500U);
  EXPECT_EQ(history.left_out(), 2500U);
  history.note(event(Kind::opened), "", kNow, kWall);
  EXPECT_EQ(count(history.take(), "opened"), 1);
}

TEST(StoreHistory, WhatCouldNotBeWrittenComesFirst) {
  StoreHistory history(true);
  history.note(event(Kind::opened), "", kNow, 1);
  auto taken = history.take();
  history.note(event(Kind::closed), "", kNow, 2);
  history.give_back(std::move(taken));
  const auto entries = history.take();
  ASSERT_THAT(entries, SizeIs(2));
  EXPECT_EQ(entries[0].wall_ms, 1);
  // There is room for 2,000, and what came first stays.
  history.note(event(Kind::closed), "", kNow, 3);
  history.give_back(std::vector(2000, HistoryEntry{}));
  EXPECT_EQ(history.waiting(), 2000U);
  EXPECT_EQ(history.left_out(), 1U);
  EXPECT_EQ(history.take().back().wall_ms, 0);
}

TEST(StoreHistory, MayBeNone) {
  StoreHistory history(false);
  history.note(event(Kind::opened), "", kNow, kWall);
  history.note(refusal(), kNow, kWall);
  EXPECT_EQ(history.waiting(), 0U);
}

}  // namespace
}  // namespace postern
