#include "daemon/sqlite_store.h"

#include <cstdio>
#include <fstream>
#include <future>

#include <sys/stat.h>

#include "core/mapping_table.h"
#include "core/restoration.h"
#include "tests/daemon/sqlite_store_fixture.h"

namespace postern::test {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using Kind = TableEvent::Kind;

constexpr std::int64_t kHour = 3'600'000;
const EpochStarts kEpochs{kNow - Seconds(50),
                          kNow - Seconds(40),
                          {Address::v4(0xc6336407), *Address::parse("2001:db8::1")}};

[[nodiscard]] unsigned mode_of(const std::string& file) {
  struct stat found {};
  return ::stat(file.c_str(), &found) == 0 ? found.st_mode & 0777U : 0;
}

[[nodiscard]] std::vector<HistoryEntry> history_of(SqliteStore& store, const HistoryQuery& query) {
  std::promise<SqliteStore::History> promise;
  store.history(query, [&](auto history) { promise.set_value(std::move(history)); });
  return promise.get_future().get().value_or(std::vector<HistoryEntry>{});
}

[[nodiscard]] std::vector<HistoryEntry> history_of(SqliteStore& store, std::uint32_t limit,
                                                   std::int64_t before = 1'000'000'000) {
  return history_of(store, {.limit = limit, .before = before});
}

TEST_F(SqliteStoreTest, TheHistoryNamesTheRuleOfEachEvent) {
  (void)good_start();
  store_->append({kNow, {opened(1), opened(2), closed(1)}, {}, {}, {"high ports", ""}});
  ASSERT_TRUE(append({opened(3)}));
  const auto rows = history_of(*store_, 10);
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[3].rule, "high ports");
  for (const auto i : {0U, 1U, 2U}) EXPECT_EQ(rows[i].rule, "");
}

TEST_F(SqliteStoreTest, TheFirstRunFindsNothing) {
  const auto state = good_start();
  EXPECT_EQ(kept_in(state), Kept{});
  EXPECT_FALSE(state.is_same_boot);
  EXPECT_FALSE(state.is_complete);
  EXPECT_FALSE(state.is_elapsed_unknown);
  EXPECT_EQ(store_->health().state, StoreHealth::State::ok);
  EXPECT_THAT(news(), IsEmpty());
}

TEST_F(SqliteStoreTest, KeepsEverythingOfAMapping) {  // NPMP-79, PCP-114
  (void)good_start();
  Kept kept{{}, kEpochs};
  std::vector<TableEvent> events;
  for (MappingId id = 1; id <= 30; ++id) {
    kept.mappings.push_back(mapping_of(id));
    events.push_back(opened(id));
  }
  ASSERT_TRUE(append(events, kEpochs));
  crash();
  const auto state = good_start();
  EXPECT_EQ(kept_in(state), kept);
  EXPECT_TRUE(state.is_same_boot);
  EXPECT_EQ(store_->health().rows_left_out, 0U);
}

TEST_F(SqliteStoreTest, AMappingMayWaitForItsExternalAddress) {
  (void)good_start();
  auto mapping = mapping_of(1);
  mapping.external.address = Address::v4(0);
  append({event_of(Kind::opened, mapping)}, kEpochs);
  crash();
  EXPECT_EQ(kept_in(good_start()), (Kept{{mapping}, kEpochs}));
}

/// Eight filters of one mapping, of which the firewall holds more, for they overlap.
[[nodiscard]] RemoteFilters many_filters() {
  RemoteFilters filters{{Prefix(Address::v4({10, 0, 0, 0}), 24)}};
  for (std::uint8_t i = 1; i < kMostFiltersOfMapping; ++i) {
    const auto port = static_cast<std::uint16_t>(1000 * i);
    filters.push_back(
        {Prefix(Address::v4({10, 0, 0, 0}), static_cast<std::uint8_t>(8 + i)), port, port});
  }
  return normalized(std::move(filters));
}

