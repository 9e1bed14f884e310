#include "backends/conntrack/conntrack_flow_table.h"

#include <array>
#include <chrono>
#include <iostream>
#include <vector>

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/backends/conntrack_samples.h"
#include "tests/support/private_netns.h"

namespace postern::test {
namespace {

using Which = FlowPurge::Which;

[[nodiscard]] Entry tcp(Entry entry, std::uint8_t state) {
  entry.protocol = Protocol::tcp;
  entry.tcp_state = state;
  return entry;
}

constexpr std::uint32_t kMark = 0x10000000;

/// As our rules leave it.
[[nodiscard]] Entry marked(Entry entry) {
  entry.mark = kMark;
  return entry;
}

/// In a network namespace of its own. The parameter: whether the kernel may filter.
class ConntrackFlowTableTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    if (const auto& why = netns_.why_not()) GTEST_SKIP() << *why;
    auto opened = ConntrackFlowTable::open({.allow_kernel_filters = GetParam()});
    ASSERT_TRUE(opened) << opened.error();
    table_ = std::move(*opened);
    if (table_->uses_kernel_filters() != GetParam()) {
      GTEST_SKIP() << "needs Linux 5.8: this kernel does not filter connections";
    }
    entries_.emplace();
  }

  void create(const std::vector<Entry>& entries) {
    for (const auto& entry : entries) {
      ASSERT_NO_FATAL_FAILURE(entries_->create(entry));
      before_.insert(entry.text());
    }
    ASSERT_EQ(entries_->all(), before_);
  }
  /// Of what was created, these are gone and the others still there.
  void expect_gone(const std::vector<Entry>& gone, const Result<std::size_t, std::string>& count) {
    ASSERT_TRUE(count) << count.error();
    EXPECT_EQ(*count, gone.size());
    auto left = before_;
    for (const auto& entry : gone) EXPECT_EQ(left.erase(entry.text()), 1U) << entry.text();
    EXPECT_EQ(entries_->all(), left);
  }
  [[nodiscard]] auto purge(const std::vector<FlowPurge>& purges) { return table_->purge(purges); }

  PrivateNetns netns_;
  std::unique_ptr<ConntrackFlowTable> table_;
  std::optional<Entries> entries_;
  std::set<std::string> before_;
};

TEST_P(ConntrackFlowTableTest, AClosedForwardTakesItsFlowsAlong) {
  create(kAll);
  expect_gone({kIn, kHairpin}, purge({{Which::through_door, kForward}}));
}

TEST_P(ConntrackFlowTableTest, ADoorWithFiltersTakesAllItsFlowsAlong) {
  create(kAll);
  Forward4 filtered = kForward;
  filtered.filters = {{*Prefix::parse("192.0.2.0/24")}};
  expect_gone({kIn, kHairpin}, purge({{Which::through_door, filtered}}));
}

TEST_P(ConntrackFlowTableTest, AnOpenedForwardTakesThoseThatPassedItBy) {
  create(kAll);
  expect_gone({kInNotTranslated}, purge({{Which::past_door, kForward}}));
}

TEST_P(ConntrackFlowTableTest, AClosedOutboundTakesWhatLeftByItsPort) {
  create(kAll);
  expect_gone({kOut}, purge({{Which::through_door, kOutbound}}));
}

TEST_P(ConntrackFlowTableTest, AClosedPinholeTakesItsFlowsAlong) {
  create(kAll);
  expect_gone({kIn6}, purge({{Which::through_door, kPinhole}}));
}

TEST_P(ConntrackFlowTableTest, ManyDoorsOfBothFamiliesGoAtOnce) {
  create(kAll);
  expect_gone({kIn, kInNotTranslated, kHairpin, kOut, kIn6},
              purge({{Which::through_door, kForward},
                     {Which::past_door, kForward},
                     {Which::through_door, kOutbound},
                     {Which::past_door, kOutbound},
                     {Which::through_door, kPinhole},
                     {Which::past_door, kPinhole}}));
}

TEST_P(ConntrackFlowTableTest, DoorsWithNothingInCommonGoAtOnce) {
  const Entry other{.source = kRemote,
                    .destination = {Address::v4({203, 0, 113, 2}), 7},
                    .dnat = Endpoint{kNeighbour.address, 9}};
  create(kAll);
  create({other});
  const Forward4 other_door{Protocol::udp, other.destination, *other.dnat};
  const Outbound4 no_door{Protocol::udp, {kNeighbour.address, 1}, {kWan, 2}};
  const Pinhole6 other_pinhole{Protocol::udp, {kNeighbour6.address, 1}};
  expect_gone({kIn, kHairpin, other, kOut, kIn6}, purge({{Which::through_door, kForward},
                                                         {Which::through_door, other_door},
                                                         {Which::through_door, kOutbound},
                                                         {Which::through_door, no_door},
                                                         {Which::through_door, kPinhole},
                                                         {Which::through_door, other_pinhole}}));
}

