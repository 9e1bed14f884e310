#pragma once

#include <algorithm>
#include <chrono>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "core/door.h"
#include "core/firewall_backend.h"
#include "core/network.h"

/// What every firewall backend does alike: the contract of core/firewall_backend.h, executable.
/// A backend's test includes this file and says
///     INSTANTIATE_TYPED_TEST_SUITE_P(Name, BackendConformance, TheSubject);
namespace postern::test {

/// A backend under test. A new one, with nothing in its firewall, is made for each test.
template <class T>
concept BackendSubject = std::default_initializable<T> && requires(T& subject, const DoorKey& key) {
  /// Why the backend cannot work on this machine: the test is then skipped, visibly.
  { subject.why_not() } -> std::convertible_to<std::optional<std::string>>;
  { subject.backend() } -> std::convertible_to<FirewallBackend&>;
  /// From now on the firewall refuses to open this key, which is closed now …
  subject.refuse(key);
  /// … until now.
  subject.heal(key);
};

inline constexpr Moment kNow{std::chrono::hours(1000)};

[[nodiscard]] inline Moment in(Milliseconds time) {
  return kNow + time;
}

[[nodiscard]] inline Endpoint inside(std::uint16_t port) {
  return {Address::v4({192, 168, 78, 2}), port};
}

[[nodiscard]] inline Endpoint outside(std::uint16_t port) {
  return {Address::v4({203, 0, 113, 1}), port};
}

[[nodiscard]] inline TimedDoor forward(std::uint16_t external, std::uint16_t internal,
                                       Moment ends = in(std::chrono::hours(1))) {
  return {Forward4{Protocol::udp, outside(external), inside(internal)}, ends};
}

[[nodiscard]] inline TimedDoor outbound(std::uint16_t internal, std::uint16_t external,
                                        Moment ends = in(std::chrono::hours(1))) {
  return {Outbound4{Protocol::udp, inside(internal), outside(external)}, ends};
}

[[nodiscard]] inline TimedDoor pin(std::uint16_t internal,
                                   Moment ends = in(std::chrono::hours(1))) {
  return {Pin4{Protocol::udp, inside(internal)}, ends};
}

[[nodiscard]] inline TimedDoor pinhole(std::uint16_t port, RemoteFilters filters = {},
                                       Moment ends = in(std::chrono::hours(1))) {
  const Endpoint internal{*Address::parse("2001:db8::2"), port};
  return {Pinhole6{Protocol::tcp, internal, std::move(filters)}, ends};
}

[[nodiscard]] inline TimedDoor filtered(TimedDoor forward, RemoteFilters filters) {
  std::get<Forward4>(forward.door).filters = std::move(filters);
  return forward;
}

/// Of each kind that a firewall may keep apart: a host, a prefix, ports of a prefix.
[[nodiscard]] inline RemoteFilters filters4() {
  return normalized({{*Prefix::parse("198.51.100.9")},
                     {*Prefix::parse("192.0.2.0/24")},
                     {*Prefix::parse("10.0.0.0/8"), 1024, 65535}});
}

[[nodiscard]] inline RemoteFilters filters6() {
  return normalized({{*Prefix::parse("2001:db8:1::1")},
                     {*Prefix::parse("2001:db8:2::/48")},
                     {*Prefix::parse("2001:db8:3::/48"), 53, 53}});
}

[[nodiscard]] inline DoorChange opened(TimedDoor door) {
  return {std::nullopt, std::move(door)};
}

[[nodiscard]] inline DoorChange closed(TimedDoor door) {
  return {std::move(door), std::nullopt};
}

[[nodiscard]] inline DoorChange changed(TimedDoor before, TimedDoor after) {
  return {std::move(before), std::move(after)};
}

[[nodiscard]] inline Network one_lan() {
  return {Interface{"wan0", 2, {}}, {Interface{"br-lan", 3, {}}}};
}

/// Whether the backend holds exactly these doors. Real time passes between two calls, while our
/// `now` stands still, so an end may be off by much less than the tests' leases differ.
[[nodiscard]] inline testing::AssertionResult holds(FirewallBackend& backend,
                                                    std::vector<TimedDoor> expected) {
  constexpr Milliseconds kTolerance = std::chrono::minutes(2);
  auto held = backend.open_doors(kNow);
  if (!held) return testing::AssertionFailure() << held.error().reason;
  if (held->size() != expected.size()) {
    return testing::AssertionFailure()
           << held->size() << " doors are open, not " << expected.size();
  }
  const auto by_key = [](const TimedDoor& left, const TimedDoor& right) {
    return key_of(left.door) < key_of(right.door);
  };
  std::sort(held->begin(), held->end(), by_key);
  std::sort(expected.begin(), expected.end(), by_key);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const auto where = to_string(key_of(expected[i].door).endpoint);
    if ((*held)[i].door != expected[i].door) {
      return testing::AssertionFailure() << "another door than " << where;
    }
    const auto off = (*held)[i].ends - expected[i].ends;
    if (off > kTolerance || off < -kTolerance) {
      return testing::AssertionFailure() << where << " ends " << off.count() << " ms off";
    }
  }
  return testing::AssertionSuccess();
}

