#include <algorithm>
#include <map>
#include <optional>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "backends/memory/memory_backend.h"
#include "core/mapping_table.h"
#include "tests/support/table_fixture.h"

// Random turns of what UPnP IGD asks for, beside NAT-PMP and PEER, compared after each with a model
// that knows nothing of indexes, staging or doors.
namespace postern {
namespace {

using namespace test;

constexpr int kSteps = 2500;
constexpr std::string_view kUpnp = "upnp";
constexpr std::array kHosts{kHostA, kHostB};
constexpr Endpoint kPeer{Address::v4({192, 0, 2, 1}), 9000};

/// What was promised to one claimant. A permanent one has no end.
struct Held {
  std::optional<Moment> ends;
  bool is_enabled = true;

  friend bool operator==(const Held&, const Held&) = default;
};

/// What stands behind one external port.
struct Promise {
  MappingId id = 0;
  Endpoint internal;
  std::map<std::pair<std::string_view, bool>, Held> held;

  friend bool operator==(const Promise&, const Promise&) = default;
};

using ExternalKey = std::pair<Protocol, std::uint16_t>;
using InternalKey = std::pair<Protocol, Endpoint>;
using Model = std::map<ExternalKey, Promise>;

/// One of each frontend and host, and one for the only peer.
[[nodiscard]] std::pair<std::string_view, bool> name_of(const Claimant& claimant) {
  return {claimant.frontend, claimant.is_inbound()};
}

class RandomIgdTurns {
 public:
  explicit RandomIgdTurns(std::uint32_t seed) : random_(seed) {}

  void run() {
    for (int step = 0; step < kSteps && !testing::Test::HasFailure(); ++step) {
      SCOPED_TRACE("step " + std::to_string(step));
      now_ += Milliseconds(random_() % 4 == 0 ? random_() % 5000 : random_() % 50);
      if (random_() % 64 == 0) now_ += Seconds(random_() % 4000);
      inject_refusals();
      take_turn();
      backend_.heal();
      check();
    }
    // The run is worth something only when it saw both the common and the rare.
    EXPECT_GT(granted_, kSteps / 2);
    EXPECT_GT(moved_, kSteps / 50);
    EXPECT_GT(taken_, kSteps / 50);
    EXPECT_GT(released_, kSteps / 50);
    EXPECT_GT(refused_turns_, kSteps / 100);
    EXPECT_GT(failed_turns_, kSteps / 100);
    EXPECT_GT(inherited_, kSteps / 100);
  }

 private:
  void inject_refusals() {
    for (auto count = random_() % 8; count > 5; --count) {
      const auto protocol = random_() % 2 == 0 ? Protocol::udp : Protocol::tcp;
      backend_.refuse({DoorKey::Kind::forward4, protocol, {kWan, external_port(random_)}});
      const Endpoint internal{kHosts[random_() % kHosts.size()], internal_port(random_)};
      backend_.refuse({DoorKey::Kind::outbound4, protocol, internal});
    }
    if (random_() % 16 == 0) backend_.fail_next(1);
  }

