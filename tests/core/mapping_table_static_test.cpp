#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/mapping_table.h"
#include "tests/support/table_fixture.h"

// Mappings of the administrator.
namespace postern {
namespace {

using namespace test;
using Cause = TableEvent::Cause;
using Kind = TableEvent::Kind;

const StaticMapping kWeb{"web", Protocol::tcp, {kHostA, 80}, 80};

class MappingTableStaticTest : public testing::Test {
 protected:
  ~MappingTableStaticTest() override { EXPECT_TRUE(table_.is_consistent()); }

  std::vector<TableEvent> set(const std::vector<StaticMapping>& wanted, Moment now = kStart) {
    table_.set_static(wanted, now);
    return table_.accept();
  }
  [[nodiscard]] const Mapping* at(Protocol protocol, std::uint16_t port) const {
    return table_.find_by_external_port(protocol, port);
  }

  MappingTable table_ = home_table(limits_of(1, 3));
};

TEST_F(MappingTableStaticTest, OpensWhatNoPolicyOrLimitAllows) {
  const auto events = set({kWeb,
                           {"", Protocol::tcp, {kHostA, 22}, 2022},
                           {"", Protocol::udp, {kHostA, 53}, 53},
                           {"", Protocol::udp, {kHostA, 54}, 54}});
  ASSERT_EQ(events.size(), 4U);
  EXPECT_EQ(events.front().kind, Kind::opened);
  EXPECT_EQ(events.front().cause, Cause::administered);
  const Mapping* web = at(Protocol::tcp, 80);
  ASSERT_TRUE(web);
  EXPECT_EQ(web->internal, kWeb.internal);
  EXPECT_EQ(web->external, (Endpoint{kWan, 80}));
  EXPECT_TRUE(web->is_administered());
  EXPECT_EQ(web->claims.front().details->description, "web");
  EXPECT_TRUE(web->has_doors());
}

TEST_F(MappingTableStaticTest, HasNoEnd) {
  (void)set({kWeb});
  table_.expire(kStart + Seconds(1800));
  EXPECT_TRUE(table_.staged_changes().front().is_renewal());
  (void)table_.accept();
  table_.expire(kStart + Seconds(100'000));
  (void)table_.accept();
  EXPECT_TRUE(at(Protocol::tcp, 80));
}

TEST_F(MappingTableStaticTest, SetAgainChangesNothing) {
  (void)set({kWeb});
  table_.set_static(std::vector{kWeb}, kStart + Seconds(5));
  EXPECT_TRUE(table_.staged_changes().empty());
  EXPECT_TRUE(table_.accept().empty());
}

TEST_F(MappingTableStaticTest, WhatIsNoLongerWantedCloses) {
  (void)set({kWeb});
  const auto events = set({});
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events.front().kind, Kind::closed);
  EXPECT_EQ(events.front().cause, Cause::administered);
  EXPECT_EQ(table_.size(), 0U);
}

TEST_F(MappingTableStaticTest, TakesThePortFromAClient) {
  ASSERT_TRUE(table_.request(wish(kHostB, Protocol::tcp, 8080, 8080), kStart));
  (void)table_.accept();
  const auto events = set({{"", Protocol::tcp, {kHostA, 80}, 8080}});
  ASSERT_EQ(events.size(), 2U);
  EXPECT_EQ(events[0].kind, Kind::closed);
  EXPECT_EQ(events[0].cause, Cause::administered);
  EXPECT_EQ(events[0].mapping.internal.address, kHostB);
  EXPECT_EQ(events[1].kind, Kind::opened);
  EXPECT_EQ(at(Protocol::tcp, 8080)->internal.address, kHostA);
}

TEST_F(MappingTableStaticTest, JoinsAClientsMappingAndLeavesItBehind) {
  ASSERT_TRUE(table_.request(wish(kHostA, Protocol::tcp, 8080, 8080), kStart));
  (void)table_.accept();
  const MappingId id = at(Protocol::tcp, 8080)->id;
  const StaticMapping wanted{"", Protocol::tcp, {kHostA, 8080}, 8080};
  EXPECT_EQ(set({wanted}).front().kind, Kind::renewed);
  EXPECT_EQ(at(Protocol::tcp, 8080)->id, id);
  EXPECT_EQ(at(Protocol::tcp, 8080)->claims.size(), 2U);
  EXPECT_EQ(set({}).front().kind, Kind::renewed);
  EXPECT_EQ(at(Protocol::tcp, 8080)->claims.size(), 1U);
  (void)set({wanted});
  table_.expire(kStart + Seconds(60));
  (void)table_.accept();
  ASSERT_TRUE(at(Protocol::tcp, 8080));
  EXPECT_EQ(at(Protocol::tcp, 8080)->claims.size(), 1U);
}

TEST_F(MappingTableStaticTest, DoesNotCountForTheClient) {
  (void)set({kWeb, {"", Protocol::tcp, {kHostA, 81}, 81}});
  EXPECT_EQ(table_.count_of(kHostA), 0U);
  EXPECT_EQ(table_.listed_of(kHostA).size(), 2U) << "it may see them";
  EXPECT_TRUE(table_.request(wish(kHostA, Protocol::tcp, 8080), kStart));
  EXPECT_EQ(table_.count_of(kHostA), 1U);
  EXPECT_EQ(table_.request(wish(kHostA, Protocol::tcp, 8081), kStart).error(),
            MapError::client_limit_reached);
}

TEST_F(MappingTableStaticTest, NoClientCanTakeItBack) {
  (void)set({kWeb});
  EXPECT_EQ(table_.release(Protocol::tcp, kWeb.internal, natpmp_of(kHostA)).error(),
            MapError::not_authorized);
  EXPECT_EQ(table_.release_all(Protocol::tcp, natpmp_of(kHostA)).error(), MapError::not_authorized);
  EXPECT_TRUE(table_.release_all(Protocol::udp, natpmp_of(kHostA)));
  EXPECT_TRUE(table_.staged_changes().empty());
  EXPECT_TRUE(at(Protocol::tcp, 80));
}

TEST_F(MappingTableStaticTest, NoClientCanMoveOrFilterIt) {
  const StaticMapping wanted{"", Protocol::tcp, {kHostA, 8080}, 8080};
  (void)set({wanted});
  auto request = wish(kHostA, Protocol::tcp, 8081, 8080);
  request.replaces = at(Protocol::tcp, 8080)->id;
  EXPECT_EQ(table_.request(request, kStart).error(), MapError::external_port_taken);
  request = wish(kHostA, Protocol::tcp, 8080, 8080);
  request.filters = RemoteFilters{{*Prefix::parse("203.0.113.1")}};
  EXPECT_EQ(table_.request(request, kStart).error(), MapError::not_authorized);
}

TEST_F(MappingTableStaticTest, LetsInWhomTheAdministratorLets) {
  const RemoteFilters remotes{{*Prefix::parse("203.0.113.0/24")}};
  (void)set({{"", Protocol::tcp, {kHostA, 80}, 80, remotes}});
  EXPECT_EQ(at(Protocol::tcp, 80)->admitted(), remotes);
  (void)set({kWeb});
  EXPECT_TRUE(at(Protocol::tcp, 80)->admitted().empty());
}

/// A client's mapping that lets in one remote host only.
[[nodiscard]] MapRequest filtered_wish() {
  auto request = wish(kHostA, Protocol::tcp, 8080, 8080);
  request.filters = RemoteFilters{{*Prefix::parse("203.0.113.1")}};
  return request;
}

TEST_F(MappingTableStaticTest, AClaimWithOtherFiltersEnds) {
  ASSERT_TRUE(table_.request(filtered_wish(), kStart));
  (void)table_.accept();
  const auto events = set({{"", Protocol::tcp, {kHostA, 8080}, 8080}});
  ASSERT_EQ(events.size(), 1U);
  ASSERT_EQ(events.front().dropped.size(), 1U);
  EXPECT_EQ(events.front().dropped.front().claimant, natpmp_of(kHostA));
  EXPECT_TRUE(at(Protocol::tcp, 8080)->admitted().empty());
  (void)set({});
  EXPECT_FALSE(at(Protocol::tcp, 8080)) << "it must not stay behind without its filter";
}

TEST_F(MappingTableStaticTest, AClaimWithTheSameFiltersStays) {
  ASSERT_TRUE(table_.request(filtered_wish(), kStart));
  (void)set({{"", Protocol::tcp, {kHostA, 8080}, 8080, *filtered_wish().filters}});
  EXPECT_EQ(at(Protocol::tcp, 8080)->claims.size(), 2U);
  (void)set({});
  ASSERT_TRUE(at(Protocol::tcp, 8080));
  EXPECT_EQ(at(Protocol::tcp, 8080)->admitted(), *filtered_wish().filters);
}

TEST_F(MappingTableStaticTest, TheOperatorTakesNobodysFilters) {
  ASSERT_TRUE(table_.request(filtered_wish(), kStart));
  const auto add = [&](RemoteFilters remotes) {
    return table_.administer({"", Protocol::tcp, {kHostA, 8080}, 8080, std::move(remotes)},
                             kOperator, kStart);
  };
  EXPECT_EQ(add({}).error(), MapError::external_port_taken);
  EXPECT_EQ(add({{*Prefix::parse("203.0.113.2")}}).error(), MapError::external_port_taken);
  EXPECT_EQ(at(Protocol::tcp, 8080)->admitted(), *filtered_wish().filters);
  EXPECT_TRUE(add(*filtered_wish().filters));
}

TEST_F(MappingTableStaticTest, TheConfigurationEndsWhatTheOperatorFiltersOtherwise) {
  const RemoteFilters remotes{{*Prefix::parse("203.0.113.0/24")}};
  ASSERT_TRUE(table_.administer({"", Protocol::tcp, {kHostA, 80}, 80, remotes}, kOperator, kStart));
  (void)set({kWeb});
  EXPECT_EQ(at(Protocol::tcp, 80)->claims.size(), 1U);
  (void)set({});
  EXPECT_FALSE(at(Protocol::tcp, 80));
}

TEST_F(MappingTableStaticTest, WaitsForAnExternalAddress) {
  MappingTable table(home_policy(), {.pinholes = true}, 1);
  table.set_static(std::vector{kWeb, {"", Protocol::tcp, {kHostA, 80}, 81}}, kStart);
  (void)table.accept();
  EXPECT_TRUE(table.doors().empty());
  table.set_external_addresses({kWan});
  EXPECT_EQ(table.staged_changes().size(), 4U) << "two forwards, a pin and an outbound port";
  (void)table.accept();
  EXPECT_TRUE(table.is_consistent());
  EXPECT_EQ(table.find_by_external_port(Protocol::tcp, 80)->external.address, kWan);
}

TEST_F(MappingTableStaticTest, PinholesNeedAFirewallThatHasThem) {
  const StaticMapping ssh{"", Protocol::tcp, {kHostA6, 22}, 22};
  ASSERT_EQ(set({ssh}).size(), 1U);
  EXPECT_EQ(table_.end_off_link().pinholes, 0U) << "whoever is on the link";
  MappingTable table(home_policy(), {.pinholes = false}, 1);
  EXPECT_EQ(table.administer(ssh, kStatic, kStart).error(), MapError::unsupported);
}

TEST_F(MappingTableStaticTest, TheOperatorTakesNobodysPort) {
  (void)set({kWeb});
  ASSERT_TRUE(table_.request(wish(kHostB, Protocol::tcp, 8080, 8080), kStart));
  const auto add = [&](std::uint16_t port) {
    return table_.administer({"", Protocol::tcp, {kHostC, 1000}, port}, kOperator, kStart);
  };
  EXPECT_EQ(add(80).error(), MapError::external_port_taken);
  EXPECT_EQ(add(8080).error(), MapError::external_port_taken);
  EXPECT_EQ(add(5351).error(), MapError::external_port_taken);
  table_.set_occupied_ports({PortSet({{9090, 9090}}), {}});
  EXPECT_EQ(add(9090).error(), MapError::external_port_taken);
  EXPECT_TRUE(add(9091));
}

TEST_F(MappingTableStaticTest, RemovesWhoeversItIsButTheConfigurations) {
  (void)set({kWeb});
  ASSERT_TRUE(table_.request(wish(kHostB, Protocol::tcp, 8080, 8080), kStart));
  (void)table_.accept();
  EXPECT_EQ(table_.remove(at(Protocol::tcp, 80)->id).error(), MapError::not_authorized);
  EXPECT_TRUE(table_.remove(at(Protocol::tcp, 8080)->id));
  const auto events = table_.accept();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events.front().cause, Cause::administered);
  EXPECT_TRUE(table_.remove(777));
}

}  // namespace
}  // namespace postern
