#include "backends/iptables/iptables_backend.h"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/backend_conformance.h"
#include "tests/support/iptables_fixture.h"

namespace postern::test {
namespace {

/// Whenever doors are asked for, those in the firewall itself must be the same, and its rules those
/// that were written.
class CheckedBackend final : public FirewallBackend {
 public:
  CheckedBackend(std::unique_ptr<IptablesBackend> backend, IptablesHost& host)
      : backend_(std::move(backend)), host_(host) {}

  [[nodiscard]] std::string_view name() const override { return backend_->name(); }
  [[nodiscard]] Capabilities capabilities() const override { return backend_->capabilities(); }
  [[nodiscard]] Result<bool, BackendError> is_set_up() override { return backend_->is_set_up(); }
  [[nodiscard]] Result<std::vector<TimedDoor>, BackendError> open_doors(Moment now) override {
    auto doors = backend_->open_doors(now);
    if (!doors) return doors;
    EXPECT_TRUE(backend_->is_intact());
    const auto found = doors_in_firewall(host_, now);
    auto expected = *doors;
    // They need no rule.
    std::erase_if(expected,
                  [](const TimedDoor& timed) { return std::holds_alternative<Pin4>(timed.door); });
    EXPECT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < std::min(found.size(), expected.size()); ++i) {
      EXPECT_EQ(found[i].door, expected[i].door);
      EXPECT_LE(found[i].ends, expected[i].ends);
      EXPECT_GE(found[i].ends - now, (expected[i].ends - now) / 2);
    }
    return doors;
  }
  [[nodiscard]] Result<void, BackendError> reset(const Network& network,
                                                 std::span<const TimedDoor> doors,
                                                 Moment now) override {
    return backend_->reset(network, doors, now);
  }
  [[nodiscard]] Result<void, BackendError> commit(std::span<const DoorChange> changes,
                                                  Moment now) override {
    return backend_->commit(changes, now);
  }

 private:
  std::unique_ptr<IptablesBackend> backend_;
  IptablesHost& host_;
};

template <bool kIsLegacy>
class IptablesSubject {
 public:
  static constexpr std::uint32_t kMostMappings = 1000;

  IptablesSubject() : host_(kIsLegacy ? kLegacy : kNft) {
    if (host_.why_not()) return;
    backend_ = std::make_unique<CheckedBackend>(std::move(*host_.open()), host_);
  }

  [[nodiscard]] std::optional<std::string> why_not() const { return host_.why_not(); }
  [[nodiscard]] FirewallBackend& backend() { return *backend_; }
  void refuse(const DoorKey& key) { host_.state().refused.insert(key); }
  void heal(const DoorKey& key) { host_.state().refused.erase(key); }

 private:
  IptablesHost host_;
  std::unique_ptr<CheckedBackend> backend_;
};

INSTANTIATE_TYPED_TEST_SUITE_P(IptablesNft, BackendConformance, IptablesSubject<false>);
INSTANTIATE_TYPED_TEST_SUITE_P(IptablesLegacy, BackendConformance, IptablesSubject<true>);

class IptablesBackendTest : public IptablesFixture {
 protected:
  /// How many programs a commit starts.
  [[nodiscard]] int runs_of(const std::vector<DoorChange>& changes, Moment now) {
    const int before = host_.state().runs;
    EXPECT_TRUE(ok(commit(changes, now)));
    return host_.state().runs - before;
  }
  /// Somebody takes one of our chains away.
  void take_away(const std::string& table, const std::string& from, const std::string& chain) {
    ASSERT_EQ(
        host_.change(table, "-D " + from + " -j " + chain + "\n-F " + chain + "\n-X " + chain), "");
  }
  void expect_no_chains() const {
    for (const auto* table : {"filter", "mangle", "nat"}) {
      EXPECT_EQ(host_.saved(table).find("POSTERN"), std::string::npos) << host_.saved(table);
    }
    EXPECT_EQ(host_.saved6("filter").find("POSTERN"), std::string::npos) << host_.saved6("filter");
  }
  void expect_golden() const;
};

INSTANTIATE_TEST_SUITE_P(Nft, IptablesBackendTest, testing::Values(kNft));
INSTANTIATE_TEST_SUITE_P(Legacy, IptablesBackendTest, testing::Values(kLegacy));

TEST_P(IptablesBackendTest, TellsItsVariantAndWhatItCanDo) {
  EXPECT_EQ(backend_->name(), "iptables");
  EXPECT_EQ(backend_->variant(), GetParam() == std::string(kNft) ? "nft" : "legacy");
  EXPECT_FALSE(backend_->capabilities().ends_leases);
  EXPECT_TRUE(backend_->capabilities().renews_in_place);
  EXPECT_TRUE(backend_->capabilities().pinholes);
  expect_no_chains();
}

constexpr const char* kGoldenFilter = R"(*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTERN-FORWARD - [0:0]
:POSTERN-INPUT - [0:0]
-A INPUT -j POSTERN-INPUT
-A FORWARD -j POSTERN-FORWARD
-A POSTERN-FORWARD -s 198.51.100.0/24 -d 192.168.78.2/32 -p udp -m udp --sport 7:9 --dport 5000 -m conntrack --ctstate DNAT --ctorigdst 203.0.113.1 --ctorigdstport 1000 -j ACCEPT
-A POSTERN-INPUT -i br-lan -p udp -m udp --dport 5351 -j ACCEPT
-A POSTERN-INPUT -p udp -m udp --dport 5351 -j DROP
COMMIT
)";

