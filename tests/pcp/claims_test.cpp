#include <gtest/gtest.h>

#include "tests/pcp/pcp_house.h"
#include "tests/support/natpmp_client.h"
#include "tests/support/table_fixture.h"

// One mapping that a host asked for by PCP and by NAT-PMP.
namespace postern::pcp {
namespace {

class Claims : public PcpHouse {
 protected:
  natpmp::MapResponse natpmp_map(std::uint16_t suggested_port, std::uint32_t lifetime) {
    return test::map(*house_, kHostA, Protocol::udp, 8080, suggested_port, lifetime);
  }
  natpmp::MapResponse natpmp_delete() { return natpmp_map(0, 0); }
};

// PCP-200, 202, Q-79, Q-85
TEST_F(Claims, ShareOneExternalPort) {
  EXPECT_EQ(map({.suggested_port = 40001}).external_port, 40001);
  EXPECT_EQ(natpmp_map(50000, 600).external_port, 40001);
  EXPECT_EQ(house_->mappings(), 1U);
  EXPECT_EQ(house_->doors(), 3U);
  EXPECT_EQ(find({})->claims.size(), 2U);
  (void)house_->pass(Seconds(700));
  EXPECT_EQ(find({})->claims.size(), 1U) << "each has its own end";
}

// PCP-200, 202, Q-79
TEST_F(Claims, ShareTheExternalPortOfNatPmp) {
  EXPECT_EQ(natpmp_map(40001, 600).external_port, 40001);
  EXPECT_EQ(map({.suggested_port = 50000}).external_port, 40001);
  EXPECT_EQ(error_of({.suggested_port = 50000, .options = {PreferFailure{}}}), kCannotProvide);
  EXPECT_EQ(house_->mappings(), 1U);
}

// PCP-200: it lives as long as the last of them.
TEST_F(Claims, LastUntilTheLastOneEnds) {
  (void)map({.lifetime = 600});
  (void)natpmp_map(0, 1200);
  for (const auto& timed : house_->open_doors()) {
    EXPECT_EQ(timed.ends, house_->now + Seconds(1200));
  }
  (void)house_->pass(Seconds(601));
  EXPECT_EQ(house_->doors(), 3U);
  (void)house_->pass(Seconds(600));
  EXPECT_EQ(house_->doors(), 0U);
}

// PCP-201, NPMP-70, Q-85
TEST_F(Claims, AreTakenBackOnlyByTheirOwnProtocol) {
  (void)map({.suggested_port = 40001});
  (void)natpmp_map(0, 600);
  EXPECT_EQ(natpmp_delete().result, natpmp::ResultCode::success);
  ASSERT_EQ(house_->mappings(), 1U);
  EXPECT_EQ(natpmp_delete().result, natpmp::ResultCode::success) << "there is none of its own";
  EXPECT_EQ(house_->mappings(), 1U);
  (void)natpmp_map(0, 600);
  (void)map(deletion({}));
  ASSERT_EQ(house_->mappings(), 1U);
  (void)map(deletion({}));
  EXPECT_EQ(house_->mappings(), 1U);
  (void)natpmp_delete();
  EXPECT_EQ(house_->mappings(), 0U);
}

// PCP-111, 201, NPMP-70: the nonce cannot be got round through NAT-PMP.
TEST_F(Claims, StayWithTheirNonceAfterADeletionByNatPmp) {
  (void)map({.suggested_port = 40001});
  (void)test::map(*house_, kHostA, Protocol::udp, 0, 0, 0);  // All of the host's.
  EXPECT_EQ(house_->mappings(), 1U);
  EXPECT_EQ(error_of({.nonce = kOtherNonce}), (PcpError{ResultCode::not_authorized, 3600}));
}

// PCP-205
TEST_F(Claims, OfOneMappingCountOnce) {
  become_ruled({default_rule()}, limits_of(1, 100));
  (void)natpmp_map(40001, 600);
  EXPECT_EQ(error_of(PcpWish{}), kGranted);
  EXPECT_EQ(peer_error_of({}, {kPeer, 443}), kGranted);
  EXPECT_EQ(error_of({.internal_port = 8081}), kUserExQuota);
}

// PCP-088
TEST_F(Claims, OfNatPmpKeepThePortOfTheOtherProtocol) {
  ASSERT_EQ(test::map(*house_, kHostB, Protocol::tcp, 4000, 4000, 600).external_port, 4000);
  EXPECT_NE(map({.internal_port = 4000, .suggested_port = 4000}).external_port, 4000);
  EXPECT_EQ(error_of({.client = kHostC, .suggested_port = 4000, .options = {PreferFailure{}}}),
            kCannotProvide);
  EXPECT_EQ(map({.client = kHostB, .internal_port = 4000, .suggested_port = 4000}).external_port,
            4000);
}

// PCP-185
TEST_F(Claims, AreToldOfInTheirOwnProtocol) {
  (void)map({.client = kHostA, .suggested_port = 40001});
  (void)test::map(*house_, kHostB, Protocol::udp, 8080, 40002, 600);
  (void)house_->pass(Seconds(300));
  int natpmp_announcements = 0;
  int pcp_announcements = 0;
  int updates = 0;
  for (const auto& datagram : house_->change_network(dual_network(kOtherWan)).send) {
    const bool is_pcp = datagram.payload.front() == 2;
    if (datagram.destination.address.is_multicast()) {
      ++(is_pcp ? pcp_announcements : natpmp_announcements);
    } else {
      EXPECT_TRUE(is_pcp);
      EXPECT_EQ(datagram.destination.address, kHostA);
      ++updates;
    }
  }
  EXPECT_EQ(natpmp_announcements, 1);
  EXPECT_EQ(pcp_announcements, 1);
  EXPECT_EQ(updates, 1);
}

// PCP-181, 185: a renewal by NAT-PMP says nothing of what the PCP client knows.
TEST_F(Claims, AreToldOfAlthoughTheOtherProtocolAskedAgain) {
  (void)map({.suggested_port = 40001});
  (void)natpmp_map(0, 600);
  (void)house_->pass(Seconds(300));
  (void)house_->change_network(dual_network(kOtherWan));
  (void)house_->pass(Milliseconds(100));
  (void)natpmp_map(0, 600);
  int updates = 0;
  for (const auto& datagram : house_->pass(Seconds(10)).send) {
    if (!datagram.destination.address.is_multicast()) ++updates;
  }
  EXPECT_EQ(updates, 2);
}

}  // namespace
}  // namespace postern::pcp