// What came from the firewall has its filters as the firewall holds them.
TEST_F(SqliteStoreTest, KeepsWhatAnEarlierRunTookFromTheFirewall) {
  ASSERT_GT(many_filters().size(), kMostFiltersOfMapping);
  const auto plain = mapping_of(4);
  const auto door_of = [](const Mapping& mapping, std::uint16_t port) {
    return TimedDoor{
        Forward4{
            mapping.protocol, {mapping.external.address, port}, mapping.internal, many_filters()},
        mapping.ends()};
  };
  StoredState state;
  state.mappings = {plain};
  state.is_same_boot = true;
  const auto followed =
      reconcile(state, {true, {door_of(plain, plain.external.port)}}, true, kNow).mappings;
  ASSERT_EQ(followed.size(), 1U);
  MappingTable table(Policy(), {}, 1);
  const auto door = door_of(plain, 50000);
  table.adopt({&door, 1}, kNow);
  (void)good_start();
  auto events = table.accept();
  ASSERT_EQ(events.size(), 1U);
  const auto adopted = events.front().mapping;
  events.push_back(event_of(Kind::opened, followed.front()));
  ASSERT_TRUE(append(events, kEpochs));
  crash();
  EXPECT_EQ(good_start().mappings, (std::vector{adopted, followed.front()}));
}

TEST_F(SqliteStoreTest, ForgetsWhatIsClosedAndTakesWhatIsNewest) {
  (void)good_start();
  append({opened(1), opened(2), opened(3)}, kEpochs);
  auto renewed = mapping_of(2, kNow + Seconds(60));
  renewed.claims[0].claimant.client = Address::v4(0xc0a80108);
  append({closed(1), event_of(Kind::renewed, renewed)});
  crash();
  EXPECT_EQ(kept_in(good_start()), (Kept{{renewed, mapping_of(3)}, kEpochs}));
}

TEST_F(SqliteStoreTest, IsForItsOwnerAlone) {
  ::umask(0);
  (void)good_start();
  append({opened(1)});
  EXPECT_EQ(mode_of(settings_.directory), 0700U);
  EXPECT_EQ(mode_of(file()), 0600U);
  EXPECT_EQ(mode_of(file() + "-wal"), 0600U);
  store_->close();
  ::chmod(file().c_str(), 0644);
  (void)good_start();
  EXPECT_EQ(mode_of(file()), 0600U);
  ::umask(022);
}

TEST_F(SqliteStoreTest, AnOrderlyEndWritesWhatWaits) {
  settings_.delay = Seconds(3600);
  (void)good_start();
  store_->append({kNow, {opened(1)}, {}, kEpochs});
  store_->append({kNow, {opened(2), closed(1)}, {}, {}});
  EXPECT_EQ(store_->health().pending, 2U + 3U) << "two mappings, three rows of history";
  store_->close();
  EXPECT_EQ(on_disk(), 2U);
  const auto state = good_start();
  EXPECT_EQ(kept_in(state), (Kept{{mapping_of(2)}, kEpochs}));
  EXPECT_TRUE(state.is_complete);
}

TEST_F(SqliteStoreTest, WhatComesWithinTheDelayIsOneTransaction) {
  settings_.delay = Seconds(3600);
  (void)good_start();
  vfs_.heal();  // Counts from here on.
  for (int i = 0; i < 100; ++i) store_->append({kNow, {opened(1), closed(1)}, {}, kEpochs});
  store_->close();
  EXPECT_LE(vfs_.calls(FaultyVfs::Operation::sync), 4) << "one, and taking in the journal";
  EXPECT_EQ(kept_in(good_start()), (Kept{{}, kEpochs}));
}

TEST_F(SqliteStoreTest, ACrashMayLoseWhatWaited) {
  settings_.delay = Milliseconds(1);
  (void)good_start();
  append({opened(1)}, kEpochs);
  store_->close();
  settings_.delay = Seconds(3600);
  ASSERT_TRUE(good_start().is_complete);
  // Nothing waits, but that cannot be known afterwards.
  crash();
  const auto state = good_start();
  EXPECT_EQ(kept_in(state), (Kept{{mapping_of(1)}, kEpochs}));
  EXPECT_FALSE(state.is_complete);
}

