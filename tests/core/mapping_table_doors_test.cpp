#include <map>
#include <random>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/memory/memory_backend.h"
#include "core/mapping_table.h"
#include "tests/support/table_fixture.h"

// The doors of mappings that NAT-PMP does not make: with filters, for IPv6, several of one internal
// endpoint.
namespace postern {
namespace {

using namespace test;

constexpr Address kHostV6 =
    Address::v6({0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x10});
const Moment kEnd = kStart + Seconds(60);

class MappingTableDoorsTest : public testing::Test {
 protected:
  MappingTableDoorsTest() {
    table_.set_lan_prefixes({*Prefix::parse("192.168.1.0/24"), *Prefix::parse("2001:db8::/64")});
  }
  ~MappingTableDoorsTest() override { EXPECT_TRUE(table_.is_consistent()); }

  /// A wish for exactly this external port.
  [[nodiscard]] static MapRequest exactly(std::uint16_t external, std::uint16_t internal = 8080,
                                          Seconds lifetime = Seconds(60),
                                          const Address& host = kHostA) {
    MapRequest request = wish(host, Protocol::udp, internal, external, lifetime);
    request.reserves_companion = false;
    request.placement = Placement::suggested_port;
    return request;
  }
  [[nodiscard]] Result<Grant, MapError> ask(const MapRequest& request) {
    auto granted = table_.request(request, kStart);
    (void)table_.accept();
    return granted;
  }
  [[nodiscard]] MapError error_of(const MapRequest& request) {
    const auto granted = table_.request(request, kStart);
    EXPECT_FALSE(granted);
    return granted ? MapError::backend_refused : granted.error();
  }
  [[nodiscard]] std::vector<TimedDoor> doors() const { return sorted(table_.doors()); }
  [[nodiscard]] static TimedDoor forward(std::uint16_t external, Moment ends = kEnd) {
    return {Forward4{Protocol::udp, {kWan, external}, {kHostA, 8080}}, ends};
  }
  [[nodiscard]] static TimedDoor outbound(std::uint16_t external, Moment ends = kEnd) {
    return {Outbound4{Protocol::udp, {kHostA, 8080}, {kWan, external}}, ends};
  }
  [[nodiscard]] static TimedDoor pin(Moment ends = kEnd) {
    return {Pin4{Protocol::udp, {kHostA, 8080}}, ends};
  }