TEST_P(ConntrackFlowTableTest, ZonesDoNotHideConnections) {
  auto in_a_zone = kIn;
  in_a_zone.zone = 7;
  create({in_a_zone});
  expect_gone({in_a_zone}, purge({{Which::through_door, kForward}}));
}

TEST_P(ConntrackFlowTableTest, ProtocolsAreKeptApart) {
  create({kIn, tcp(kIn, TCP_CONNTRACK_ESTABLISHED)});
  expect_gone({tcp(kIn, TCP_CONNTRACK_ESTABLISHED)}, purge({{Which::through_door, kForwardTcp}}));
}

TEST_P(ConntrackFlowTableTest, EstablishedTcpIsSparedOnRequest) {
  const auto with_port = [](std::uint16_t port, std::uint8_t state) {
    auto entry = tcp(kIn, state);
    entry.source.port = port;
    return entry;
  };
  const auto beginning = with_port(1, TCP_CONNTRACK_SYN_SENT);
  const auto established = with_port(2, TCP_CONNTRACK_ESTABLISHED);
  const auto ending = with_port(3, TCP_CONNTRACK_FIN_WAIT);
  create({beginning, established, ending});
  expect_gone({beginning, ending}, purge({{Which::through_door, kForwardTcp, true}}));
  before_ = {established.text()};
  expect_gone({established}, purge({{Which::through_door, kForwardTcp, false}}));
}

TEST_P(ConntrackFlowTableTest, NothingToPurgeIsNoError) {
  create({kOut});
  expect_gone({}, purge({}));
  expect_gone({}, purge({{Which::through_door, kForward}}));
}

