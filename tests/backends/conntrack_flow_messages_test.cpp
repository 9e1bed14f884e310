#include <cerrno>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "backends/conntrack/conntrack_flow_table.h"
#include "backends/conntrack/flow_messages.h"
#include "netlink/socket.h"
#include "tests/backends/conntrack_samples.h"
#include "tests/support/private_netns.h"

namespace postern::test {
namespace {

using Which = FlowPurge::Which;
using Texts = std::set<std::string>;

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
}

TEST_F(FlowMessages, TheKernelListsWhatHasTheBit) {
  const auto with_mark = [](std::uint16_t port, std::uint32_t mark) {
    auto entry = kIn;
    entry.source.port = port;
    entry.mark = mark;
    return entry;
  };
  const auto exactly = with_mark(1, 0x10000000);
  const auto among_others = with_mark(2, 0x10000007);
  auto in6 = kIn6;
  in6.source.port = 1;
  in6.mark = 0x10000000;
  Entries entries;
  for (const auto& entry : {exactly, among_others, with_mark(3, 0x20000000), in6}) {
    ASSERT_NO_FATAL_FAILURE(entries.create(entry));
  }
  EXPECT_EQ(ask(conntrack::list_marked(conntrack::Family::v4, 0x10000000)),
            (Texts{exactly.text(), among_others.text()}));
  EXPECT_EQ(ask(conntrack::list_marked(conntrack::Family::v6, 0x10000000)), Texts{in6.text()});
  EXPECT_EQ(last_.mark, in6.mark);
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