  MappingTable table_ = home_table();
};

TEST_F(MappingTableDoorsTest, AFilterIsPartOfTheForward) {
  auto request = wish(kHostA, Protocol::udp, 8080, 40001);
  request.filters = {{*Prefix::parse("192.0.2.128/25")}, {*Prefix::parse("192.0.2.0/24")}};
  ASSERT_TRUE(ask(request));
  const RemoteFilters expected{{*Prefix::parse("192.0.2.0/24")}};
  const auto forward = std::get<Forward4>(doors().front().door);
  EXPECT_EQ(forward.filters, expected);

  request.filters.reset();
  ASSERT_TRUE(ask(request));
  EXPECT_EQ(std::get<Forward4>(doors().front().door).filters, expected) << "as it was";

  request.filters = RemoteFilters{};
  ASSERT_TRUE(ask(request));
  EXPECT_TRUE(std::get<Forward4>(doors().front().door).filters.empty()) << "everybody again";
}

TEST_F(MappingTableDoorsTest, ChangedFiltersChangeTheForwardAlone) {
  auto request = wish(kHostA, Protocol::udp, 8080, 40001);
  ASSERT_TRUE(ask(request));
  request.filters = {{*Prefix::parse("192.0.2.1")}};
  ASSERT_TRUE(table_.request(request, kStart));
  const auto changes = table_.staged_changes();
  ASSERT_EQ(changes.size(), 1U);
  EXPECT_FALSE(changes[0].is_renewal());
  EXPECT_EQ(changes[0].key().kind, DoorKey::Kind::forward4);
  (void)table_.accept();
}

TEST_F(MappingTableDoorsTest, AMappingHasAtMostEightFilters) {
  auto request = wish(kHostA, Protocol::udp, 8080, 40001);
  request.filters.emplace();
  for (std::uint8_t i = 0; i < 8; ++i) {
    request.filters->push_back({Prefix(Address::v4({192, 0, 2, i}), 32)});
  }
  EXPECT_TRUE(ask(request));
  request.filters->push_back({Prefix(Address::v4({192, 0, 2, 9}), 32)});
  EXPECT_EQ(error_of(request), MapError::too_many_filters);
}

TEST_F(MappingTableDoorsTest, AFilterIsOfTheMappingsFamilyAndTheRightWayRound) {
  auto request = wish(kHostA, Protocol::udp, 8080);
  request.filters = {{*Prefix::parse("::/0")}};
  EXPECT_EQ(error_of(request), MapError::bad_filter);
  request.filters = {{*Prefix::parse("10.0.0.0/8"), 9, 8}};
  EXPECT_EQ(error_of(request), MapError::bad_filter);
  auto pinhole = wish(kHostV6, Protocol::udp, 8080);
  pinhole.filters = {{*Prefix::parse("0.0.0.0/0")}};
  EXPECT_EQ(error_of(pinhole), MapError::bad_filter);
  pinhole.filters = {{*Prefix::parse("::/0")}};
  EXPECT_TRUE(ask(pinhole));
}

/// One of many hosts.
[[nodiscard]] Address host(int number) {
  return Address::v4({192, 168, 1, static_cast<std::uint8_t>(100 + number)});
}

// One host must not use up what all may have together.
TEST_F(MappingTableDoorsTest, AClientHasAtMost128Filters) {
  RemoteFilters eight;
  for (std::uint8_t i = 0; i < 8; ++i) {
    eight.push_back({Prefix(Address::v4({192, 0, 2, i}), 32)});
  }
  for (std::uint16_t i = 0; i < 16; ++i) {
    auto request = wish(kHostA, Protocol::udp, static_cast<std::uint16_t>(8000 + i));
    request.filters = eight;
    ASSERT_TRUE(ask(request)) << i;
    ASSERT_TRUE(ask(request)) << "again";
  }
  auto request = wish(kHostA, Protocol::udp, 9000);
  request.filters = {{*Prefix::parse("192.0.2.77")}};
  EXPECT_EQ(error_of(request), MapError::too_many_filters);
  request = wish(kHostB, Protocol::udp, 9000);
  request.filters = eight;
  EXPECT_TRUE(ask(request));
}

TEST_F(MappingTableDoorsTest, AllMappingsHaveAtMost1024Filters) {
  RemoteFilters eight;
  for (std::uint8_t i = 0; i < 8; ++i) {
    eight.push_back({Prefix(Address::v4({192, 0, 2, i}), 32)});
  }
  for (std::uint16_t i = 0; i < 128; ++i) {
    auto request = wish(host(i / 16), Protocol::udp, static_cast<std::uint16_t>(8000 + i));
    request.filters = eight;
    ASSERT_TRUE(ask(request)) << i;
  }
  auto request = wish(kHostC, Protocol::udp, 9000);
  request.filters = {{*Prefix::parse("192.0.2.77")}};
  EXPECT_EQ(error_of(request), MapError::filter_limit_reached);
  EXPECT_TRUE(table_.release(Protocol::udp, {host(0), 8000}, natpmp_of(host(0))));
  EXPECT_TRUE(ask(request));
}

TEST_F(MappingTableDoorsTest, APinholeNeedsNoExternalAddress) {
  table_.set_external_addresses({});
  const auto granted = ask(wish(kHostV6, Protocol::tcp, 8080, 1234));
  ASSERT_TRUE(granted);
  EXPECT_EQ(granted->external_port, 8080) << "nothing is translated";
  EXPECT_THAT(doors(),
              testing::ElementsAre(TimedDoor{Pinhole6{Protocol::tcp, {kHostV6, 8080}}, kEnd}));
  // It takes no external IPv4 port, and stays when the IPv4 address changes.
  table_.set_external_addresses({kOtherWan});
  EXPECT_TRUE(table_.staged_changes().empty());
  EXPECT_EQ(ask(wish(kHostB, Protocol::tcp, 9090, 8080))->external_port, 8080);
}

TEST_F(MappingTableDoorsTest, APinholeIsRenewedAndReleased) {
  ASSERT_TRUE(ask(wish(kHostV6, Protocol::tcp, 8080)));
  ASSERT_TRUE(ask(wish(kHostV6, Protocol::tcp, 8080, 0, Seconds(90))));
  EXPECT_EQ(table_.size(), 1U);
  EXPECT_TRUE(table_.release(Protocol::tcp, {kHostV6, 8080}, natpmp_of(kHostV6)));
  EXPECT_EQ(table_.size(), 0U);
}

TEST_F(MappingTableDoorsTest, APinholeObeysTheExternalPortsOfTheRuleToo) {
  Rule rule = default_rule();
  rule.external_ports = PortSet({{40000, 65535}});
  MappingTable table(Policy({rule}), {.pinholes = true}, 1);
  table.set_lan_prefixes({*Prefix::parse("2001:db8::/64")});
  const auto refused = table.request(wish(kHostV6, Protocol::udp, 8080), kStart);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), MapError::not_authorized);
  EXPECT_TRUE(table.request(wish(kHostV6, Protocol::udp, 40000), kStart));
}

