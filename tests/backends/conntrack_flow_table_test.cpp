#include "backends/conntrack/conntrack_flow_table.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <iostream>
#include <vector>

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "backends/conntrack/flow_messages.h"
#include "netlink/socket.h"
#include "tests/backends/conntrack_entries.h"
#include "tests/support/private_netns.h"

namespace postern::test {
namespace {

using Which = FlowPurge::Which;
using Texts = std::set<std::string>;

const Address kWan = Address::v4({203, 0, 113, 1});
const Endpoint kExternal{kWan, 1000};
const Endpoint kInternal{Address::v4({192, 168, 78, 2}), 5000};
const Endpoint kNeighbour{Address::v4({192, 168, 78, 3}), 5000};
const Endpoint kRemote{Address::v4({198, 51, 100, 7}), 4000};
const Endpoint kInternal6{*Address::parse("2001:db8:1::2"), 5000};
const Endpoint kNeighbour6{*Address::parse("2001:db8:1::3"), 5000};
const Endpoint kRemote6{*Address::parse("2001:db8:f::7"), 4000};
const Forward4 kForward{Protocol::udp, kExternal, kInternal};
const Forward4 kForwardTcp{Protocol::tcp, kExternal, kInternal};
const Outbound4 kOutbound{Protocol::udp, kInternal, kExternal};
const Pinhole6 kPinhole{Protocol::udp, kInternal6};

const Entry kIn{.source = kRemote, .destination = kExternal, .dnat = kInternal};
const Entry kInNotTranslated{.source = {kRemote.address, 4001}, .destination = kExternal};
const Entry kInToNeighbour{
    .source = {kRemote.address, 4002}, .destination = kExternal, .dnat = kNeighbour};
const Entry kInByOtherPort{
    .source = kRemote, .destination = {kWan, 1001}, .dnat = Endpoint{kInternal.address, 5001}};
const Entry kHairpin{.source = kNeighbour,
                     .destination = kExternal,
                     .dnat = kInternal,
                     .snat = Endpoint{kWan, 2000}};
const Entry kOut{.source = kInternal, .destination = {kRemote.address, 53}, .snat = kExternal};
const Entry kOutByOtherPort{
    .source = kInternal, .destination = {kRemote.address, 54}, .snat = Endpoint{kWan, 1001}};
const Entry kIn6{.source = kRemote6, .destination = kInternal6};
const Entry kOut6{.source = kInternal6, .destination = {kRemote6.address, 53}};
const Entry kInToNeighbour6{.source = kRemote6, .destination = kNeighbour6};

[[nodiscard]] Entry tcp(Entry entry, std::uint8_t state) {
  entry.protocol = Protocol::tcp;
  entry.tcp_state = state;
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
  Texts before_;
};

const std::vector<Entry> kAll{
    kIn,  kInNotTranslated, kInToNeighbour, kInByOtherPort, kHairpin,
    kOut, kOutByOtherPort,  kIn6,           kOut6,          kInToNeighbour6};

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
  create(kAll);
  const std::array doors{TimedDoor{kForward}, TimedDoor{kOutbound}, TimedDoor{kPinhole}};
  const std::array external{kWan};
  const std::array lan{*Prefix::parse("192.168.78.0/24"), *Prefix::parse("2001:db8:1::/64")};
  expect_gone({kInToNeighbour, kInByOtherPort, kInToNeighbour6},
              table_->purge_strays(doors, external, lan));
}

TEST_P(ConntrackFlowTableTest, StraysAreWhatTheFiltersDoNotLetIn) {
  create(kAll);
  Forward4 forward = kForward;
  forward.filters = {{Prefix(kRemote.address, 32)}};
  const Pinhole6 pinhole{Protocol::udp, kInternal6, {{*Prefix::parse("2001:db8:e::/48")}}};
  const std::array doors{TimedDoor{forward}, TimedDoor{pinhole}};
  const std::array external{kWan};
  const std::array lan{*Prefix::parse("2001:db8:1::/64")};
  expect_gone({kInToNeighbour, kInByOtherPort, kHairpin, kIn6, kInToNeighbour6},
              table_->purge_strays(doors, external, lan));
}

TEST_P(ConntrackFlowTableTest, WithoutAddressesNothingIsAStray) {
  create(kAll);
  expect_gone({}, table_->purge_strays({}, {}, {}));
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
  EXPECT_EXIT(without_rights([&] { return table_->purge_strays({}, std::array{kWan}, {}); }),
              failed, "CAP_NET_ADMIN");
  EXPECT_EXIT(without_rights([&] { return table_->find(Protocol::udp, kInternal, kRemote); }),
              failed, "CAP_NET_ADMIN");
  EXPECT_EQ(entries_->all(), before_);
}

INSTANTIATE_TEST_SUITE_P(, ConntrackFlowTableTest, testing::Bool(), [](const auto& test_case) {
  return test_case.param ? "TheKernelFilters" : "WeFilter";
});

/// What the kernel answers to single messages.
class FlowMessages : public testing::Test {
 protected:
  void SetUp() override {
    if (const auto& why = netns_.why_not()) GTEST_SKIP() << *why;
    const auto table = ConntrackFlowTable::open();
    ASSERT_TRUE(table) << table.error();
    if (!(*table)->uses_kernel_filters()) GTEST_SKIP() << "needs Linux 5.8";
    Entries entries;
    for (const auto& entry : kAll) ASSERT_NO_FATAL_FAILURE(entries.create(entry));
    auto socket = netlink::Socket::open();
    ASSERT_TRUE(socket);
    socket_.emplace(std::move(*socket));
  }