/// Whether a call went well, with the reason if not.
[[nodiscard]] inline testing::AssertionResult ok(const Result<void, BackendError>& result) {
  if (result) return testing::AssertionSuccess();
  return testing::AssertionFailure() << result.error().reason;
}

template <BackendSubject Subject>
class BackendConformance : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto why = subject_.why_not()) GTEST_SKIP() << *why;
    ASSERT_TRUE(ok(backend().reset(one_lan(), {}, kNow)));
  }

  [[nodiscard]] FirewallBackend& backend() { return subject_.backend(); }
  [[nodiscard]] Subject& subject() { return subject_; }
  [[nodiscard]] Result<void, BackendError> commit(const std::vector<DoorChange>& changes) {
    return backend().commit(changes, kNow);
  }

 private:
  Subject subject_;
};

TYPED_TEST_SUITE_P(BackendConformance);

TYPED_TEST_P(BackendConformance, HoldsNothingAfterAnEmptyReset) {
  EXPECT_TRUE(holds(this->backend(), {}));
}

TYPED_TEST_P(BackendConformance, IsSetUpOnceItWasReset) {
  const auto is_set_up = this->backend().is_set_up();
  ASSERT_TRUE(is_set_up);
  EXPECT_TRUE(*is_set_up);
}

TYPED_TEST_P(BackendConformance, OpensDoors) {
  const TimedDoor tcp{Forward4{Protocol::tcp, outside(1000), inside(80)},
                      in(std::chrono::hours(5))};
  EXPECT_TRUE(ok(this->commit({opened(forward(1000, 5000)), opened(tcp)})));
  EXPECT_TRUE(ok(this->commit({opened(outbound(5000, 1000))})));
  EXPECT_TRUE(holds(this->backend(), {forward(1000, 5000), tcp, outbound(5000, 1000)}));
}

TYPED_TEST_P(BackendConformance, ClosesDoors) {
  ASSERT_TRUE(ok(this->commit(
      {opened(forward(1000, 5000)), opened(outbound(5000, 1000)), opened(forward(1001, 5001))})));
  EXPECT_TRUE(ok(this->commit({closed(forward(1000, 5000)), closed(outbound(5000, 1000))})));
  EXPECT_TRUE(holds(this->backend(), {forward(1001, 5001)}));
}

TYPED_TEST_P(BackendConformance, TakesACommitWithoutChanges) {
  ASSERT_TRUE(ok(this->commit({opened(forward(1000, 5000))})));
  EXPECT_TRUE(ok(this->commit({})));
  EXPECT_TRUE(holds(this->backend(), {forward(1000, 5000)}));
}

TYPED_TEST_P(BackendConformance, RenewsForLonger) {
  const auto later = in(std::chrono::hours(3));
  ASSERT_TRUE(ok(this->commit({opened(forward(1000, 5000)), opened(outbound(5000, 1000))})));
  EXPECT_TRUE(ok(this->commit({changed(forward(1000, 5000), forward(1000, 5000, later)),
                               changed(outbound(5000, 1000), outbound(5000, 1000, later))})));
  EXPECT_TRUE(holds(this->backend(), {forward(1000, 5000, later), outbound(5000, 1000, later)}));
}

TYPED_TEST_P(BackendConformance, RenewsForShorter) {
  const auto sooner = in(std::chrono::minutes(10));
  ASSERT_TRUE(ok(this->commit({opened(forward(1000, 5000)), opened(outbound(5000, 1000))})));
  EXPECT_TRUE(ok(this->commit({changed(forward(1000, 5000), forward(1000, 5000, sooner)),
                               changed(outbound(5000, 1000), outbound(5000, 1000, sooner))})));
  EXPECT_TRUE(holds(this->backend(), {forward(1000, 5000, sooner), outbound(5000, 1000, sooner)}));
}