TEST_F(MappingTableDoorsTest, WhatTheFirewallCannotDoIsRefused) {
  MappingTable table(home_policy(), {}, 1);
  table.set_lan_prefixes({*Prefix::parse("2001:db8::/64")});
  const auto refused = table.request(wish(kHostV6, Protocol::udp, 8080), kStart);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error(), MapError::unsupported);
}

TEST_F(MappingTableDoorsTest, AnOccupiedPortIsNeverHandedOut) {
  table_.set_occupied_ports({PortSet(), PortSet({{40001, 40001}})});
  EXPECT_NE(ask(wish(kHostA, Protocol::udp, 8080, 40001))->external_port, 40001);
  EXPECT_EQ(ask(wish(kHostA, Protocol::tcp, 8080, 40001))->external_port, 40001);
  EXPECT_EQ(error_of(exactly(40001)), MapError::external_port_taken);
  table_.set_occupied_ports({});
  EXPECT_TRUE(ask(exactly(40001)));
}

TEST_F(MappingTableDoorsTest, WhoHasAPortKeepsItWhenItIsOccupied) {
  ASSERT_TRUE(ask(wish(kHostA, Protocol::udp, 8080, 40001)));
  table_.set_occupied_ports({PortSet(), PortSet({{40001, 40001}})});
  EXPECT_EQ(ask(wish(kHostA, Protocol::udp, 8080, 40001))->external_port, 40001);
}

TEST_F(MappingTableDoorsTest, TheOldestOfOneInsideOwnsTheOutboundPort) {
  ASSERT_TRUE(ask(exactly(40001)));
  ASSERT_TRUE(ask(exactly(40002)));
  EXPECT_EQ(doors(), sorted({forward(40001), forward(40002), pin(), outbound(40001)}));
  EXPECT_EQ(table_.find_by_internal(Protocol::udp, {kHostA, 8080})->external.port, 40001);
  EXPECT_EQ(ask(wish(kHostA, Protocol::udp, 8080))->external_port, 40001);
}