constexpr const char* kGoldenMangle = R"(*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:POSTERN-MARK - [0:0]
:POSTERN-MARK-INPUT - [0:0]
-A INPUT -j POSTERN-MARK-INPUT
-A FORWARD -j POSTERN-MARK
-A POSTERN-MARK -s 198.51.100.0/24 -d 192.168.78.2/32 -p udp -m udp --sport 7:9 --dport 5000 -m conntrack --ctstate DNAT --ctorigdst 203.0.113.1 --ctorigdstport 1000 -j MARK --set-xmark 0x10000000/0x10000000
-A POSTERN-MARK-INPUT -i br-lan -p udp -m udp --dport 5351 -j MARK --set-xmark 0x10000000/0x10000000
COMMIT
)";

constexpr const char* kGoldenNat = R"(*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:POSTERN-HAIRPIN - [0:0]
:POSTERN-HAIRPIN-SOURCE - [0:0]
:POSTERN-POSTROUTING - [0:0]
:POSTERN-PREROUTING - [0:0]
-A PREROUTING -j POSTERN-PREROUTING
-A POSTROUTING -j POSTERN-POSTROUTING
-A POSTERN-HAIRPIN -d 192.168.78.2/32 -p udp -m udp --dport 5000 -m conntrack --ctstate DNAT --ctorigdst 203.0.113.1 --ctorigdstport 1000 -j POSTERN-HAIRPIN-SOURCE
-A POSTERN-HAIRPIN-SOURCE -s 192.168.78.2/32 -p udp -m udp --sport 5000 -j SNAT --to-source 203.0.113.1:1000
-A POSTERN-HAIRPIN-SOURCE -j SNAT --to-source 203.0.113.1
-A POSTERN-POSTROUTING -s 192.168.78.2/32 -o wan0 -p udp -m udp --sport 5000 -m comment --comment "postern 3603600.000" -j SNAT --to-source 203.0.113.1:1000
-A POSTERN-POSTROUTING -s 192.168.78.0/24 ! -o wan0 -m conntrack --ctstate DNAT -j POSTERN-HAIRPIN
-A POSTERN-PREROUTING -s 198.51.100.0/24 -d 203.0.113.1/32 -p udp -m udp --sport 7:9 --dport 1000 -m comment --comment "postern 3603600.000" -j DNAT --to-destination 192.168.78.2:5000
COMMIT
)";

constexpr const char* kGoldenFilter6 = R"(*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTERN-FORWARD - [0:0]
:POSTERN-INPUT - [0:0]
-A INPUT -j POSTERN-INPUT
-A FORWARD -j POSTERN-FORWARD
-A POSTERN-FORWARD -d 2001:db8::2/128 -p tcp -m tcp --dport 80 -m comment --comment "postern 3603600.000" -j ACCEPT
-A POSTERN-INPUT -i br-lan -p udp -m udp --dport 5351 -j ACCEPT
-A POSTERN-INPUT -p udp -m udp --dport 5351 -j DROP
COMMIT
)";

constexpr const char* kGoldenMangle6 = R"(*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:POSTERN-MARK - [0:0]
:POSTERN-MARK-INPUT - [0:0]
-A INPUT -j POSTERN-MARK-INPUT
-A FORWARD -j POSTERN-MARK
-A POSTERN-MARK -d 2001:db8::2/128 -p tcp -m tcp --dport 80 -j MARK --set-xmark 0x10000000/0x10000000
-A POSTERN-MARK-INPUT -i br-lan -p udp -m udp --dport 5351 -j MARK --set-xmark 0x10000000/0x10000000
COMMIT
)";