TYPED_TEST_P(BackendConformance, RenewsBesideOtherChanges) {
  const auto later = in(std::chrono::hours(3));
  ASSERT_TRUE(ok(this->commit({opened(forward(1000, 5000)), opened(forward(1001, 5001))})));
  EXPECT_TRUE(ok(this->commit({opened(forward(1002, 5002)),
                               changed(forward(1000, 5000), forward(1000, 5000, later)),
                               closed(forward(1001, 5001))})));
  EXPECT_TRUE(holds(this->backend(), {forward(1000, 5000, later), forward(1002, 5002)}));
}

TYPED_TEST_P(BackendConformance, SendsADoorElsewhere) {
  ASSERT_TRUE(ok(this->commit({opened(forward(1000, 5000)), opened(outbound(5000, 1000))})));
  EXPECT_TRUE(ok(this->commit({changed(forward(1000, 5000), forward(1000, 6000)),
                               changed(outbound(5000, 1000), outbound(5000, 1001))})));
  EXPECT_TRUE(holds(this->backend(), {forward(1000, 6000), outbound(5000, 1001)}));
}

TYPED_TEST_P(BackendConformance, FreedKeysServeOthersInTheSameCommit) {
  ASSERT_TRUE(ok(this->commit({opened(forward(1000, 5000)), opened(forward(1001, 5001))})));
  EXPECT_TRUE(ok(this->commit({changed(forward(1000, 5000), forward(1000, 5001)),
                               changed(forward(1001, 5001), forward(1001, 5000))})));
  EXPECT_TRUE(holds(this->backend(), {forward(1000, 5001), forward(1001, 5000)}));
}

TYPED_TEST_P(BackendConformance, ClosingADoorThatIsNotThereIsNoError) {
  ASSERT_TRUE(ok(this->commit({opened(forward(1000, 5000))})));
  EXPECT_TRUE(ok(this->commit({closed(forward(1001, 5001)), closed(outbound(5001, 1001))})));
  EXPECT_TRUE(holds(this->backend(), {forward(1000, 5000)}));
}

TYPED_TEST_P(BackendConformance, RenewingADoorThatIsNotThereOpensIt) {
  const auto later = in(std::chrono::hours(3));
  EXPECT_TRUE(ok(this->commit({changed(forward(1000, 5000), forward(1000, 5000, later)),
                               changed(outbound(5000, 1000), outbound(5000, 1000, later))})));
  EXPECT_TRUE(holds(this->backend(), {forward(1000, 5000, later), outbound(5000, 1000, later)}));
}

TYPED_TEST_P(BackendConformance, DoesNotHoldADoorWhoseTimeIsUp) {
  EXPECT_TRUE(ok(this->commit({opened(forward(1000, 5000, kNow)), opened(forward(1001, 5001))})));
  EXPECT_TRUE(holds(this->backend(), {forward(1001, 5001)}));
  EXPECT_TRUE(ok(this->commit({changed(forward(1001, 5001), forward(1001, 5001, kNow))})));
  EXPECT_TRUE(holds(this->backend(), {}));
  EXPECT_TRUE(ok(this->backend().reset(
      one_lan(), std::vector{forward(1000, 5000, kNow - Milliseconds(1)), forward(1001, 5001)},
      kNow)));
  EXPECT_TRUE(holds(this->backend(), {forward(1001, 5001)}));
}

TYPED_TEST_P(BackendConformance, HoldsADoorWithoutAnEndForALongTime) {
  EXPECT_TRUE(ok(this->commit({opened(forward(1000, 5000, Moment::max()))})));
  const auto held = this->backend().open_doors(kNow);
  ASSERT_TRUE(held);
  ASSERT_EQ(held->size(), 1U);
  EXPECT_GT(held->front().ends, in(std::chrono::hours(24 * 300)));
}

TYPED_TEST_P(BackendConformance, NamesTheRefusedChangeAndChangesNothing) {
  ASSERT_TRUE(ok(this->commit({opened(forward(1000, 5000)), opened(forward(1001, 5001))})));
  const std::vector<TimedDoor> before{forward(1000, 5000), forward(1001, 5001)};
  const auto later = in(std::chrono::hours(3));
  const std::vector changes{changed(forward(1000, 5000), forward(1000, 5000, later)),
                            closed(forward(1001, 5001)), opened(outbound(5003, 1003)),
                            opened(forward(1002, 5002)), opened(forward(1004, 5004))};

  this->subject().refuse(changes[3].key());
  const auto refused = this->commit(changes);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().refused_change, 3U);
  EXPECT_FALSE(refused.error().permission_denied);
  EXPECT_FALSE(refused.error().reason.empty());
  EXPECT_TRUE(holds(this->backend(), before));

  this->subject().heal(changes[3].key());
  EXPECT_TRUE(ok(this->commit(changes)));
  EXPECT_TRUE(holds(this->backend(), {forward(1000, 5000, later), outbound(5003, 1003),
                                      forward(1002, 5002), forward(1004, 5004)}));
}

