#include <gtest/gtest.h>

#include "core/policy.h"
#include "tests/support/home.h"

// For how long a rule grants what it allows, and which rule that is.
namespace postern {
namespace {

using namespace test;

MapRequest wish(int lifetime) {
  MapRequest request;
  request.claimant = {"pcp", kHostA};
  request.internal = {kHostA, 4000};
  request.lifetime = Seconds(lifetime);
  return request;
}

MapRequest extensible(int lifetime) {
  auto request = wish(lifetime);
  request.may_be_longer = true;
  return request;
}

/// Ports 1024-1999 with bounds of its own, the others with the common ones.
Policy policy_with(std::optional<Seconds> min, std::optional<Seconds> max) {
  Rule own;
  own.name = "own";
  own.external_ports = PortSet({{1024, 1999}});
  own.internal_ports = PortSet::all();
  own.min_lifetime = min;
  own.max_lifetime = max;
  Policy policy({own, default_rule()});
  policy.set_lan_prefixes({*Prefix::parse("192.168.1.0/24")});
  return policy;
}

TEST(PolicyTerms, EachPermittedPortBelongsToTheFirstRuleThatAllowsIt) {
  const auto permission = policy_with({}, {}).judge(wish(60));
  ASSERT_TRUE(permission);
  EXPECT_EQ(permission->external_ports, PortSet({{1024, 65535}}));
  ASSERT_EQ(permission->shares.size(), 2U);
  EXPECT_EQ(permission->rule_of(1024), 0);
  EXPECT_EQ(permission->rule_of(1999), 0);
  EXPECT_EQ(permission->rule_of(2000), 1);
  EXPECT_EQ(permission->rule_of(1023), kNoRule);
}

TEST(PolicyTerms, ARulesMaximumReplacesTheLimit) {
  const auto shorter = policy_with({}, Seconds(100));
  EXPECT_EQ(shorter.term(wish(3600), 0).lifetime, Seconds(100));
  EXPECT_EQ(shorter.term(wish(3600), 1).lifetime, Seconds(3600));
  const auto longer = policy_with({}, Seconds(200'000));
  EXPECT_EQ(longer.term(wish(500'000), 0).lifetime, Seconds(200'000));
  EXPECT_EQ(longer.term(wish(500'000), 1).lifetime, Seconds(86'400));
  auto lease = wish(500'000);
  lease.lifetime_limit = LifetimeLimit::max_lease;
  EXPECT_EQ(longer.term(lease, 0).lifetime, Seconds(200'000));
  EXPECT_EQ(longer.term(lease, 1).lifetime, Seconds(500'000));
}

TEST(PolicyTerms, ARulesMinimumLengthensWhereTheProtocolLetsIt) {
  const auto policy = policy_with(Seconds(600), {});
  EXPECT_EQ(policy.term(extensible(1), 0).lifetime, Seconds(600));
  EXPECT_EQ(policy.term(extensible(1), 1).lifetime, Seconds(120)) << "the common minimum";
  EXPECT_EQ(policy.term(extensible(700), 0).lifetime, Seconds(700));
  EXPECT_EQ(policy.term(wish(1), 0).lifetime, Seconds(1)) << "NPMP-49: never more than asked";
  EXPECT_EQ(policy_with(Seconds(10), {}).term(extensible(1), 0).lifetime, Seconds(10));
}

TEST(PolicyTerms, TheMaximumWinsOverTheCommonMinimum) {
  EXPECT_EQ(policy_with({}, Seconds(60)).term(extensible(1), 0).lifetime, Seconds(60));
}

TEST(PolicyTerms, OnlyARulesMaximumEndsALeaseWithoutEnd) {
  auto permanent = wish(0);
  permanent.is_permanent = true;
  permanent.lifetime_limit = LifetimeLimit::max_lease;
  const auto policy = policy_with({}, Seconds(3600));
  EXPECT_EQ(policy.term(permanent, 0), (Term{Seconds(3600), false}));
  EXPECT_EQ(policy.term(permanent, 1), (Term{Seconds(0), true}));
}

TEST(PolicyTerms, RulesHaveNames) {
  const auto policy = policy_with({}, {});
  EXPECT_EQ(policy.rule_name(0), "own");
  EXPECT_EQ(policy.rule_name(2), "");
  EXPECT_EQ(policy.rule_name(kNoRule), "");
}

}  // namespace
}  // namespace postern