void IptablesBackendTest::expect_golden() const {
  EXPECT_EQ(host_.saved("filter"), kGoldenFilter);
  EXPECT_EQ(host_.saved("mangle"), kGoldenMangle);
  EXPECT_EQ(host_.saved("nat"), kGoldenNat);
  EXPECT_EQ(host_.saved6("filter"), kGoldenFilter6);
  EXPECT_EQ(host_.saved6("mangle"), kGoldenMangle6);
}

[[nodiscard]] TimedDoor filtered() {
  auto door = forward(1000, 5000);
  std::get<Forward4>(door.door).filters = {from("198.51.100.0/24", 7, 9)};
  return door;
}

TEST_P(IptablesBackendTest, TellsWhetherItsChainsAreThere) {
  EXPECT_EQ(backend_->is_set_up(), false);
  ASSERT_TRUE(ok(reset()));
  EXPECT_EQ(backend_->is_set_up(), true);
}

TEST_P(IptablesBackendTest, ResetWritesTheseRules) {
  ASSERT_TRUE(ok(reset({filtered(), outbound(5000, 1000), pinhole(80)})));
  expect_golden();
}

TEST_P(IptablesBackendTest, CommitWritesTheSameRules) {
  ASSERT_TRUE(ok(reset({forward(1001, 5001)})));
  ASSERT_TRUE(ok(commit({opened(filtered()), closed(forward(1001, 5001))})));
  ASSERT_TRUE(ok(commit({opened(pinhole(80)), opened(outbound(5000, 1000))})));
  expect_golden();
}