TEST_F(SqliteStoreTest, WhatIsWrittenBeforeTheReplyIsCompleteAtAnyTime) {
  (void)good_start();
  append({opened(1)}, kEpochs);
  crash();
  ASSERT_TRUE(good_start().is_complete);
  append({opened(2)});
  crash();
  EXPECT_TRUE(good_start().is_complete);
}

TEST_F(SqliteStoreTest, IsNotCompleteUntilThereAreEpochs) {
  (void)good_start();
  append({opened(1)});
  store_->close();
  EXPECT_FALSE(good_start().is_complete);
  append({}, kEpochs);
  store_->close();
  EXPECT_TRUE(good_start().is_complete);
}

TEST_F(SqliteStoreTest, AnotherBootTellsMomentsByItsOwnClock) {
  (void)good_start();
  auto mapping = mapping_of(5);
  append({event_of(Kind::opened, mapping)}, kEpochs);
  crash();
  // Off for an hour; the new boot is a minute old.
  settings_.boot_id = "two";
  wall_ += kHour;
  moment_ = 60'000;
  const auto added = Seconds(60) - Seconds(3600) - kNow.time_since_epoch();
  mapping.created += added;
  for (auto& claim : mapping.claims) {
    claim.lease.ends += added;
    if (!claim.details->contact) continue;
    auto details = *claim.details;
    details.contact->answered += added;
    claim.details = SharedDetails(details);
  }
  const EpochStarts epochs{kEpochs.epoch + added, kEpochs.pinhole_epoch + added,
                           kEpochs.external_addresses};
  const auto state = good_start();
  EXPECT_EQ(kept_in(state), (Kept{{mapping}, epochs}));
  EXPECT_FALSE(state.is_same_boot);
  EXPECT_FALSE(state.is_elapsed_unknown);
  EXPECT_TRUE(state.is_complete);
  // And once only.
  crash();
  moment_ = 61'000;
  const auto again = good_start();
  EXPECT_EQ(kept_in(again), (Kept{{mapping}, epochs}));
  EXPECT_TRUE(again.is_same_boot);
}

TEST_F(SqliteStoreTest, AWallClockThatCannotBeRightCountsNoTime) {
  (void)good_start();
  append({opened(1)}, kEpochs);
  crash();
  settings_.boot_id = "two";
  wall_ = 0;
  moment_ = 60'000;
  const auto state = good_start();
  EXPECT_TRUE(state.is_elapsed_unknown);
  ASSERT_THAT(state.mappings, SizeIs(1));
  EXPECT_EQ(state.mappings[0].ends(), Moment(Seconds(60 + 7200)));
}

TEST_F(SqliteStoreTest, TheWallClockDoesNotMatterInTheSameBoot) {  // NPMP-77
  (void)good_start();
  append({opened(1)}, kEpochs);
  for (const std::int64_t wall : {std::int64_t{0}, kWall - kHour, kWall * 2}) {
    crash();
    wall_ = wall;
    const auto state = good_start();
    EXPECT_EQ(kept_in(state), (Kept{{mapping_of(1)}, kEpochs}));
    EXPECT_TRUE(state.is_same_boot && state.is_complete);
  }
}

TEST_F(SqliteStoreTest, NotesThatTheWallClockWasSet) {
  wall_ = 5000;
  (void)good_start();
  append({opened(1)}, kEpochs);
  // Somebody sets the clock; whatever wakes the store next makes it look.
  wall_ = kWall;
  (void)history_of(*store_, 1);
  append({}, {}, {});
  crash();
  settings_.boot_id = "two";
  EXPECT_FALSE(good_start().is_elapsed_unknown);
}

TEST_F(SqliteStoreTest, AClaimOfNobodyKnownIsRecovered) {
  (void)good_start();
  append({opened(1)}, kEpochs);
  store_->close();
  settings_.frontends = {kNatpmp};
  const auto state = good_start();
  ASSERT_THAT(state.mappings, SizeIs(1));
  EXPECT_EQ(state.mappings[0].claims[0].claimant.frontend, kRecovered);
}