TEST_F(MappingTableDoorsTest, TheNextInheritsTheOutboundPortInTheSameTurn) {
  ASSERT_TRUE(ask(exactly(40001, 8080, Seconds(10))));
  ASSERT_TRUE(ask(exactly(40002)));
  ASSERT_TRUE(ask(exactly(40003)));
  table_.expire(kStart + Seconds(10));
  const Moment first_end = kStart + Seconds(10);
  EXPECT_THAT(
      table_.staged_changes(),
      testing::UnorderedElementsAre(DoorChange{forward(40001, first_end), std::nullopt},
                                    DoorChange{pin(first_end), pin()},
                                    DoorChange{outbound(40001, first_end), outbound(40002)}));
  (void)table_.accept();
  EXPECT_EQ(doors(), sorted({forward(40002), forward(40003), pin(), outbound(40002)}));
}

TEST_F(MappingTableDoorsTest, AnHeirThatIsDueItselfDoesNotOutliveItsLease) {
  ASSERT_TRUE(ask(exactly(40001)));
  ASSERT_TRUE(ask(exactly(40002)));
  table_.expire(kEnd);
  (void)table_.accept();
  EXPECT_EQ(table_.size(), 0U);
}

TEST_F(MappingTableDoorsTest, RollingBackGivesTheOutboundPortBack) {
  ASSERT_TRUE(ask(exactly(40001)));
  ASSERT_TRUE(ask(exactly(40002)));
  const auto before = doors();
  EXPECT_TRUE(table_.release(Protocol::udp, {kHostA, 8080}, natpmp_of(kHostA)));
  EXPECT_EQ(table_.size(), 0U) << "released with all its mappings";
  table_.roll_back();
  EXPECT_EQ(doors(), before);
}

TEST_F(MappingTableDoorsTest, ARefusedOutboundKeepsTheOldestAlive) {
  ASSERT_TRUE(ask(exactly(40001, 8080, Seconds(10))));
  ASSERT_TRUE(ask(exactly(40002)));
  table_.refuse({DoorKey::Kind::outbound4, Protocol::udp, {kHostA, 8080}});
  table_.expire(kStart + Seconds(10));
  EXPECT_EQ(table_.size(), 2U);
  EXPECT_TRUE(table_.staged_changes().empty());
  (void)table_.accept();
}

TEST_F(MappingTableDoorsTest, ARefusedForwardOfTheNextDoesNotKeepTheOldestAlive) {
  ASSERT_TRUE(ask(exactly(40001, 8080, Seconds(10))));
  ASSERT_TRUE(ask(exactly(40002)));
  table_.refuse({DoorKey::Kind::forward4, Protocol::udp, {kWan, 40002}});
  table_.expire(kStart + Seconds(10));
  EXPECT_EQ(table_.size(), 1U);
  (void)table_.accept();
}

TEST_F(MappingTableDoorsTest, ASuggestedPortOfSomebodyElseIsTaken) {
  ASSERT_TRUE(ask(exactly(40001)));
  EXPECT_EQ(error_of(exactly(40001, 9090)), MapError::external_port_taken);
  EXPECT_EQ(error_of(exactly(40001, 8080, Seconds(60), kHostB)), MapError::external_port_taken);
  EXPECT_EQ(error_of(exactly(80, 8080)), MapError::external_port_denied);
  EXPECT_TRUE(ask(exactly(40001))) << "the same wish again renews";
  EXPECT_EQ(table_.size(), 1U);
}

TEST_F(MappingTableDoorsTest, AdoptsSeveralOfOneInsideWithTheirOldest) {
  const std::vector found{forward(40002), forward(40001), pin(), outbound(40001),
                          TimedDoor{Pinhole6{Protocol::tcp, {kHostV6, 22000}}, kEnd}};
  table_.adopt(found, kStart);
  (void)table_.accept();
  EXPECT_EQ(doors(), sorted(found));
  EXPECT_EQ(table_.find_by_internal(Protocol::udp, {kHostA, 8080})->external.port, 40001);
}

