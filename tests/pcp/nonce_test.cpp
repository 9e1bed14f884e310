#include <gtest/gtest.h>

#include "tests/pcp/pcp_house.h"
#include "tests/support/natpmp_client.h"

// Only who knows the nonce of a mapping may change it.
namespace postern::pcp {
namespace {

using PcpNonce = PcpHouse;

PcpWish with(const Nonce& nonce, std::uint32_t lifetime = 3600) {
  return {.suggested_port = 40001, .lifetime = lifetime, .nonce = nonce};
}

PcpError wrong_nonce(std::uint32_t lifetime) {
  return {ResultCode::not_authorized, lifetime};
}

// PCP-110
TEST_F(PcpNonce, IsStoredWithTheMapping) {
  EXPECT_EQ(map(with(kNonce)).nonce, kNonce);
  EXPECT_EQ(find({})->claims.front().details->nonce, kNonce);
  EXPECT_EQ(error_of(with(kNonce)), kGranted);
}

// PCP-110
TEST_F(PcpNonce, MayBeZero) {
  (void)map(with(Nonce{}));
  EXPECT_EQ(error_of(with(Nonce{})), kGranted);
  EXPECT_EQ(error_of(with(kNonce)).result, ResultCode::not_authorized);
}

// PCP-108, 111, Q-78
TEST_F(PcpNonce, OfAnotherIsRefusedForTheLifeThatIsLeft) {
  (void)map(with(kNonce, 600));
  EXPECT_EQ(error_of(with(kOtherNonce)), wrong_nonce(600));
  EXPECT_EQ(error_of(with(kOtherNonce, 0)), wrong_nonce(600));
  (void)house_->pass(Milliseconds(1));
  EXPECT_EQ(error_of(with(kOtherNonce)), wrong_nonce(599));
  (void)house_->pass(Seconds(599));
  EXPECT_EQ(error_of(with(kOtherNonce, 0)), wrong_nonce(0));
  (void)house_->pass(Milliseconds(999));
  EXPECT_EQ(error_of(with(kOtherNonce)), kGranted) << "it has ended";
}

// PCP-111
TEST_F(PcpNonce, ComesBeforeEverythingElseThatIsWrong) {
  (void)map(with(kNonce, 600));
  auto wish = with(kOtherNonce);
  wish.suggested_port = 50000;
  wish.options = {PreferFailure{}};
  EXPECT_EQ(error_of(wish), wrong_nonce(600));
  (void)house_->change_network(dual_network(std::nullopt));
  EXPECT_EQ(error_of(wish), wrong_nonce(600));
}

// PCP-111
TEST_F(PcpNonce, BelongsToOneMapping) {
  (void)map(with(kNonce));
  auto other = with(kOtherNonce);
  other.protocol = kTcp;
  EXPECT_EQ(error_of(other), kGranted);
  other = with(kOtherNonce);
  other.internal_port = 8081;
  EXPECT_EQ(error_of(other), kGranted);
  other = with(kOtherNonce);
  other.client = kHostB;
  EXPECT_EQ(error_of(other), kGranted);
}

// PCP-115
TEST_F(PcpNonce, IsNotAskedForWhatNatPmpMapped) {
  ASSERT_EQ(test::map(*house_, kHostA, Protocol::udp, 8080, 40001, 600).external_port, 40001);
  auto wish = with(kNonce);
  wish.suggested_port = 50000;
  EXPECT_EQ(map(wish).external_port, 40001);
  EXPECT_EQ(error_of(with(kOtherNonce)), wrong_nonce(3600));
}

// PCP-116, Q-76
TEST_F(PcpNonce, MayBeAnyWhereTheSwitchSaysSo) {
  Settings settings;
  settings.accepts_any_nonce = true;
  become({}, settings);
  (void)map(with(kNonce));
  EXPECT_EQ(map(with(kOtherNonce, 600)).lifetime, 600U);
  EXPECT_EQ(find({})->claims.size(), 1U);
  EXPECT_EQ(error_of(with(Nonce{}, 0)), kGranted);
  EXPECT_EQ(house_->mappings(), 0U);
}

}  // namespace
}  // namespace postern::pcp