TYPED_TEST_P(BackendConformance, NamesARefusedOutboundDoor) {
  const std::vector changes{opened(forward(1000, 5000)), opened(outbound(5000, 1000))};
  this->subject().refuse(changes[1].key());
  const auto refused = this->commit(changes);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().refused_change, 1U);
  EXPECT_TRUE(holds(this->backend(), {}));
}

TYPED_TEST_P(BackendConformance, TakesTheOtherChangesAfterARefusal) {
  const std::vector changes{opened(forward(1000, 5000)), opened(forward(1001, 5001))};
  this->subject().refuse(changes[0].key());
  const auto refused = this->commit(changes);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().refused_change, 0U);
  EXPECT_TRUE(ok(this->commit({changes[1]})));
  EXPECT_TRUE(holds(this->backend(), {forward(1001, 5001)}));
}

TYPED_TEST_P(BackendConformance, TwoDoorsToOneInsideAreIndependent) {
  ASSERT_TRUE(ok(this->commit({opened(forward(1000, 5000)), opened(forward(1001, 5000))})));
  EXPECT_TRUE(ok(this->commit({closed(forward(1000, 5000))})));
  EXPECT_TRUE(holds(this->backend(), {forward(1001, 5000)}));
}

TYPED_TEST_P(BackendConformance, OpensAndClosesPins) {
  ASSERT_TRUE(ok(this->commit({opened(forward(1000, 5000)), opened(pin(5000))})));
  EXPECT_TRUE(holds(this->backend(), {forward(1000, 5000), pin(5000)}));
  EXPECT_TRUE(ok(this->commit({closed(pin(5000)), closed(forward(1000, 5000))})));
  EXPECT_TRUE(holds(this->backend(), {}));
}

TYPED_TEST_P(BackendConformance, OpensRenewsAndClosesPinholes) {
  const auto later = in(std::chrono::hours(3));
  ASSERT_TRUE(ok(this->commit({opened(pinhole(5000)), opened(pinhole(5001, filters6()))})));
  EXPECT_TRUE(holds(this->backend(), {pinhole(5000), pinhole(5001, filters6())}));
  EXPECT_TRUE(
      ok(this->commit({changed(pinhole(5000), pinhole(5000, {}, later)),
                       changed(pinhole(5001, filters6()), pinhole(5001, filters6(), later))})));
  EXPECT_TRUE(holds(this->backend(), {pinhole(5000, {}, later), pinhole(5001, filters6(), later)}));
  EXPECT_TRUE(ok(
      this->commit({closed(pinhole(5000, {}, later)), closed(pinhole(5001, filters6(), later))})));
  EXPECT_TRUE(holds(this->backend(), {}));
}

TYPED_TEST_P(BackendConformance, OpensRenewsAndClosesFilteredForwards) {
  const auto later = in(std::chrono::hours(3));
  const auto door = filtered(forward(1000, 5000), filters4());
  const auto renewed = filtered(forward(1000, 5000, later), filters4());
  ASSERT_TRUE(ok(this->commit({opened(door), opened(forward(1001, 5001))})));
  EXPECT_TRUE(holds(this->backend(), {door, forward(1001, 5001)}));
  EXPECT_TRUE(ok(this->commit({changed(door, renewed)})));
  EXPECT_TRUE(holds(this->backend(), {renewed, forward(1001, 5001)}));
  EXPECT_TRUE(ok(this->commit({closed(renewed)})));
  EXPECT_TRUE(holds(this->backend(), {forward(1001, 5001)}));
}

TYPED_TEST_P(BackendConformance, ChangesWhoMayComeIn) {
  const auto open = forward(1000, 5000);
  const auto few = filtered(open, filters4());
  auto fewer_filters = filters4();
  fewer_filters.pop_back();
  const auto fewer = filtered(open, fewer_filters);
  ASSERT_TRUE(ok(this->commit({opened(open)})));
  for (const auto& [before, after] : {std::pair{open, few}, {few, fewer}, {fewer, open}}) {
    EXPECT_TRUE(ok(this->commit({changed(before, after)})));
    EXPECT_TRUE(holds(this->backend(), {after}));
  }
}

