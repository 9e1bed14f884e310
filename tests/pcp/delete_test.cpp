#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/pcp/pcp_house.h"

// MAP with lifetime 0.
namespace postern::pcp {
namespace {

using PcpDelete = PcpHouse;

// PCP-120, 123
TEST_F(PcpDelete, ClosesTheDoorsAtOnce) {
  const PcpWish wish{.suggested_port = 40001};
  (void)map(wish);
  const auto gone = map(deletion(wish));
  EXPECT_EQ(gone.lifetime, 0U);
  EXPECT_EQ(gone.protocol, kUdp);
  EXPECT_EQ(gone.internal_port, 8080);
  EXPECT_EQ(gone.nonce, kNonce);
  EXPECT_EQ(house_->doors(), 0U);
  EXPECT_EQ(house_->mappings(), 0U);
}

// PCP-120: also when another host gets the port in the same turn.
TEST_F(PcpDelete, EndsTheConnections) {
  (void)map({.suggested_port = 40001});
  (void)house_->pass(Seconds(1));
  house_->flows.purged.clear();
  const auto gone = emit(map_of(deletion({})));
  const auto next = emit(map_of({.client = kHostB, .suggested_port = 40001}));
  (void)house_->send_all({from(kHostA, gone), from(kHostB, next)});
  ASSERT_EQ(find({.client = kHostB})->external.port, 40001);
  (void)house_->pass(Seconds(1));
  const Door forward = Forward4{Protocol::udp, {kWan, 40001}, {kHostA, 8080}};
  const Door outbound = Outbound4{Protocol::udp, {kHostA, 8080}, {kWan, 40001}};
  EXPECT_THAT(house_->flows.purged,
              testing::IsSupersetOf({FlowPurge{FlowPurge::Which::through_door, forward},
                                     FlowPurge{FlowPurge::Which::through_door, outbound}}));
}

// PCP-122
TEST_F(PcpDelete, RepeatsTheSuggestion) {
  (void)map({.suggested_port = 40001});
  const auto gone = map({.suggested_port = 1234, .suggested_address = kPeer, .lifetime = 0});
  EXPECT_EQ(gone.external_port, 1234);
  EXPECT_EQ(gone.external_address, kPeer);
  EXPECT_EQ(house_->mappings(), 0U);
}

// PCP-124
TEST_F(PcpDelete, OfNothingSucceeds) {
  for (const std::uint8_t protocol : {kTcp, kUdp, std::uint8_t{132}}) {
    const auto gone = map({.protocol = protocol, .lifetime = 0});
    EXPECT_EQ(gone.lifetime, 0U);
    EXPECT_EQ(gone.protocol, protocol);
  }
  (void)map({});
  EXPECT_EQ(error_of(deletion({})), kGranted);
  EXPECT_EQ(error_of(deletion({})), kGranted);
}

// PCP-121
TEST_F(PcpDelete, OfAllPortsLeavesSinglePorts) {
  (void)map({.protocol = kTcp});
  (void)map({.protocol = kUdp});
  for (const std::uint8_t protocol : {kTcp, kUdp, std::uint8_t{0}}) {
    const auto gone = map({.protocol = protocol, .internal_port = 0, .lifetime = 0});
    EXPECT_EQ(gone.lifetime, 0U);
    EXPECT_EQ(house_->mappings(), 2U) << static_cast<int>(protocol);
  }
}

// PCP-125
TEST_F(PcpDelete, DoesNotReachWhatAPeerRequestOpened) {
  (void)peer({.suggested_port = 40001}, {kPeer, 443});
  EXPECT_EQ(error_of(deletion({})), kNotAuthorized);
  (void)map({});
  EXPECT_EQ(error_of(deletion({})), kGranted);
  ASSERT_NE(find({}), nullptr) << "the outbound half goes on";
  EXPECT_EQ(error_of(deletion({})), kNotAuthorized);
}

// PCP-126
TEST_F(PcpDelete, HasNoConditions) {
  (void)map({});
  EXPECT_EQ(error_of({.suggested_port = 8080, .lifetime = 0, .options = {PreferFailure{}}}),
            kMalformedOption);
  EXPECT_EQ(error_of({.lifetime = 0, .options = {Filter{128, 0, kPeer}}}), kMalformedOption);
  EXPECT_EQ(house_->mappings(), 1U);
}

// PCP-127
TEST_F(PcpDelete, WorksWhileTheWanIsDown) {
  (void)map({});
  (void)house_->change_network(dual_network(std::nullopt));
  EXPECT_EQ(error_of(deletion({})), kGranted);
  EXPECT_EQ(house_->mappings(), 0U);
}

// PCP-086, 120
TEST_F(PcpDelete, FailsWhenTheFirewallKeepsTheDoor) {
  (void)map({});
  house_->backend->fail_next(3);
  EXPECT_EQ(error_of(deletion({})), kNoResources);
  EXPECT_EQ(house_->mappings(), 1U);
  house_->backend->heal();
  (void)house_->pass(Seconds(2));
  EXPECT_EQ(error_of(deletion({})), kGranted);
}

// PCP-062
TEST_F(PcpDelete, DoesNotReachOtherHosts) {
  (void)map({.suggested_port = 40001});
  EXPECT_EQ(error_of({.client = kHostB, .suggested_port = 40001, .lifetime = 0}), kGranted);
  EXPECT_EQ(house_->mappings(), 1U);
}

// PCP-211
TEST_F(PcpDelete, KeepsNoDescriptionThatItCouldRepeat) {
  EXPECT_EQ(map({.lifetime = 0, .options = {Description{"game"}}}).options, Options{});
}

}  // namespace
}  // namespace postern::pcp