TEST_F(SqliteStoreTest, HistoryIsReadOfOneClientAndOfOneKind) {
  (void)good_start();
  Refusal refusal;
  refusal.claimant = {kUpnp, Address::v4(1)};
  append({opened(1), closed(1)}, {}, {refusal});
  const auto count = [&](const std::string& client, const std::string& event) {
    return history_of(*store_, {.limit = 100, .client = client, .event = event}).size();
  };
  EXPECT_EQ(count("", ""), 3U);
  EXPECT_EQ(count("0.0.0.1", ""), 1U);
  EXPECT_EQ(count("0.0.0.1", "closed"), 0U);
  EXPECT_EQ(count("", "closed"), 1U);
  EXPECT_EQ(count("0.0.0.2", ""), 0U);
}

TEST_F(SqliteStoreTest, WhoAsksForTheHistoryLearnsWhatStillWaited) {
  settings_.delay = Seconds(3600);
  (void)good_start();
  store_->append({kNow, {opened(1)}, {}, kEpochs});
  EXPECT_THAT(history_of(*store_, 10), SizeIs(1));
  vfs_.fail(FaultyVfs::Operation::write, 0, SQLITE_FULL, /*is_lasting=*/true);
  store_->append({kNow, {opened(2)}, {}, {}});
  EXPECT_THAT(history_of(*store_, 10), SizeIs(1)) << "it cannot be written";
  EXPECT_EQ(store_->health().state, StoreHealth::State::memory_only);
}

TEST_F(SqliteStoreTest, HistoryIsBoundedAndReadFromItsEnd) {
  settings_.history_rows = 5;
  (void)good_start();
  for (MappingId id = 1; id <= 4; ++id) {
    append({opened(id)});
    append({closed(id)});
  }
  append({}, {},
         {{{kUpnp, Address::v4(1)},
           Protocol::udp,
           {Address::v4(1), 22},
           0,
           MapError::wrong_nonce,
           "no ssh"}});
  const auto all = history_of(*store_, 100);
  ASSERT_THAT(all, SizeIs(5));
  EXPECT_EQ(all[0].event, "refused");
  EXPECT_EQ(all[0].rule, "no ssh");
  EXPECT_EQ(all[0].wall_ms, kWall);
  EXPECT_EQ(all[1].event, "closed");
  EXPECT_EQ(all[1].internal, to_string(mapping_of(4).internal));
  EXPECT_EQ(store_->health().history_rows, 5U);
  EXPECT_EQ(history_of(*store_, 2, all[1].id), (std::vector(all.begin() + 2, all.begin() + 4)));
  store_->close();
  (void)good_start();
  EXPECT_EQ(history_of(*store_, 100), all);
  EXPECT_EQ(store_->health().history_rows, 5U);
}

TEST_F(SqliteStoreTest, HistoryMayBeNone) {
  (void)good_start();
  append({opened(1)});
  ASSERT_THAT(history_of(*store_, 100), SizeIs(1));
  store_->close();
  settings_.history_rows = 0;
  (void)good_start();
  EXPECT_THAT(history_of(*store_, 100), IsEmpty());
  append({opened(2)});
  EXPECT_THAT(history_of(*store_, 100), IsEmpty());
}

TEST_F(SqliteStoreTest, AppendsThatChangeNothingAreTold) {
  (void)good_start();
  EXPECT_TRUE(append({}));
}

TEST_F(SqliteStoreTest, IsNotForTwoAtOnce) {
  settings_.vfs = nullptr;
  (void)good_start();
  append({opened(1)}, kEpochs);
  // The lock is a process's, so the other one must be another one.
  const auto command = "sqlite3 '" + file() + "' 'SELECT count(*) FROM mapping' 2>&1";
  if (std::system("command -v sqlite3 >/dev/null") != 0) GTEST_SKIP() << "no sqlite3";
  std::unique_ptr<FILE, int (*)(FILE*)> output(::popen(command.c_str(), "r"), ::pclose);
  char line[200] = {};
  ASSERT_NE(std::fgets(line, sizeof line, output.get()), nullptr);
  EXPECT_THAT(line, HasSubstr("locked"));
}

}  // namespace
}  // namespace postern::test
