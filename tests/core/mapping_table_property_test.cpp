#include <algorithm>
#include <map>
#include <optional>
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

constexpr int kSteps = 3000;
constexpr std::array kHosts{kHostA, kHostB, kHostC};

constexpr std::array kPeers{Endpoint{Address::v4({192, 0, 2, 1}), 9000},
                            Endpoint{Address::v4({192, 0, 2, 1}), 9002},
                            Endpoint{Address::v4({192, 0, 2, 2}), 9000}};

/// What was promised to one claimant.
struct Held {
  Moment ends{};
  std::optional<Nonce> nonce;

  friend bool operator==(const Held&, const Held&) = default;
};

/// What one internal endpoint may rely on: its external endpoint, and until when for whom. Nobody
/// is everybody.
struct Promise {
  Endpoint external;
  std::map<std::optional<Endpoint>, Held> held;

  friend bool operator==(const Promise&, const Promise&) = default;
};

using InternalKey = std::tuple<Address, Protocol, std::uint16_t>;
using Model = std::map<InternalKey, Promise>;

class RandomTurns {
 public:
  explicit RandomTurns(std::uint32_t seed) : random_(seed) {}

  void run() {
    for (int step = 0; step < kSteps && !testing::Test::HasFailure(); ++step) {
      SCOPED_TRACE("step " + std::to_string(step));
      now_ += Milliseconds(random_() % 4 == 0 ? random_() % 5000 : random_() % 50);
      if (random_() % 32 == 0) change_addresses();
      inject_refusals();
      take_turn();
      backend_.heal();
      check();
    }
    // The run is worth something only when it saw both the common and the rare.
    EXPECT_GT(granted_, kSteps / 10);
    EXPECT_GT(refused_turns_, kSteps / 100);
    EXPECT_GT(failed_turns_, kSteps / 100);
    EXPECT_GT(wrong_nonces_, kSteps / 100);
    EXPECT_GT(moves_, kSteps / 100);
    EXPECT_GT(narrow_, kSteps / 10);
  }

 private:
  /// Any of two in any order, or none.
  void change_addresses() {
    constexpr std::array kBoth{kWan, kOtherWan};
    const auto first = random_() % 2;
    addresses_ = {kBoth[first]};
    if (random_() % 2 == 0) addresses_.push_back(kBoth[1 - first]);
    if (random_() % 8 == 0) addresses_.clear();
  }

  void inject_refusals() {
    for (auto count = random_() % 8; count > 4; --count) {
      const auto protocol = random_() % 2 == 0 ? Protocol::udp : Protocol::tcp;
      const auto& address = random_() % 2 == 0 ? kWan : kOtherWan;
      backend_.refuse({DoorKey::Kind::forward4, protocol, {address, random_port()}});
    }
    if (random_() % 16 == 0) backend_.fail_next(1);
  }

  /// As the gateway does it: once more without what was refused, then without any change.
  void take_turn() {
    const auto seed = random_();
    for (refusals_ = 0;; ++refusals_) {
      staged_ = model_;
      table_.expire(now_);
      table_.set_external_addresses(addresses_);
      std::mt19937 work(seed);
      for (auto count = 1 + work() % 4; count > 0; --count) operate(work);
      const auto changes = table_.staged_changes();
      const auto done =
          changes.empty() ? Result<void, BackendError>() : backend_.commit(changes, now_);
      if (done) break;
      table_.roll_back();
      if (done.error().refused_change && refusals_ == 0) {
        ++refused_turns_;
        table_.refuse(changes[*done.error().refused_change].key());
      } else {
        ++failed_turns_;
        table_.refuse_all();
      }
    }
    (void)table_.accept();
    model_ = staged_;
    for (auto& [key, promise] : model_) {
      std::erase_if(promise.held, [&](const auto& entry) { return entry.second.ends <= now_; });
    }
    std::erase_if(model_, [](const auto& entry) { return entry.second.held.empty(); });
  }

