#include <gtest/gtest.h>

#include "tests/core/igd_table.h"

// Mappings by their external port, as UPnP IGD finds, moves and deletes them.
namespace postern {
namespace {

using namespace test;

class MappingTableIgdPortsTest : public IgdTable {};

TEST_F(MappingTableIgdPortsTest, OneOfSeveralMappingsOfAnInsideIsReleased) {
  (void)ask(igd(40001));
  (void)ask(igd(40002));
  ASSERT_TRUE(table_.release(on(40001)->id, kUpnpA));
  accept();
  EXPECT_EQ(doors(), whole(40002));
  EXPECT_TRUE(table_.release(MappingId{9999}, kUpnpA)) << "nothing there is success";
}

TEST_F(MappingTableIgdPortsTest, OnlyTheOwnClaimIsReleased) {
  const MappingId id = ask(igd(40001)).id;
  (void)ask(wish(kHostA, Protocol::udp, 8080, 0, Seconds(90)));
  ASSERT_TRUE(table_.release(id, {kUpnp, kHostB}));
  ASSERT_EQ(on(40001)->claims.size(), 2U);
  ASSERT_TRUE(table_.release(id, kUpnpA));
  accept();
  ASSERT_EQ(on(40001)->claims.size(), 1U);
  EXPECT_EQ(on(40001)->claims[0].claimant, natpmp_of(kHostA));
}

TEST_F(MappingTableIgdPortsTest, ARefusedReleaseChangesNothing) {
  const MappingId id = ask(igd(40001)).id;
  table_.refuse_all();
  EXPECT_EQ(table_.release(id, kUpnpA).error(), MapError::backend_refused);
  EXPECT_TRUE(table_.staged_changes().empty());
  EXPECT_EQ(doors(), whole(40001));
}

TEST_F(MappingTableIgdPortsTest, AnOwnPortIsMovedToAnotherInsideAtOnce) {
  const MappingId id = ask(igd(40001, 8080)).id;
  const auto grant = table_.request(moved(40001, 9090), kStart);
  ASSERT_TRUE(grant);
  EXPECT_EQ(grant->id, id);
  EXPECT_EQ(grant->external_port, 40001);
  const auto changes = table_.staged_changes();
  const auto* forward = staged(changes, forward_key(40001));
  ASSERT_TRUE(forward && forward->before && forward->after);
  EXPECT_FALSE(forward->is_renewal());
  EXPECT_EQ(changes.size(), 5U) << "and pin and outbound port of both insides";
  const auto events = table_.accept();
  ASSERT_EQ(events.size(), 1U);
  EXPECT_EQ(events[0].kind, TableEvent::Kind::moved);
  EXPECT_EQ(events[0].list_change, ListChange::entry);
  EXPECT_EQ(doors(), whole(40001, 9090));
  EXPECT_FALSE(table_.find_by_internal(Protocol::udp, {kHostA, 8080}));
}

TEST_F(MappingTableIgdPortsTest, ToReplaceWhatLeadsThereAlreadyIsToRenewIt) {
  (void)ask(igd(40001));
  auto request = moved(40001, 8080);
  request.lifetime = Seconds(600);
  EXPECT_EQ(ask(request).lifetime, Seconds(600));
  EXPECT_EQ(changes_, std::vector{ListChange::lease});
  EXPECT_EQ(table_.size(), 1U);
}

TEST_F(MappingTableIgdPortsTest, ToReplaceWhatIsGoneIsToAskAnew) {
  auto request = igd(40001);
  request.replaces = 9999;
  (void)ask(request);
  EXPECT_EQ(doors(), whole(40001));
}

TEST_F(MappingTableIgdPortsTest, AMoveHandsTheOutboundPortOnAndTakesNone) {
  (void)ask(igd(40001, 8080));
  (void)ask(igd(40002, 8080));
  (void)ask(igd(40003, 9090));
  (void)ask(moved(40001, 9090));
  auto expected = whole(40002, 8080);
  for (const auto& timed : whole(40003, 9090)) expected.push_back(timed);
  expected.push_back(forward(40001, 9090));
  EXPECT_EQ(doors(), sorted(expected)) << "though it is older than who has that inside";
}

TEST_F(MappingTableIgdPortsTest, WhoHandsTheOutboundPortOnOwnsThatOfItsNewInside) {
  (void)ask(igd(40001, 8080));
  (void)ask(igd(40002, 8080));
  (void)ask(moved(40001, 9090));
  auto expected = whole(40001, 9090);
  for (const auto& timed : whole(40002, 8080)) expected.push_back(timed);
  EXPECT_EQ(doors(), sorted(expected));
}

TEST_F(MappingTableIgdPortsTest, AMoveToADisabledInsideTakesTheOutboundPort) {
  (void)ask(igd(40001, 8080));
  (void)ask(disabled(40002, 9090));
  (void)ask(moved(40001, 9090));
  EXPECT_EQ(doors(), whole(40001, 9090));
}

TEST_F(MappingTableIgdPortsTest, APortThatAnotherClaimHoldsIsNotMoved) {
  (void)ask(igd(40001));
  const auto before = doors();
  (void)ask(wish(kHostA, Protocol::udp, 8080, 0, Seconds(60)));
  EXPECT_EQ(error_of(moved(40001, 9090)), MapError::external_port_taken);
  EXPECT_EQ(doors(), before);
  auto other = moved(40001, 9090);
  other.claimant = {kUpnp, kHostB};
  other.internal.address = kHostB;
  EXPECT_EQ(error_of(other), MapError::external_port_taken);
}

TEST_F(MappingTableIgdPortsTest, ARecoveredPortIsMoved) {
  const auto found = all_doors(Protocol::udp, {kHostA, 8080}, {kWan, 40001}, kStart + Seconds(600));
  table_.adopt(found, kStart);
  accept();
  (void)ask(moved(40001, 9090));
  EXPECT_EQ(doors(), whole(40001, 9090));
  ASSERT_EQ(on(40001)->claims.size(), 1U);
  EXPECT_EQ(on(40001)->claims[0].claimant, kUpnpA);
}

TEST_F(MappingTableIgdPortsTest, TheWrongMappingIsNotMoved) {
  (void)ask(igd(40001));
  auto request = moved(40001, 9090);
  request.protocol = Protocol::tcp;
  EXPECT_EQ(error_of(request), MapError::external_port_taken);
  EXPECT_EQ(doors(), whole(40001));
}

TEST_F(MappingTableIgdPortsTest, AMoveKeepsToThePolicy) {
  (void)ask(igd(40001));
  EXPECT_EQ(error_of(moved(40001, 22)), MapError::not_authorized);
  EXPECT_EQ(doors(), whole(40001));
}

TEST_F(MappingTableIgdPortsTest, ARefusedMoveChangesNothing) {
  (void)ask(igd(40001, 8080));
  (void)ask(igd(40002, 8080));
  (void)ask(disabled(40003, 9090));
  const auto before = doors();
  for (const auto& key : {forward_key(40001), outbound_key(8080), outbound_key(9090)}) {
    table_.refuse(key);
    EXPECT_EQ(error_of(moved(40001, 9090)), MapError::backend_refused);
    EXPECT_TRUE(table_.staged_changes().empty());
    accept();
    EXPECT_TRUE(changes_.empty());
    EXPECT_EQ(doors(), before);
    ASSERT_TRUE(table_.is_consistent());
  }
}

TEST_F(MappingTableIgdPortsTest, ARolledBackMoveLeadsWhereItLed) {
  (void)ask(igd(40001, 8080));
  (void)ask(igd(40002, 8080));
  (void)ask(igd(40003, 9090));
  const auto before = doors();
  ASSERT_TRUE(table_.request(moved(40001, 9090), kStart));
  ASSERT_TRUE(table_.request(moved(40003, 8080), kStart));
  EXPECT_TRUE(table_.is_consistent());
  table_.roll_back();
  EXPECT_EQ(doors(), before);
}

TEST_F(MappingTableIgdPortsTest, AMoveIsPermittedOnlyWhereARuleAllowsBothPorts) {
  auto low = default_rule();
  low.internal_ports = PortSet({{8080, 8080}});
  auto high = default_rule();
  high.internal_ports = PortSet({{9090, 9090}});
  high.external_ports = PortSet({{50000, 50010}});
  Policy policy({low, high});
  policy.set_lan_prefixes({*Prefix::parse("192.168.1.0/24")});
  table_ = MappingTable(std::move(policy), {}, 1);
  table_.set_external_addresses({kWan});
  (void)ask(igd(40001));
  EXPECT_EQ(error_of(moved(40001, 9090)), MapError::external_port_denied);
  (void)ask(igd(50001));
  (void)ask(moved(50001, 9090));
}

TEST_F(MappingTableIgdPortsTest, APortIsFoundWhateverItsAddressIs) {
  (void)ask(igd(40001));
  table_.set_external_addresses({kOtherWan});
  accept();
  EXPECT_EQ(on(40001)->external.address, kOtherWan);
  table_.set_external_addresses({});
  EXPECT_TRUE(on(40001));
  EXPECT_FALSE(on(40002));
  EXPECT_FALSE(table_.find_by_external_port(Protocol::tcp, 40001));
}

TEST_F(MappingTableIgdPortsTest, APortIsTakenOnAllAddresses) {
  table_.set_external_addresses({kWan, kOtherWan});
  (void)ask(igd(40001));
  auto elsewhere = igd(40001, 8080, kHostB);
  elsewhere.suggested_external_address = kOtherWan;
  EXPECT_EQ(error_of(elsewhere), MapError::external_port_taken);
}

TEST_F(MappingTableIgdPortsTest, APinholeHasNoExternalPort) {
  table_.set_lan_prefixes({*Prefix::parse("2001:db8:77::/64")});
  (void)ask(wish(kHostA6, Protocol::udp, 8080));
  EXPECT_FALSE(on(8080));
  EXPECT_TRUE(table_.find_by_external(Protocol::udp, {kHostA6, 8080}));
  EXPECT_EQ(table_.listed_count(), 0U);
  EXPECT_EQ(changes_, std::vector{ListChange::none});
}

}  // namespace
}  // namespace postern