TEST_P(ConntrackFlowTableTest, AThousandPurgesAmongTwentyThousandOtherFlows) {
  constexpr std::uint16_t kOthers = 20'000;
  constexpr std::uint16_t kDoors = 1'000;
  for (std::uint16_t i = 0; i < kOthers; ++i) {
    const Endpoint remote{Address::v4(0xc6336400U + i % 200), static_cast<std::uint16_t>(i + 1)};
    ASSERT_NO_FATAL_FAILURE(entries_->create({.source = kNeighbour, .destination = remote}));
  }
  const auto others = entries_->all();
  ASSERT_EQ(others.size(), kOthers);
  std::vector<FlowPurge> purges;
  for (std::uint16_t i = 0; i < kDoors; ++i) {
    const auto port = static_cast<std::uint16_t>(10'000 + i);
    Forward4 door{Protocol::udp, {kWan, port}, {kInternal.address, port}};
    ASSERT_NO_FATAL_FAILURE(
        entries_->create({.source = kRemote, .destination = door.external, .dnat = door.internal}));
    purges.push_back({Which::through_door, door});
    purges.push_back({Which::past_door, door});
  }
  const auto begun = std::chrono::steady_clock::now();
  const auto purged = purge(purges);
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - begun;
  RecordProperty("milliseconds", std::to_string(took.count()));
  ASSERT_TRUE(purged) << purged.error();
  EXPECT_EQ(*purged, kDoors);
  EXPECT_EQ(entries_->all(), others);
}

TEST_P(ConntrackFlowTableTest, StraysAreWhatNoOpenDoorExplains) {
  const auto by_other_port = marked(kInByOtherPort);
  const auto to_neighbour6 = marked(kInToNeighbour6);
  create({marked(kIn), kInToNeighbour, by_other_port, marked(kHairpin), kOut, marked(kIn6), kOut6,
          to_neighbour6});
  const std::array doors{TimedDoor{kForward}, TimedDoor{kOutbound}, TimedDoor{kPinhole}};
  expect_gone({by_other_port, to_neighbour6}, table_->purge_strays(doors, false));
}

TEST_P(ConntrackFlowTableTest, StraysAreWhatTheFiltersDoNotLetIn) {
  create({marked(kIn), marked(kHairpin), marked(kIn6)});
  Forward4 forward = kForward;
  forward.filters = {{Prefix(kRemote.address, 32)}};
  const Pinhole6 pinhole{Protocol::udp, kInternal6, {{*Prefix::parse("2001:db8:e::/48")}}};
  const std::array doors{TimedDoor{forward}, TimedDoor{pinhole}};
  expect_gone({kHairpin, kIn6}, table_->purge_strays(doors, false));
}

TEST_P(ConntrackFlowTableTest, WithoutOurMarkNothingIsAStray) {
  auto with_another_mark = kInByOtherPort;
  with_another_mark.mark = ~kMark;
  create({kIn, with_another_mark, kHairpin, kOut, kIn6, kOut6});
  expect_gone({}, table_->purge_strays({}, false));
}

TEST_P(ConntrackFlowTableTest, TheMarkIsOneBitOfTheirs) {
  auto with_all_bits = kIn;
  with_all_bits.mark = ~0U;
  create({with_all_bits});
  expect_gone({with_all_bits}, table_->purge_strays({}, false));
}

TEST_P(ConntrackFlowTableTest, TheBitIsAnOption) {
  create({marked(kIn)});
  const auto other = ConntrackFlowTable::open({.mark = kMark << 1});
  ASSERT_TRUE(other) << other.error();
  expect_gone({}, (*other)->purge_strays({}, false));
}

TEST_P(ConntrackFlowTableTest, EstablishedTcpIsNoStrayOnRequest) {
  const auto established = marked(tcp(kIn, TCP_CONNTRACK_ESTABLISHED));
  const auto beginning = marked(tcp(kInToNeighbour, TCP_CONNTRACK_SYN_SENT));
  create({established, beginning});
  expect_gone({beginning}, table_->purge_strays({}, true));
  before_ = {established.text()};
  expect_gone({established}, table_->purge_strays({}, false));
}

TEST_P(ConntrackFlowTableTest, FindsWhatTheHostBegan) {
  create(kAll);
  const auto found = table_->find(Protocol::udp, kInternal, kOutByOtherPort.destination);
  ASSERT_TRUE(found) << found.error();
  EXPECT_EQ(*found,
            (Flow{Protocol::udp, kInternal, *kOutByOtherPort.snat, kOutByOtherPort.destination}));
}

TEST_P(ConntrackFlowTableTest, FindsWhatTheRemoteBegan) {
  create(kAll);
  const auto found = table_->find(Protocol::udp, kInternal, kRemote);
  ASSERT_TRUE(found) << found.error();
  EXPECT_EQ(*found, (Flow{Protocol::udp, kInternal, kExternal, kRemote}));
}

TEST_P(ConntrackFlowTableTest, FindsIpv6InBothDirections) {
  create(kAll);
  for (const auto& remote : {kIn6.source, kOut6.destination}) {
    const auto found = table_->find(Protocol::udp, kInternal6, remote);
    ASSERT_TRUE(found) << found.error();
    EXPECT_EQ(*found, (Flow{Protocol::udp, kInternal6, kInternal6, remote}));
  }
}

TEST_P(ConntrackFlowTableTest, FindsNothingWhereNothingIs) {
  create(kAll);
  const auto other_protocol = table_->find(Protocol::tcp, kInternal, kRemote);
  ASSERT_TRUE(other_protocol) << other_protocol.error();
  EXPECT_FALSE(*other_protocol);
  const auto other_host = table_->find(Protocol::udp, {kNeighbour.address, 9}, kRemote);
  ASSERT_TRUE(other_host) << other_host.error();
  EXPECT_FALSE(*other_host);
}

/// Gives up every right for good: only in a child process.
void drop_all_capabilities() {
  __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, _LINUX_CAPABILITY_U32S_3> none{};
  if (::syscall(SYS_capset, &header, none.data()) != 0) ::_exit(3);
}

/// Ends the child: zero when the call failed, and said why.
template <class T>
[[noreturn]] void exit_with_verdict(const Result<T, std::string>& result) {
  if (result) ::_exit(1);
  std::cerr << result.error() << std::endl;
  ::_exit(0);
}

TEST_P(ConntrackFlowTableTest, SaysWhenItIsNotPermitted) {
  create(kAll);
  const auto failed = testing::ExitedWithCode(0);
  const auto without_rights = [](auto call) {
    drop_all_capabilities();
    exit_with_verdict(call());
  };
  EXPECT_EXIT(without_rights([] { return ConntrackFlowTable::open(); }), failed, "CAP_NET_ADMIN");
  EXPECT_EXIT(without_rights([&] {
                return purge({{Which::through_door, kForward}});
              }),
              failed, "CAP_NET_ADMIN");
  EXPECT_EXIT(without_rights([&] { return table_->purge_strays({}, false); }), failed,
              "CAP_NET_ADMIN");
  EXPECT_EXIT(without_rights([&] { return table_->find(Protocol::udp, kInternal, kRemote); }),
              failed, "CAP_NET_ADMIN");
  EXPECT_EQ(entries_->all(), before_);
}

INSTANTIATE_TEST_SUITE_P(, ConntrackFlowTableTest, testing::Bool(), [](const auto& test_case) {
  return test_case.param ? "TheKernelFilters" : "WeFilter";
});

}  // namespace
}  // namespace postern::test