  /// As the gateway does it: once more without what was refused, then without any change.
  void take_turn() {
    const auto listed_before = listed();
    const auto seed = random_();
    for (int refusals = 0;; ++refusals) {
      staged_ = model_;
      touched_.clear();
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
    const auto events = table_.accept();
    const bool tells_count = std::any_of(events.begin(), events.end(), [](const auto& event) {
      return event.list_change == TableEvent::ListChange::count;
    });
    EXPECT_EQ(tells_count, listed() != listed_before);
    model_ = staged_;
    for (auto& [key, promise] : model_) {
      std::erase_if(promise.held, [&](const auto& entry) {
        return entry.second.ends && *entry.second.ends <= now_;
      });
    }
    std::erase_if(model_, [](const auto& entry) { return entry.second.held.empty(); });
  }

  void operate(std::mt19937& work) {
    const Address& host = kHosts[work() % kHosts.size()];
    const auto protocol = work() % 2 == 0 ? Protocol::udp : Protocol::tcp;
    auto request =
        wish(host, protocol, internal_port(work), external_port(work), Seconds(1 + work() % 20));
    const auto which = work() % 8;
    if (which == 0) {
      ask(request);
    } else if (which == 1) {
      request.claimant = {kOtherFrontend, host, kPeer};
      request.reserves_companion = false;
      ask(request);
    } else {
      request.claimant = {kUpnp, host};
      request.reserves_companion = false;
      which < 4 ? delete_port(request) : add_port(request, work);
    }
  }

  void add_port(MapRequest& request, std::mt19937& work) {
    request.placement = Placement::suggested_port;
    request.is_enabled = work() % 3 > 0;
    request.is_permanent = work() % 3 == 0;
    const Mapping* there =
        table_.find_by_external_port(request.protocol, request.suggested_external_port);
    if (there && there->claim_of(request.claimant)) {
      request.replaces = there->id;
      if (work() % 2 == 0) request.internal = there->internal;
    }
    ask(request);
  }

  void ask(const MapRequest& request) {
    const auto granted = table_.request(request, now_);
    if (!granted) {
      if (granted.error() == MapError::external_port_taken) ++taken_;
      return;
    }
    ++granted_;
    const ExternalKey key{request.protocol, granted->external_port};
    if (request.placement == Placement::suggested_port) {
      EXPECT_EQ(granted->external_port, request.suggested_external_port);
    }
    auto& promise = staged_[key];
    if (promise.id == granted->id && promise.internal != request.internal) {
      ++moved_;
      EXPECT_EQ(request.replaces, granted->id);
      std::erase_if(promise.held, [&](const auto& entry) { return is_over(entry.second); });
      EXPECT_TRUE(promise.held.empty() ||
                  (promise.held.size() == 1 && promise.held.contains(name_of(request.claimant))));
    }
    if (promise.id != granted->id) promise.held.clear();
    promise.id = granted->id;
    promise.internal = request.internal;
    touched_.insert(granted->id);
    auto& held = promise.held[name_of(request.claimant)];
    const auto had = held.ends;
    held.is_enabled = request.is_enabled;
    held.ends.reset();
    if (request.is_permanent) {
      EXPECT_EQ(granted->lifetime, Seconds(0));
      return;
    }
    held.ends = now_ + request.lifetime;
    if (!request.claimant.is_inbound() && had) held.ends = std::max(held.ends, had);
  }

  void delete_port(const MapRequest& request) {
    const Mapping* there =
        table_.find_by_external_port(request.protocol, request.suggested_external_port);
    if (!there) return;
    const bool is_own = there->claim_of(request.claimant);
    const MappingId id = there->id;
    if (!table_.release(id, request.claimant) || !is_own) return;
    ++released_;
    touched_.insert(id);
    const auto found = staged_.find({request.protocol, request.suggested_external_port});
    if (found == staged_.end()) return;
    found->second.held.erase(name_of(request.claimant));
    if (found->second.held.empty()) staged_.erase(found);
  }

  [[nodiscard]] bool is_over(const Held& held) const { return held.ends && *held.ends <= now_; }

  void check() {
    ASSERT_TRUE(table_.is_consistent());
    ASSERT_GT(table_.next_expiry().value_or(Moment::max()), now_);
    auto expected = table_.doors();
    std::erase_if(expected, [&](const TimedDoor& timed) { return timed.ends <= now_; });
    ASSERT_EQ(sorted(*backend_.open_doors(now_)), sorted(expected));
    check_promises();
    check_list();
    check_doors();
  }

  /// The table says what clients were told, and nothing else.
  void check_promises() {
    Model alive;
    for (const Mapping* mapping : table_.oldest(table_.size())) {
      Promise promise{mapping->id, mapping->internal, {}};
      for (const auto& claim : mapping->claims) {
        Held held{claim.lease.ends, claim.is_enabled};
        if (claim.lease.is_permanent) held.ends.reset();
        if (!is_over(held)) promise.held[name_of(claim.claimant)] = held;
      }
      if (promise.held.empty()) continue;
      alive[{mapping->protocol, mapping->external.port}] = std::move(promise);
    }
    ASSERT_EQ(alive, model_);
  }

  [[nodiscard]] std::vector<MappingId> listed() const {
    std::vector<MappingId> ids;
    while (const Mapping* mapping = table_.listed(ids.size())) ids.push_back(mapping->id);
    return ids;
  }

  void check_list() {
    std::vector<MappingId> expected;
    std::map<Address, std::vector<MappingId>> expected_of;
    for (const Mapping* mapping : table_.oldest(table_.size())) {
      if (!mapping->has_inbound_claim()) continue;
      expected.push_back(mapping->id);
      expected_of[mapping->internal.address].push_back(mapping->id);
    }
    ASSERT_EQ(listed(), expected);
    ASSERT_EQ(table_.listed_count(), expected.size());
    for (const auto& host : kHosts) ASSERT_EQ(table_.listed_of(host), expected_of[host]);
  }

  /// Whoever is enabled is let in, and of each inside one of these has the outbound port; the same
  /// as before unless it was asked about or ended.
  void check_doors() {
    std::map<InternalKey, std::set<MappingId>> open;
    for (const auto& [key, promise] : model_) {
      const bool is_open = std::any_of(promise.held.begin(), promise.held.end(),
                                       [](const auto& entry) { return entry.second.is_enabled; });
      if (is_open) open[{key.first, promise.internal}].insert(promise.id);
    }
    std::map<InternalKey, std::set<MappingId>> forwarded;
    std::map<InternalKey, MappingId> owners;
    for (const auto& [door, ends] : table_.doors()) {
      if (const auto* forward = std::get_if<Forward4>(&door)) {
        const auto* mapping = table_.find_by_external(forward->protocol, forward->external);
        if (model_.contains({forward->protocol, forward->external.port})) {
          forwarded[{forward->protocol, forward->internal}].insert(mapping->id);
        }
      } else if (const auto* outbound = std::get_if<Outbound4>(&door)) {
        const auto* mapping = table_.find_by_external(outbound->protocol, outbound->external);
        ASSERT_TRUE(owners.emplace(InternalKey{outbound->protocol, outbound->internal}, mapping->id)
                        .second);
      }
    }
    // What has ended, and could not be closed, may have more.
    for (const auto& [internal, ids] : open) {
      ASSERT_TRUE(std::includes(forwarded[internal].begin(), forwarded[internal].end(), ids.begin(),
                                ids.end()));
      ASSERT_TRUE(owners.contains(internal));
      const auto before = owners_.find(internal);
      if (before == owners_.end() || before->second == owners[internal]) continue;
      ++inherited_;
      ASSERT_TRUE(touched_.contains(before->second) || !ids.contains(before->second));
    }
    owners_ = std::move(owners);
  }

  [[nodiscard]] static std::uint16_t external_port(std::mt19937& random) {
    return static_cast<std::uint16_t>(4000 + random() % 8);
  }
  [[nodiscard]] static std::uint16_t internal_port(std::mt19937& random) {
    return static_cast<std::uint16_t>(3000 + random() % 3);
  }

  std::mt19937 random_;
  Moment now_ = kStart;
  MappingTable table_ = home_table(limits_of(12, 20));
  MemoryBackend backend_;
  Model model_;
  Model staged_;
  /// The mappings that the turn's requests were about.
  std::set<MappingId> touched_;
  std::map<InternalKey, MappingId> owners_;
  int granted_ = 0;
  int moved_ = 0;
  int taken_ = 0;
  int released_ = 0;
  int refused_turns_ = 0;
  int failed_turns_ = 0;
  int inherited_ = 0;
};

class MappingTableIgdProperty : public testing::TestWithParam<std::uint32_t> {};

TEST_P(MappingTableIgdProperty, TableFirewallAndPromisesAgreeAfterEveryTurn) {
  RandomIgdTurns(GetParam()).run();
}

INSTANTIATE_TEST_SUITE_P(Seeds, MappingTableIgdProperty, testing::Values(1, 2, 3, 4));

}  // namespace
}  // namespace postern
