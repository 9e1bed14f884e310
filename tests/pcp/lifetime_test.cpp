#include <gtest/gtest.h>

#include "tests/pcp/pcp_house.h"

// How long a MAP lasts.
namespace postern::pcp {
namespace {

using PcpLifetime = PcpHouse;

// PCP-100
TEST_F(PcpLifetime, IsGrantedBetweenTheLimits) {
  for (const auto& [asked, granted] :
       std::vector<std::pair<std::uint32_t, std::uint32_t>>{{1, 120},
                                                            {119, 120},
                                                            {120, 120},
                                                            {121, 121},
                                                            {86400, 86400},
                                                            {86401, 86400},
                                                            {538705920, 86400},
                                                            {2147483647, 86400},
                                                            {4294967295, 86400}}) {
    EXPECT_EQ(map({.lifetime = asked}).lifetime, granted) << asked;
    ASSERT_EQ(open<Forward4>().size(), 1U);
    EXPECT_EQ(house_->open_doors().front().ends, house_->now + Seconds(granted)) << asked;
  }
}

// PCP-100
TEST_F(PcpLifetime, HasConfiguredLimits) {
  Limits limits;
  limits.min_lifetime = Seconds(10);
  limits.max_lifetime = Seconds(20);
  become_ruled({default_rule()}, limits);
  EXPECT_EQ(map({.lifetime = 1}).lifetime, 10U);
  EXPECT_EQ(map({.lifetime = 3600}).lifetime, 20U);
}

// PCP-100
TEST_F(PcpLifetime, HasTheLimitsOfTheRuleOfItsPort) {
  Rule rule = default_rule();
  rule.external_ports = PortSet({{5000, 5999}});
  rule.min_lifetime = Seconds(600);
  rule.max_lifetime = Seconds(700);
  become_ruled({rule, default_rule()}, {});
  EXPECT_EQ(map({.internal_port = 5001, .lifetime = 1}).lifetime, 600U);
  EXPECT_EQ(map({.internal_port = 5001, .lifetime = 3600}).lifetime, 700U);
  EXPECT_EQ(map({.internal_port = 6001, .lifetime = 1}).lifetime, 120U);
}

// PCP-101, 107
TEST_F(PcpLifetime, EndsWhenItsTimeIsUpAndNotBefore) {
  ASSERT_EQ(map({.lifetime = 600}).lifetime, 600U);
  (void)house_->pass(Milliseconds(599'999));
  EXPECT_EQ(house_->doors(), 3U);
  (void)house_->pass(Milliseconds(1));
  EXPECT_EQ(house_->doors(), 0U);
  EXPECT_EQ(house_->mappings(), 0U);
}

// PCP-102
TEST_F(PcpLifetime, IsSetAnewByEachRenewal) {
  (void)map({.lifetime = 7200});
  (void)house_->pass(Seconds(100));
  EXPECT_EQ(map({.lifetime = 600}).lifetime, 600U);
  (void)house_->pass(Seconds(599));
  EXPECT_EQ(house_->mappings(), 1U);
  EXPECT_EQ(map({.lifetime = 1200}).lifetime, 1200U);
  (void)house_->pass(Seconds(1199));
  EXPECT_EQ(house_->mappings(), 1U);
  (void)house_->pass(Seconds(1));
  EXPECT_EQ(house_->mappings(), 0U);
}

// PCP-086, 101
TEST_F(PcpLifetime, StaysWhenARenewalIsRefused) {
  (void)map({.lifetime = 600});
  house_->backend->fail_next(3);
  EXPECT_EQ(error_of({.lifetime = 7200}), kNoResources);
  house_->backend->heal();
  (void)house_->pass(Seconds(599));
  EXPECT_EQ(house_->mappings(), 1U);
  (void)house_->pass(Seconds(1));
  EXPECT_EQ(house_->mappings(), 0U);
}

// PCP-108
TEST_F(PcpLifetime, OfAnErrorIsHowLongItLasts) {
  EXPECT_EQ(error_of({.protocol = 47}).lifetime, 1800U);
  EXPECT_EQ(error_of({.internal_port = 80}).lifetime, 1800U);
  (void)house_->change_network(dual_network(std::nullopt));
  EXPECT_EQ(error_of(PcpWish{}).lifetime, 30U);
}

}  // namespace
}  // namespace postern::pcp