  /// The connections in the answer, or the error.
  [[nodiscard]] Texts ask(const conntrack::Request& request) {
    Texts texts;
    const auto answered = socket_->dump(request.bytes(), [&](const nlmsghdr* message) {
      const auto flow = conntrack::parse(message);
      ASSERT_TRUE(flow);
      texts.insert(Entry{.protocol = flow->protocol,
                         .source = flow->original.source,
                         .destination = flow->original.destination}
                       .text());
      last_ = *flow;
    });
    if (!answered) texts.insert("errno " + std::to_string(answered.error().code));
    return texts;
  }

  PrivateNetns netns_;
  std::optional<netlink::Socket> socket_;
  conntrack::TrackedFlow last_;
};

/// The kernel's list of what these purges mean, which must all be of one kind.
[[nodiscard]] std::optional<conntrack::Request> list_of(const std::vector<FlowPurge>& purges) {
  const conntrack::PurgeSet set(purges);
  return set.patterns().size() == 1 ? list_matching(set.patterns().front()) : std::nullopt;
}

TEST_F(FlowMessages, TheKernelListsNoMoreThanWasAskedFor) {
  const auto in = list_of({{Which::through_door, kForward}});
  const auto out = list_of({{Which::through_door, kOutbound}});
  const auto in6 = list_of({{Which::through_door, kPinhole}});
  ASSERT_TRUE(in && out && in6);
  EXPECT_EQ(ask(*in), (Texts{kIn.text(), kHairpin.text()}));
  EXPECT_EQ(ask(*out), Texts{kOut.text()});
  EXPECT_EQ(ask(*in6), (Texts{kIn6.text(), kInToNeighbour6.text()}));
  EXPECT_EQ(ask(conntrack::list_translated4()),
            (Texts{kIn.text(), kInToNeighbour.text(), kInByOtherPort.text(), kHairpin.text()}));
}

TEST_F(FlowMessages, TheKernelListsWhatFitsAPattern) {
  const Texts to_the_wan{kIn.text(), kInNotTranslated.text(), kInToNeighbour.text(),
                         kInByOtherPort.text(), kHairpin.text()};
  const auto any_port_and_protocol =
      list_of({{Which::past_door, kForward},
               {Which::through_door, Forward4{Protocol::tcp, {kWan, 9}, {kNeighbour.address, 9}}}});
  ASSERT_TRUE(any_port_and_protocol);
  EXPECT_EQ(ask(*any_port_and_protocol), to_the_wan);
  const auto any_target = list_of({{Which::past_door, kForward}, {Which::through_door, kForward}});
  ASSERT_TRUE(any_target);
  auto to_the_port = to_the_wan;
  to_the_port.erase(kInByOtherPort.text());
  EXPECT_EQ(ask(*any_target), to_the_port);
}

TEST_F(FlowMessages, WhatHasNothingInCommonIsNotAskedFor) {
  EXPECT_FALSE(list_of(
      {{Which::through_door, kOutbound},
       {Which::through_door, Outbound4{Protocol::udp, {kWan, 1}, {kInternal.address, 2}}}}));
  EXPECT_FALSE(list_of({{Which::through_door, kPinhole},
                        {Which::through_door, Pinhole6{Protocol::udp, {kInternal6.address, 1}}}}))
      << "the kernel cannot compare IPv6 addresses";
}

TEST_F(FlowMessages, ALaterConnectionOfTheSameTupleIsNotEnded) {
  ASSERT_EQ(ask(conntrack::get(Protocol::udp, {kIn.source, kIn.destination})), Texts{kIn.text()});
  auto later = last_;
  ++later.id;
  EXPECT_EQ(ask(conntrack::end(later)), Texts{"errno " + std::to_string(ENOENT)});
  EXPECT_EQ(ask(conntrack::end(last_)), Texts{});
  EXPECT_EQ(ask(conntrack::end(last_)), Texts{"errno " + std::to_string(ENOENT)});
}

}  // namespace
}  // namespace postern::test