// Random turns of every kind of wish, a part of them refused: the firewall holds what the table
// says, and of each internal endpoint's forwards exactly one, the oldest, owns pin and outbound
// port.
class AnyTurns : public testing::TestWithParam<std::uint32_t> {
 protected:
  AnyTurns() {
    table_.set_lan_prefixes({*Prefix::parse("192.168.1.0/24"), *Prefix::parse("2001:db8::/64")});
  }

  [[nodiscard]] std::uint32_t below(std::uint32_t limit) {
    return static_cast<std::uint32_t>(random_()) % limit;
  }

  void operate() {
    const Address host = below(4) == 0 ? kHostV6 : below(2) == 0 ? kHostA : kHostB;
    const auto protocol = below(2) == 0 ? Protocol::udp : Protocol::tcp;
    const auto internal = static_cast<std::uint16_t>(3000 + below(3));
    if (below(6) == 0) {
      (void)table_.release(protocol, {host, internal}, natpmp_of(host));
      return;
    }
    auto request = wish(host, protocol, internal, static_cast<std::uint16_t>(4000 + below(8)),
                        Seconds(1 + below(20)));
    request.reserves_companion = below(2) == 0;
    if (below(2) == 0) request.placement = Placement::suggested_port;
    if (below(3) == 0)
      request.claimant.remote = Endpoint{host, static_cast<std::uint16_t>(below(9))};
    if (below(3) == 0) {
      request.filters.emplace();
      for (auto count = below(4); count > 0; --count) {
        const auto first = static_cast<std::uint16_t>(below(3) * 80);
        request.filters->push_back({Prefix(Address::v4(below(4) << 24), 6 + below(27)), first,
                                    static_cast<std::uint16_t>(first + below(200))});
      }
    }
    (void)table_.request(request, now_);
  }

  /// As the gateway does it, but gives up at the first refusal.
  void take_turn() {
    table_.expire(now_);
    for (auto count = 1 + below(4); count > 0; --count) operate();
    const auto changes = table_.staged_changes();
    if (!changes.empty() && !backend_.commit(changes, now_)) {
      table_.roll_back();
      table_.refuse_all();
      table_.expire(now_);
    }
    (void)table_.accept();
  }

  void check() {
    ASSERT_TRUE(table_.is_consistent());
    auto expected = table_.doors();
    std::erase_if(expected, [&](const TimedDoor& timed) { return timed.ends <= now_; });
    ASSERT_EQ(sorted(*backend_.open_doors(now_)), sorted(expected));

    std::map<std::pair<Protocol, Endpoint>, const Mapping*> oldest;
    for (const Mapping* mapping : table_.oldest(table_.size())) {
      if (!mapping->is_pinhole())
        oldest.try_emplace({mapping->protocol, mapping->internal}, mapping);
    }
    std::size_t outbound = 0;
    for (const auto& [door, ends] : table_.doors()) {
      const auto* found = std::get_if<Outbound4>(&door);
      if (!found) continue;
      ++outbound;
      const auto* owner = oldest.at({found->protocol, found->internal});
      ASSERT_EQ(owner->external, found->external);
    }
    ASSERT_EQ(outbound, oldest.size());
  }

  std::mt19937 random_{GetParam()};
  Moment now_ = kStart;
  MappingTable table_ = home_table(limits_of(20, 40));
  MemoryBackend backend_;
};

INSTANTIATE_TEST_SUITE_P(Seeds, AnyTurns, testing::Values(1, 2, 3, 4));

TEST_P(AnyTurns, LeaveOneOwnerOfEachOutboundPort) {
  for (int step = 0; step < 1000 && !HasFatalFailure(); ++step) {
    SCOPED_TRACE(step);
    now_ += Milliseconds(below(800));
    if (below(8) == 0) {
      backend_.refuse({DoorKey::Kind::forward4,
                       Protocol::udp,
                       {kWan, static_cast<std::uint16_t>(4000 + below(8))}});
    }
    if (below(16) == 0) backend_.fail_next(1);
    take_turn();
    backend_.heal();
    check();
  }
}

}  // namespace
}  // namespace postern
