#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/sqlite_store.h"
#include "tests/support/faulty_vfs.h"

namespace postern::test {

inline constexpr std::string_view kNatpmp = "natpmp";
inline constexpr std::string_view kPcp = "pcp";
inline constexpr std::string_view kUpnp = "upnp";

inline constexpr Moment kNow{Seconds(100'000)};
/// 2026-09-21.
inline constexpr std::int64_t kWall = 1'790'000'000'000;

/// What a store keeps at one time.
struct Kept {
  std::vector<Mapping> mappings;
  std::optional<EpochStarts> epochs;

  friend bool operator==(const Kept&, const Kept&) = default;
};
[[nodiscard]] inline Kept kept_in(const StoredState& state) {
  return {state.mappings, state.epochs};
}

/// Mappings with everything that a mapping can have, the number says which.
[[nodiscard]] inline Mapping mapping_of(MappingId id, Moment now = kNow) {
  const auto port = static_cast<std::uint16_t>(1024 + id);
  const bool is_v6 = id % 4 == 3;
  const auto client = is_v6 ? *Address::parse("2001:db8::7") : Address::v4(0xc0a80107);
  Mapping mapping;
  mapping.id = id;
  mapping.protocol = id % 2 == 0 ? Protocol::tcp : Protocol::udp;
  mapping.internal = {client, port};
  mapping.external = is_v6 ? mapping.internal : Endpoint{Address::v4(0xc6336407), port};
  mapping.created = now;
  mapping.is_primary = !is_v6;
  Claim claim{{kPcp, client}, {Seconds(7200), now + Seconds(7200)}};
  claim.is_filtering = id % 3 == 0;
  ClaimDetails details;
  details.nonce = Nonce{{1, 0, 255, static_cast<std::uint8_t>(id), 0, 6, 7, 8, 9, 10, 11, 12}};
  details.description = "a camera's \"näme\"";
  details.tag = static_cast<std::uint16_t>(id);
  details.contact = Contact{3, {client, 5351}, {client, 40000}, now};
  claim.details = SharedDetails(details);
  mapping.claims.push_back(claim);
  if (claim.is_filtering) {
    const auto prefix = is_v6 ? Prefix(client, 64) : Prefix(Address::v4(0x0a010200), 24);
    mapping.filters = {{prefix, 1000, 2000}, {Prefix::of(client)}};
  }
  if (id % 5 == 0) {
    Claim other{{kUpnp, client}, {Seconds(0), now + kPermanentHold, true}};
    other.is_enabled = false;
    other.reserves_companion = true;
    mapping.claims.push_back(other);
    mapping.claims.push_back({{kPcp, client, Endpoint{client, 99}}, {Seconds(60), now}});
    mapping.claims.push_back({{kUpnp, client, Endpoint{client, 0}, true}, {Seconds(60), now}});
  }
  return mapping;
}

[[nodiscard]] inline TableEvent event_of(TableEvent::Kind kind, Mapping mapping) {
  return {kind, std::move(mapping), TableEvent::ListChange::none, TableEvent::Cause::asked};
}
[[nodiscard]] inline TableEvent opened(MappingId id) {
  return event_of(TableEvent::Kind::opened, mapping_of(id));
}
[[nodiscard]] inline TableEvent closed(MappingId id) {
  return event_of(TableEvent::Kind::closed, mapping_of(id));
}

/// A directory that goes with the test, and stores in it. By default they write before they tell
/// and do not try again.
class SqliteStoreTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = testing::TempDir() + "postern-store-XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    settings_.directory = directory_ + "/state";
    settings_.delay = Milliseconds(0);
    settings_.frontends = {kNatpmp, kPcp, kUpnp};
    settings_.clocks = [this] {
      return ClockReading{Moment(Milliseconds(moment_.load())), wall_.load()};
    };
    settings_.boot_id = "one";
    settings_.vfs = vfs_.name();
    settings_.first_pause = Seconds(3600);
  }
  void TearDown() override {
    store_.reset();
    std::filesystem::remove_all(directory_);
  }

  [[nodiscard]] std::string file() const { return settings_.directory + "/postern.db"; }

  /// The next run, after a crash if the last one was not ended.
  [[nodiscard]] Result<StoredState, std::string> start() {
    store_.reset();
    {
      const std::lock_guard lock(mutex_);
      told_ = on_disk_ = 0;
      news_.clear();
    }
    StoreListener listener;
    listener.written = [this](std::uint64_t number, bool is_on_disk) {
      const std::lock_guard lock(mutex_);
      told_ = std::max(told_, number);
      if (is_on_disk) {
        on_disk_ = std::max(on_disk_, number);
        vfs_.mark(appended_before_ + on_disk_);
      }
      changed_.notify_all();
    };
    listener.changed = [this](const StoreHealth& health) {
      const std::lock_guard lock(mutex_);
      news_.push_back(health);
      changed_.notify_all();
    };
    store_ = std::make_unique<SqliteStore>(settings_, listener);
    return store_->load(Moment(Milliseconds(moment_.load())));
  }
  [[nodiscard]] StoredState good_start() {
    auto state = start();
    EXPECT_TRUE(state) << (state ? "" : state.error());
    return state ? *state : StoredState{};
  }

  /// As if the daemon were killed now: the next run finds what is on the disk.
  void crash() {
    const auto after = settings_.directory + "-";
    std::filesystem::copy(settings_.directory, after);
    store_.reset();
    settings_.directory = after;
  }

  /// Appends and waits until that is told; whether it is on the disk.
  bool append(std::vector<TableEvent> events, std::optional<EpochStarts> epochs = std::nullopt,
              std::vector<Refusal> refusals = {}) {
    const auto number = store_->append({kNow, std::move(events), std::move(refusals), epochs});
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return told_ >= number; });
    return on_disk_ >= number;
  }
  /// Waits for news that the predicate likes.
  template <class Predicate>
  void wait_for_news(Predicate is_it) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return std::any_of(news_.begin(), news_.end(), is_it); });
  }
  [[nodiscard]] std::vector<StoreHealth> news() {
    const std::lock_guard lock(mutex_);
    return news_;
  }
  [[nodiscard]] std::uint64_t on_disk() {
    const std::lock_guard lock(mutex_);
    return on_disk_;
  }

  std::string directory_;
  FaultyVfs vfs_;
  std::atomic<std::int64_t> moment_{kNow.time_since_epoch().count()};
  std::atomic<std::int64_t> wall_{kWall};
  StoreSettings settings_;
  std::unique_ptr<SqliteStore> store_;
  /// In earlier runs that a test goes through.
  std::uint64_t appended_before_ = 0;

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t told_ = 0;
  std::uint64_t on_disk_ = 0;
  std::vector<StoreHealth> news_;
};

}  // namespace postern::test