TEST_P(IptablesBackendTest, ShowsTheDoorsOfAnEarlierRunBeforeReset) {
  EXPECT_TRUE(holds(*backend_, {})) << "no chains yet";
  auto several = forward(1001, 5001, in(Milliseconds(90'001)));
  std::get<Forward4>(several.door).filters =
      normalized({from("198.51.100.7"), from("192.0.2.0/24"), from("0.0.0.0/0", 5, 5)});
  const std::vector doors{filtered(), several, outbound(5000, 1000, Moment::max()), pinhole(80),
                          pinhole(81, {from("2001:db8:1::/48"), from("2001:db8:2::7", 1, 2)})};
  ASSERT_TRUE(ok(reset(doors)));
  auto found = doors_in_firewall(host_);
  ASSERT_EQ(found.size(), doors.size());
  for (const auto& door : doors) {
    EXPECT_EQ(std::count(found.begin(), found.end(), door), 1)
        << to_string(key_of(door.door).endpoint);
  }
}

// Nobody has shut it, and so it was not closed.
TEST_P(IptablesBackendTest, ReadsOfAnEarlierRunAlsoWhatIsOverdue) {
  ASSERT_TRUE(ok(reset({forward(1000, 5000, in(Milliseconds(1))), forward(1001, 5001)})));
  EXPECT_EQ(doors_in_firewall(host_).size(), 2U);
  EXPECT_EQ(doors_in_firewall(host_, in(Milliseconds(1))).size(), 2U);
  EXPECT_EQ(*backend_->open_doors(in(Milliseconds(1))), std::vector{forward(1001, 5001)});
}

TEST_P(IptablesBackendTest, RenewalsStartNoProgramWhileTheRulesTellHalfOfTheTime) {
  const auto half = std::chrono::minutes(30);
  const auto renewed = [](Moment now) { return forward(1000, 5000, now + std::chrono::hours(1)); };
  ASSERT_TRUE(ok(reset({renewed(kNow)})));
  EXPECT_EQ(runs_of({changed(renewed(kNow), renewed(kNow + half))}, kNow + half), 0);
  EXPECT_TRUE(holds(*backend_, {renewed(kNow + half)}));
  EXPECT_EQ(doors_in_firewall(host_), std::vector{renewed(kNow)});

  const auto later = kNow + half + Milliseconds(1);
  EXPECT_EQ(runs_of({changed(renewed(kNow + half), renewed(later))}, later), 1);
  EXPECT_EQ(doors_in_firewall(host_), std::vector{renewed(later)});
  // Told to end later than it does, it would outlive its lease after a crash.
  EXPECT_EQ(runs_of({changed(renewed(later), renewed(kNow))}, later), 1);
  EXPECT_EQ(doors_in_firewall(host_), std::vector{renewed(kNow)});
}

TEST_P(IptablesBackendTest, ACommitThatOpensTellsTheEndsOfAll) {
  const auto later = in(std::chrono::minutes(90));
  ASSERT_TRUE(ok(reset({forward(1000, 5000), pinhole(80)})));
  EXPECT_EQ(runs_of({changed(forward(1000, 5000), forward(1000, 5000, later))}, kNow), 0);
  EXPECT_EQ(runs_of({opened(forward(1001, 5001))}, kNow), 1) << "IPv6 has not changed";
  EXPECT_EQ(doors_in_firewall(host_),
            (std::vector{forward(1000, 5000, later), forward(1001, 5001), pinhole(80)}));
}

TEST_P(IptablesBackendTest, ADoorThatNobodyClosedGoesWithTheNextCommit) {
  ASSERT_TRUE(ok(reset({forward(1000, 5000), forward(1001, 5001, in(std::chrono::hours(9)))})));
  ASSERT_TRUE(ok(commit({}, in(std::chrono::hours(1)))));
  EXPECT_EQ(host_.saved("nat").find("--dport 1000 "), std::string::npos) << host_.saved("nat");
  EXPECT_NE(host_.saved("nat").find("--dport 1001 "), std::string::npos) << host_.saved("nat");
}

TEST_P(IptablesBackendTest, TheOtherFamilysRefusalTakesBothBack) {
  const std::vector doors{forward(1000, 5000), pinhole(80)};
  ASSERT_TRUE(ok(reset(doors)));
  const std::vector changes{opened(forward(1001, 5001)), closed(forward(1000, 5000)),
                            opened(pinhole(81)), opened(pinhole(82))};
  host_.state().refused.insert(changes[2].key());
  const auto refused = commit(changes);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().refused_change, 2U);
  EXPECT_EQ(doors_in_firewall(host_), doors);
  EXPECT_TRUE(holds(*backend_, doors));
  host_.state().refused.clear();
  EXPECT_TRUE(ok(commit(changes)));
  EXPECT_EQ(doors_in_firewall(host_),
            (std::vector{forward(1001, 5001), pinhole(80), pinhole(81), pinhole(82)}));
}

TEST_P(IptablesBackendTest, ARefusedFirstResetLeavesNothing) {
  host_.state().refused.insert(key_of(pinhole(80).door));
  const auto refused = reset({forward(1000, 5000), pinhole(80)});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().refused_change, std::nullopt);
  expect_no_chains();
  EXPECT_TRUE(holds(*backend_, {}));
}

TEST_P(IptablesBackendTest, ARefusedResetLeavesTheDoorsOfAnEarlierRun) {
  const std::vector doors{forward(1000, 5000), outbound(5000, 1000), pinhole(80)};
  ASSERT_TRUE(ok(reset(doors)));
  const auto before = host_.saved("filter") + host_.saved("nat") + host_.saved("mangle");
  auto next_run = std::move(*host_.open());
  host_.state().refused.insert(key_of(forward(1001, 5001).door));
  EXPECT_FALSE(next_run->reset(addressed(), std::vector{forward(1001, 5001)}, kNow));
  host_.state().refused = {key_of(pinhole(81).door)};
  EXPECT_FALSE(next_run->reset(addressed(), std::vector{forward(1001, 5001), pinhole(81)}, kNow));
  EXPECT_EQ(host_.saved("filter") + host_.saved("nat") + host_.saved("mangle"), before);
  EXPECT_TRUE(holds(*next_run, {forward(1000, 5000), outbound(5000, 1000), pinhole(80)}));
}

TEST_P(IptablesBackendTest, VanishedChainsAreNoSingleChangesFaultAndComeBack) {
  ASSERT_TRUE(ok(reset({forward(1000, 5000)})));
  take_away("filter", "FORWARD", "POSTERN-FORWARD");
  const auto refused = commit({opened(forward(1001, 5001))});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().refused_change, std::nullopt);
  EXPECT_FALSE(refused.error().permission_denied);
  EXPECT_NE(host_.saved("filter").find("-A FORWARD -j POSTERN-FORWARD"), std::string::npos);
  EXPECT_EQ(doors_in_firewall(host_), std::vector{forward(1000, 5000)});
  EXPECT_TRUE(holds(*backend_, {forward(1000, 5000)}));
  EXPECT_TRUE(ok(commit({opened(forward(1001, 5001))})));
  EXPECT_EQ(doors_in_firewall(host_), (std::vector{forward(1000, 5000), forward(1001, 5001)}));
}