TYPED_TEST_P(BackendConformance, HoldsPrefixesInsidePrefixes) {
  const auto cut = normalized({{*Prefix::parse("10.0.0.0/8"), 80, 80},
                               {*Prefix::parse("10.1.0.0/16")},
                               {*Prefix::parse("10.1.2.3")}});
  const std::vector doors{filtered(forward(1000, 5000), cut), filtered(forward(1001, 5000), cut)};
  EXPECT_TRUE(ok(this->commit({opened(doors[0]), opened(doors[1])})));
  EXPECT_TRUE(holds(this->backend(), doors));
}

TYPED_TEST_P(BackendConformance, HasCountedNoPacketOfANewDoor) {
  // A backend may count or not, but then it says so.
  const auto packets = [&] {
    const auto answer = this->backend().packets_through(pinhole(5000, filters6()).door);
    EXPECT_TRUE(answer) << answer.error().reason;
    return answer.value_or(std::nullopt);
  };
  EXPECT_EQ(packets(), std::nullopt);
  ASSERT_TRUE(ok(this->commit({opened(pinhole(5000, filters6()))})));
  EXPECT_EQ(packets().value_or(0), 0U);
  ASSERT_TRUE(ok(this->commit({closed(pinhole(5000, filters6()))})));
  EXPECT_EQ(packets(), std::nullopt);
}

TYPED_TEST_P(BackendConformance, ResetTakesEveryKindOfDoor) {
  const std::vector doors{filtered(forward(1000, 5000), filters4()),
                          forward(1001, 5001),
                          pin(5000),
                          pin(5001),
                          outbound(5000, 1000),
                          pinhole(5000),
                          pinhole(5001, filters6())};
  EXPECT_TRUE(ok(this->backend().reset(one_lan(), doors, kNow)));
  EXPECT_TRUE(holds(this->backend(), doors));
}

TYPED_TEST_P(BackendConformance, ResetReplacesEverything) {
  ASSERT_TRUE(ok(this->commit({opened(forward(1000, 5000)), opened(outbound(5000, 1000))})));
  const std::vector doors{forward(1000, 6000), forward(1001, 5001), outbound(5001, 1001)};
  EXPECT_TRUE(ok(this->backend().reset(one_lan(), doors, kNow)));
  EXPECT_TRUE(holds(this->backend(), doors));
  EXPECT_TRUE(ok(this->commit({closed(forward(1001, 5001)), opened(forward(1002, 5002))})));
  EXPECT_TRUE(
      holds(this->backend(), {forward(1000, 6000), outbound(5001, 1001), forward(1002, 5002)}));
}

TYPED_TEST_P(BackendConformance, ResetsToSixtyThousandMappings) {
  // Or to as many as the backend is meant for.
  std::uint32_t most = 60'000;
  if constexpr (requires { TypeParam::kMostMappings; }) most = TypeParam::kMostMappings;
  std::vector<TimedDoor> doors;
  for (std::uint32_t port = 1; port <= most; ++port) {
    const auto number = static_cast<std::uint16_t>(port);
    doors.push_back(forward(number, number));
    doors.push_back(outbound(number, number));
  }
  ASSERT_TRUE(ok(this->backend().reset(one_lan(), doors, kNow)));
  EXPECT_TRUE(holds(this->backend(), doors));
  doors.push_back(forward(60'001, 60'001));
  EXPECT_TRUE(ok(this->commit({opened(doors.back())})));
  EXPECT_TRUE(holds(this->backend(), doors));
}

REGISTER_TYPED_TEST_SUITE_P(
    BackendConformance, HoldsNothingAfterAnEmptyReset, IsSetUpOnceItWasReset, OpensDoors,
    ClosesDoors, TakesACommitWithoutChanges, RenewsForLonger, RenewsForShorter,
    RenewsBesideOtherChanges, SendsADoorElsewhere, FreedKeysServeOthersInTheSameCommit,
    ClosingADoorThatIsNotThereIsNoError, RenewingADoorThatIsNotThereOpensIt,
    DoesNotHoldADoorWhoseTimeIsUp, HoldsADoorWithoutAnEndForALongTime,
    NamesTheRefusedChangeAndChangesNothing, NamesARefusedOutboundDoor,
    TakesTheOtherChangesAfterARefusal, TwoDoorsToOneInsideAreIndependent, OpensAndClosesPins,
    OpensRenewsAndClosesPinholes, OpensRenewsAndClosesFilteredForwards, ChangesWhoMayComeIn,
    HoldsPrefixesInsidePrefixes, HasCountedNoPacketOfANewDoor, ResetTakesEveryKindOfDoor,
    ResetReplacesEverything, ResetsToSixtyThousandMappings);

}  // namespace postern::test