  void operate(std::mt19937& work) {
    const Address& client = kHosts[work() % kHosts.size()];
    const auto protocol = work() % 2 == 0 ? Protocol::udp : Protocol::tcp;
    auto request = wish(client, protocol, static_cast<std::uint16_t>(3000 + work() % 6),
                        static_cast<std::uint16_t>(3000 + work() % 12), Seconds(1 + work() % 20));
    if (work() % 3 == 0) request.claimant.remote = kPeers[work() % kPeers.size()];
    if (const auto which = work() % 4; which > 0) {
      request.nonce = Nonce{{static_cast<std::uint8_t>(which / 2)}};
    }
    request.accepts_any_nonce = work() % 8 == 0;
    if (work() % 4 == 0) request.placement = Placement::only_suggested;
    if (const auto which = work() % 4; which < 2) {
      request.suggested_external_address = which == 0 ? kWan : kOtherWan;
    }
    switch (work() % 8) {
      case 0:
        release(request);
        break;
      case 1:
        if (work() % 4 == 0) release_all(client, protocol);
        break;
      default:
        ask(request);
    }
  }

  /// What the model knows of this claim; null when there is none.
  [[nodiscard]] const Held* held(const MapRequest& request) const {
    const auto found =
        staged_.find({request.claimant.client, request.protocol, request.internal.port});
    if (found == staged_.end()) return nullptr;
    const auto entry = found->second.held.find(request.claimant.remote);
    return entry == found->second.held.end() || entry->second.ends <= now_ ? nullptr
                                                                           : &entry->second;
  }
  [[nodiscard]] bool knows_nonce(const MapRequest& request) const {
    const Held* claim = held(request);
    return !claim || !claim->nonce || !request.nonce || *claim->nonce == *request.nonce;
  }
  /// Whether the claim has ended but the firewall would not let it go.
  [[nodiscard]] bool is_overdue(const MapRequest& request) const {
    const Claim* claim = table_.find_claim(request.protocol, request.internal, request.claimant);
    return claim && claim->lease.ends <= now_;
  }
  void expect_wrong_nonce(const MapRequest& request) {
    ++wrong_nonces_;
    EXPECT_TRUE(!knows_nonce(request) || is_overdue(request));
  }

  void ask(const MapRequest& request) {
    const Held* before = held(request);
    const Moment had = before ? before->ends : Moment{};
    const auto grant = table_.request(request, now_);
    if (!grant) {
      if (grant.error() == MapError::wrong_nonce) expect_wrong_nonce(request);
      return;
    }
    ++granted_;
    EXPECT_TRUE(knows_nonce(request) || request.accepts_any_nonce);
    const Endpoint& external = table_.find(grant->id)->external;
    expect_suggested(request, external);
    auto& promise = staged_[{request.claimant.client, request.protocol, request.internal.port}];
    const bool is_renewal =
        std::any_of(promise.held.begin(), promise.held.end(),
                    [&](const auto& entry) { return entry.second.ends > now_; });
    EXPECT_EQ(external.port, is_renewal ? promise.external.port : external.port);
    promise.external = external;
    const Moment asked = now_ + request.lifetime;
    const Moment ends = request.claimant.is_inbound() ? asked : std::max(asked, had);
    EXPECT_EQ(grant->lifetime, std::chrono::floor<Seconds>(ends - now_));
    promise.held[request.claimant.remote] = {ends, request.nonce};
  }

  static void expect_suggested(const MapRequest& request, const Endpoint& external) {
    if (request.placement != Placement::only_suggested) return;
    EXPECT_EQ(external.port, request.suggested_external_port);
    EXPECT_EQ(external.address, request.suggested_external_address.value_or(external.address));
  }

  void release(const MapRequest& request) {
    const auto released =
        table_.release(request.protocol, request.internal, request.claimant, request.nonce);
    if (released) {
      EXPECT_TRUE(knows_nonce(request));
      erase({request.claimant.client, request.protocol, request.internal.port},
            request.claimant.remote);
    } else if (released.error() == MapError::wrong_nonce) {
      expect_wrong_nonce(request);
    }
  }

  void release_all(const Address& client, Protocol protocol) {
    // In success nothing is left; otherwise what the table still has is what was refused.
    const auto released = table_.release_all(protocol, natpmp_of(client));
    std::vector<InternalKey> gone;
    for (const auto& [key, promise] : staged_) {
      const auto& [host, its_protocol, port] = key;
      if (host != client || its_protocol != protocol) continue;
      if (released || !table_.find_claim(protocol, {host, port}, natpmp_of(host))) {
        gone.push_back(key);
      }
    }
    for (const auto& key : gone) erase(key, std::nullopt);
  }