TEST_P(IptablesBackendTest, WhatCannotBeTakenBackIsReadAndMended) {
  ASSERT_TRUE(ok(reset({forward(1000, 5000)})));
  take_away("nat", "PREROUTING", "POSTERN-PREROUTING");
  host_.state().failing = {"tables"};
  EXPECT_FALSE(commit({opened(forward(1001, 5001))}));
  EXPECT_FALSE(backend_->open_doors(kNow));
  host_.state().failing.clear();
  EXPECT_TRUE(holds(*backend_, {})) << "as somebody has left it";
  EXPECT_TRUE(ok(commit({opened(forward(1001, 5001))})));
  const int runs = host_.state().runs;
  EXPECT_TRUE(holds(*backend_, {forward(1000, 5000), forward(1001, 5001)}));
  EXPECT_EQ(host_.state().runs, runs) << "it is known again";
  EXPECT_EQ(doors_in_firewall(host_), (std::vector{forward(1000, 5000), forward(1001, 5001)}));
}

TEST_P(IptablesBackendTest, StandsInItsPlacesOnceWhateverOthersDo) {
  ASSERT_TRUE(ok(reset({forward(1000, 5000)})));
  ASSERT_EQ(host_.change("filter", "-I FORWARD 1 -j DROP\n-I FORWARD 1 -j POSTERN-FORWARD"), "");
  ASSERT_EQ(host_.change("nat",
                         "-A PREROUTING -d 203.0.113.1 -p udp --dport 9 "
                         "-j DNAT --to-destination 192.168.78.9"),
            "");
  ASSERT_TRUE(ok(reset({forward(1000, 5000)})));
  const auto expect_in_place = [&] {
    EXPECT_NE(host_.saved("filter").find("-A FORWARD -j POSTERN-FORWARD\n"
                                         "-A FORWARD -j DROP\n-A POSTERN"),
              std::string::npos)
        << host_.saved("filter");
    EXPECT_NE(host_.saved("nat").find("192.168.78.9\n-A PREROUTING -j POSTERN-PREROUTING\n"),
              std::string::npos)
        << host_.saved("nat");
  };
  expect_in_place();
  ASSERT_EQ(host_.change("filter", "-D FORWARD -j DROP\n-I FORWARD 1 -j DROP"), "");
  ASSERT_TRUE(ok(commit({opened(forward(1001, 5001))})));
  expect_in_place();
}

TEST_P(IptablesBackendTest, RefusesPinholesWhereThereIsNoIp6tables) {
  host_.state().failing = {"ip6tables"};
  auto opened_without = host_.open();
  ASSERT_TRUE(opened_without) << opened_without.error().reason;
  auto& without = **opened_without;
  EXPECT_FALSE(without.capabilities().pinholes);
  EXPECT_TRUE(ok(without.reset(addressed(), std::vector{forward(1000, 5000)}, kNow)));
  const auto refused =
      without.commit(std::vector{opened(forward(1001, 5001)), opened(pinhole(80))}, kNow);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().refused_change, 1U);
  EXPECT_TRUE(holds(without, {forward(1000, 5000)}));
  EXPECT_FALSE(without.reset(addressed(), std::vector{pinhole(80)}, kNow));
}

TEST_P(IptablesBackendTest, SaysWhenItIsNotPermitted) {
  host_.state().failing = {"-restore", "-save"};
  host_.state().complaint =
      "iptables v1.8.9 (nf_tables): Could not fetch rule set generation id:\n"
      " Permission denied (you must be root)\n";
  const auto refused = host_.open();
  ASSERT_FALSE(refused);
  EXPECT_TRUE(refused.error().permission_denied);
  EXPECT_NE(refused.error().reason.find("id: Permission denied (you must be root)"),
            std::string::npos)
      << refused.error().reason;
  EXPECT_TRUE(backend_->reset(addressed(), {}, kNow).error().permission_denied);
}

TEST_P(IptablesBackendTest, RefusesAnInterfaceNameThatCannotStandInARule) {
  ASSERT_TRUE(ok(reset({forward(1000, 5000)})));
  auto network = addressed();
  network.lan.front().name = "lan+";
  const auto refused = reset({}, network);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().reason.find("lan+"), std::string::npos);
  EXPECT_TRUE(holds(*backend_, {forward(1000, 5000)}));
}

TEST(IptablesBackend, NeedsTheProgram) {
  const auto refused = IptablesBackend::open({.iptables_restore = "iptables-no-such-restore"});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().reason.find("iptables-no-such-restore"), std::string::npos);
  EXPECT_FALSE(refused.error().permission_denied);
}

}  // namespace
}  // namespace postern::test
