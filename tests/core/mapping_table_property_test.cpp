#include <map>
#include <random>

#include <gtest/gtest.h>

#include "backends/memory/memory_backend.h"
#include "core/mapping_table.h"
#include "tests/support/table_fixture.h"

// Random turns on the table and a memory backend, compared after each with a model that knows
// nothing of indexes, staging or doors.
namespace postern {
namespace {

using namespace test;

constexpr int kSteps = 5000;
constexpr std::array kHosts{kHostA, kHostB, kHostC};

/// What one client may rely on: its mapping, and until when.
struct Promise {
  std::uint16_t external_port = 0;
  Moment ends{};

  friend bool operator==(const Promise&, const Promise&) = default;
};

using ClientKey = std::tuple<Address, Protocol, std::uint16_t>;
using Model = std::map<ClientKey, Promise>;

class RandomTurns {
 public:
  explicit RandomTurns(std::uint32_t seed) : random_(seed) {}

  void run() {
    for (int step = 0; step < kSteps && !testing::Test::HasFailure(); ++step) {
      SCOPED_TRACE("step " + std::to_string(step));
      now_ += Milliseconds(random_() % 4 == 0 ? random_() % 5000 : random_() % 50);
      inject_refusals();
      take_turn();
      backend_.heal();
      check();
    }
    // The run is worth something only when it saw both the common and the rare.
    EXPECT_GT(granted_, kSteps / 10);
    EXPECT_GT(refused_turns_, kSteps / 100);
    EXPECT_GT(failed_turns_, kSteps / 100);
  }

 private:
  void inject_refusals() {
    for (auto count = random_() % 8; count > 5; --count) {
      const auto protocol = random_() % 2 == 0 ? Protocol::udp : Protocol::tcp;
      backend_.refuse({DoorKey::Kind::forward4, protocol, {kWan, random_port()}});
    }
    if (random_() % 16 == 0) backend_.fail_next(1);
  }

  /// As the gateway does it: once more without what was refused, then without any change.
  void take_turn() {
    const auto seed = random_();
    for (int refusals = 0;; ++refusals) {
      staged_ = model_;
      table_.expire(now_);
      std::mt19937 work(seed);
      for (auto count = 1 + work() % 4; count > 0; --count) operate(work);
      const auto changes = table_.staged_changes();
      const auto done =
          changes.empty() ? Result<void, BackendError>() : backend_.commit(changes, now_);
      if (done) break;
      table_.roll_back();
      if (done.error().refused_change && refusals == 0) {
        ++refused_turns_;
        table_.refuse(changes[*done.error().refused_change].key());
      } else {
        ++failed_turns_;
        table_.refuse_all();
      }
    }
    (void)table_.accept();
    model_ = staged_;
    std::erase_if(model_, [&](const auto& entry) { return entry.second.ends <= now_; });
  }

  void operate(std::mt19937& work) {
    const Address& client = kHosts[work() % kHosts.size()];
    const auto protocol = work() % 2 == 0 ? Protocol::udp : Protocol::tcp;
    const auto port = static_cast<std::uint16_t>(3000 + work() % 6);
    const ClientKey key{client, protocol, port};
    switch (work() % 8) {
      case 0:
        if (table_.release(protocol, {client, port}, natpmp_of(client))) staged_.erase(key);
        break;
      case 1:
        if (work() % 4 == 0) release_all(client, protocol);
        break;
      default: {
        const auto request =
            wish(client, protocol, port, static_cast<std::uint16_t>(3000 + work() % 12),
                 Seconds(1 + work() % 20));
        if (const auto grant = table_.request(request, now_)) {
          ++granted_;
          const auto before = staged_.find(key);
          if (before != staged_.end() && before->second.ends > now_) {
            EXPECT_EQ(grant->external_port, before->second.external_port);
          }
          staged_[key] = {grant->external_port, now_ + grant->lifetime};
        }
      }
    }
  }

  void release_all(const Address& client, Protocol protocol) {
    // In success nothing is left; otherwise what the table still has is what was refused.
    const auto released = table_.release_all(protocol, natpmp_of(client));
    std::erase_if(staged_, [&](const auto& entry) {
      const auto& [host, its_protocol, port] = entry.first;
      if (host != client || its_protocol != protocol) return false;
      return released || !table_.find_by_internal(protocol, {host, port});
    });
  }

  void check() {
    ASSERT_TRUE(table_.is_consistent());
    const auto next = table_.next_expiry();
    ASSERT_GT(next.value_or(Moment::max()), now_);

    // The firewall holds what the table says, apart from what it has ended by itself.
    auto expected = table_.doors();
    std::erase_if(expected, [&](const TimedDoor& timed) { return timed.ends <= now_; });
    ASSERT_EQ(sorted(*backend_.open_doors(now_)), sorted(expected));

    // The table says what clients were told, and nothing else.
    Model alive;
    std::map<std::pair<Protocol, std::uint16_t>, Address> holders;
    for (const Mapping* mapping : table_.oldest(table_.size())) {
      const std::pair external{mapping->protocol, mapping->external.port};
      ASSERT_TRUE(holders.emplace(external, mapping->internal.address).second);
      if (mapping->ends() <= now_) continue;
      alive[{mapping->internal.address, mapping->protocol, mapping->internal.port}] = {
          mapping->external.port, mapping->ends()};
    }
    ASSERT_EQ(alive, model_);

    // No port is shared with the companion of another host.
    for (const auto& [external, holder] : holders) {
      const auto other = holders.find({companion(external.first), external.second});
      ASSERT_EQ(other == holders.end() ? holder : other->second, holder);
    }
  }

  [[nodiscard]] std::uint16_t random_port() {
    return static_cast<std::uint16_t>(3000 + random_() % 12);
  }

  std::mt19937 random_;
  Moment now_ = kStart;
  MappingTable table_ = home_table(limits_of(10, 25));
  MemoryBackend backend_;
  Model model_;
  Model staged_;
  int granted_ = 0;
  int refused_turns_ = 0;
  int failed_turns_ = 0;
};

class MappingTableProperty : public testing::TestWithParam<std::uint32_t> {};

// NPMP-39, 61, 68
TEST_P(MappingTableProperty, TableFirewallAndPromisesAgreeAfterEveryTurn) {
  RandomTurns(GetParam()).run();
}

INSTANTIATE_TEST_SUITE_P(Seeds, MappingTableProperty, testing::Values(1, 2, 3, 4));

}  // namespace
}  // namespace postern