  void erase(const InternalKey& key, const std::optional<Endpoint>& remote) {
    const auto found = staged_.find(key);
    if (found == staged_.end()) return;
    found->second.held.erase(remote);
    if (found->second.held.empty()) staged_.erase(found);
  }

  void check() {
    ASSERT_TRUE(table_.is_consistent());
    const auto next = table_.next_expiry();
    ASSERT_GT(next.value_or(Moment::max()), now_);

    // The firewall holds what the table says, apart from what it has ended by itself.
    auto expected = table_.doors();
    std::erase_if(expected, [&](const TimedDoor& timed) { return timed.ends <= now_; });
    ASSERT_EQ(sorted(*backend_.open_doors(now_)), sorted(expected));
    check_promises();
    check_ports();
  }

  /// The table says what clients were told, and nothing else.
  void check_promises() {
    Model alive;
    for (const Mapping* mapping : table_.oldest(table_.size())) {
      Promise promise{mapping->external, {}};
      for (const auto& claim : mapping->claims) {
        if (claim.lease.ends <= now_) continue;
        promise.held[claim.claimant.remote] = {claim.lease.ends, claim.details->nonce};
      }
      if (promise.held.size() == mapping->claims.size()) check_admitted(*mapping, promise);
      if (promise.held.empty()) continue;
      const InternalKey key{mapping->internal.address, mapping->protocol, mapping->internal.port};
      const auto told = model_.find(key);
      ASSERT_NE(told, model_.end());
      follow_move(told->second.external, mapping->external);
      alive[key] = std::move(promise);
    }
    ASSERT_EQ(alive, model_);
  }

  /// A mapping moves to the first address when its own is gone, unless the firewall refuses.
  void follow_move(Endpoint& told, const Endpoint& now) {
    const bool is_ours =
        std::find(addresses_.begin(), addresses_.end(), told.address) != addresses_.end();
    if (is_ours || addresses_.empty()) return;
    EXPECT_TRUE(refusals_ > 0 || now.address == addresses_.front());
    if (now.address != addresses_.front()) return;
    told.address = now.address;
    ++moves_;
  }

  /// Whoever is promised to, is let in, and nobody else.
  void check_admitted(const Mapping& mapping, const Promise& promise) {
    RemoteFilters admitted;
    for (const auto& [remote, held] : promise.held) {
      if (remote) admitted.push_back({Prefix::of(remote->address), remote->port, remote->port});
    }
    if (promise.held.contains(std::nullopt)) admitted.clear();
    if (!admitted.empty()) ++narrow_;
    std::sort(admitted.begin(), admitted.end());
    const auto doors = doors_of(mapping);
    ASSERT_EQ(std::get<Forward4>(doors.front().door).filters, admitted);
  }

  /// No port is shared, and none with the companion of another host.
  void check_ports() {
    std::map<std::pair<Protocol, std::uint16_t>, Address> holders;
    for (const Mapping* mapping : table_.oldest(table_.size())) {
      const std::pair external{mapping->protocol, mapping->external.port};
      ASSERT_TRUE(holders.emplace(external, mapping->internal.address).second);
    }
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
  std::vector<Address> addresses_{kWan};
  MappingTable table_ = home_table(limits_of(10, 25));
  MemoryBackend backend_;
  Model model_;
  Model staged_;
  int refusals_ = 0;
  int granted_ = 0;
  int refused_turns_ = 0;
  int failed_turns_ = 0;
  int wrong_nonces_ = 0;
  int moves_ = 0;
  int narrow_ = 0;
};

class MappingTableProperty : public testing::TestWithParam<std::uint32_t> {};

// NPMP-39, 61, 68
TEST_P(MappingTableProperty, TableFirewallAndPromisesAgreeAfterEveryTurn) {
  RandomTurns(GetParam()).run();
}

INSTANTIATE_TEST_SUITE_P(Seeds, MappingTableProperty, testing::Values(1, 2, 3, 4));

}  // namespace
}  // namespace postern
