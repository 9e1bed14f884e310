#include <string>
#include <tuple>
#include <vector>

#include <gtest/gtest.h>

#include "core/policy.h"
#include "tests/support/home.h"
#include "tests/support/known_clients.h"

// What each condition of a rule means, for both address families and every frontend.
namespace postern {
namespace {

using namespace test;

const MacAddress kMacA({0x02, 0, 0, 0, 0, 0x0a});
const MacAddress kMacB({0x02, 0, 0, 0, 0, 0x0b});

enum class Family { v4, v6 };

class PolicyRules : public testing::TestWithParam<std::tuple<Family, const char*>> {
 protected:
  [[nodiscard]] static bool is_v4() { return std::get<0>(GetParam()) == Family::v4; }
  [[nodiscard]] static std::string_view frontend() { return std::get<1>(GetParam()); }
  [[nodiscard]] static std::string other_frontend() {
    return frontend() == "pcp" ? "natpmp" : "pcp";
  }
  [[nodiscard]] static Address a() { return is_v4() ? kHostA : kHostA6; }
  [[nodiscard]] static Address b() { return is_v4() ? kHostB : kHostB6; }

  /// Wishes for a port that is 4000 on both sides, as that of a pinhole must be.
  [[nodiscard]] static MapRequest wish(const Address& client, std::uint16_t port = 4000) {
    MapRequest request;
    request.claimant = {frontend(), client};
    request.internal = {client, port};
    request.suggested_external_port = port;
    request.lifetime = Seconds(60);
    return request;
  }
  [[nodiscard]] static Rule rule(Rule::Action action) {
    Rule rule;
    rule.action = action;
    rule.external_ports = rule.internal_ports = PortSet::all();
    return rule;
  }
  [[nodiscard]] static Rule allow() { return rule(Rule::Action::allow); }
  [[nodiscard]] static Rule deny() { return rule(Rule::Action::deny); }

  [[nodiscard]] Policy policy(std::vector<Rule> rules, Limits limits = {}) {
    Policy policy(std::move(rules), std::move(limits), &clients_);
    policy.set_lan_prefixes({*Prefix::parse("192.168.1.0/24"), *Prefix::parse("2001:db8:77::/64")});
    return policy;
  }
  [[nodiscard]] static bool allows(const Policy& policy, const MapRequest& request) {
    const auto permission = policy.judge(request);
    return permission && permission->external_ports.contains(request.suggested_external_port);
  }
  /// The rule alone, and one that denies before one that allows everything.
  [[nodiscard]] bool allowed_by(const Rule& rule, const MapRequest& request) {
    return allows(policy({rule}), request);
  }
  [[nodiscard]] bool denied_by(const Rule& rule, const MapRequest& request) {
    return !allows(policy({rule, allow()}), request);
  }
  void know(const Address& client, const char* interface, std::optional<MacAddress> mac) {
    clients_.links[client] = {interface, mac};
  }

  KnownClients clients_;
};

TEST_P(PolicyRules, NothingMatchesMeansDeny) {
  EXPECT_EQ(policy({}).judge(wish(a())).error(), Denial(MapError::not_authorized));
}

TEST_P(PolicyRules, ClientsAreNamedByPrefix) {
  Rule mine = allow();
  mine.lan_clients = false;
  mine.client_prefixes = {Prefix::of(a())};
  EXPECT_TRUE(allowed_by(mine, wish(a())));
  EXPECT_FALSE(allowed_by(mine, wish(b())));
  mine.action = Rule::Action::deny;
  EXPECT_TRUE(denied_by(mine, wish(a())));
  EXPECT_FALSE(denied_by(mine, wish(b())));
}

TEST_P(PolicyRules, LanIsEveryPrefixOfTheLan) {
  EXPECT_TRUE(allowed_by(allow(), wish(a())));
  const auto stranger = Address::parse(is_v4() ? "192.168.2.10" : "2001:db8:78::10").value();
  EXPECT_FALSE(allowed_by(allow(), wish(stranger)));
}

TEST_P(PolicyRules, FrontendsAreNamed) {
  Rule one = allow();
  one.frontends = {std::string(frontend())};
  EXPECT_TRUE(allowed_by(one, wish(a())));
  one.frontends = {other_frontend()};
  EXPECT_FALSE(allowed_by(one, wish(a())));
  EXPECT_FALSE(policy({one}).serves({frontend(), a()}));
  one.frontends = {other_frontend(), std::string(frontend())};
  EXPECT_TRUE(allowed_by(one, wish(a())));
  EXPECT_TRUE(policy({one}).serves({frontend(), a()}));
  one.action = Rule::Action::deny;
  EXPECT_TRUE(denied_by(one, wish(a())));
  EXPECT_FALSE(policy({one, allow()}).serves({frontend(), a()}));
}

TEST_P(PolicyRules, ATransportIsNamed) {
  auto request = wish(a());
  Rule one = allow();
  one.protocol = Protocol::udp;
  for (const auto protocol : {Protocol::tcp, Protocol::udp}) {
    request.protocol = protocol;
    const bool is_meant = protocol == Protocol::udp;
    one.action = Rule::Action::allow;
    EXPECT_EQ(allowed_by(one, request), is_meant);
    one.action = Rule::Action::deny;
    EXPECT_EQ(denied_by(one, request), is_meant);
  }
  EXPECT_TRUE(policy({one, allow()}).serves({frontend(), a()})) << "the other transport is left";
}

TEST_P(PolicyRules, InternalPortsAreNamed) {
  Rule one = allow();
  one.internal_ports = PortSet({{4000, 4010}});
  EXPECT_TRUE(allowed_by(one, wish(a(), 4010)));
  EXPECT_FALSE(allowed_by(one, wish(a(), 4011)));
  one.action = Rule::Action::deny;
  EXPECT_TRUE(denied_by(one, wish(a(), 4010)));
  EXPECT_FALSE(denied_by(one, wish(a(), 4011)));
}

TEST_P(PolicyRules, ExternalPortsAreNamed) {
  Rule one = allow();
  one.external_ports = PortSet({{4000, 4010}});
  EXPECT_TRUE(allowed_by(one, wish(a(), 4010)));
  EXPECT_FALSE(allowed_by(one, wish(a(), 4011)));
  one.action = Rule::Action::deny;
  EXPECT_TRUE(denied_by(one, wish(a(), 4010)));
  EXPECT_FALSE(denied_by(one, wish(a(), 4011)));
}

TEST_P(PolicyRules, SensitivePortsMustBeNamed) {
  Limits limits;
  limits.never_internal_ports = PortSet({{22, 22}});
  Rule named = allow();
  named.named_sensitive_ports = PortSet({{22, 22}});
  EXPECT_FALSE(allows(policy({allow()}, limits), wish(a(), 22)));
  EXPECT_TRUE(allows(policy({named}, limits), wish(a(), 22)));
  EXPECT_TRUE(allows(policy({allow(), named}, limits), wish(a(), 22)));
  EXPECT_FALSE(allows(policy({deny(), named}, limits), wish(a(), 22)));
}

TEST_P(PolicyRules, OthersAreMappedOnlyByARuleForOthers) {
  auto request = wish(a());
  request.internal.address = b();
  EXPECT_FALSE(allowed_by(allow(), request));
  Rule controller = allow();
  controller.for_others = true;
  EXPECT_TRUE(allowed_by(controller, request));
}

TEST_P(PolicyRules, InterfacesAreNamed) {
  know(a(), "br-lan", {});
  know(b(), "br-guest", {});
  Rule one = allow();
  one.interfaces = {"br-lan", "lan2"};
  EXPECT_TRUE(allowed_by(one, wish(a())));
  EXPECT_FALSE(allowed_by(one, wish(b())));
  one.action = Rule::Action::deny;
  EXPECT_TRUE(denied_by(one, wish(a())));
  EXPECT_FALSE(denied_by(one, wish(b())));
}

TEST_P(PolicyRules, MacAddressesAreNamed) {
  know(a(), "br-lan", kMacA);
  know(b(), "br-lan", kMacB);
  Rule one = allow();
  one.macs = {kMacA};
  EXPECT_TRUE(allowed_by(one, wish(a())));
  EXPECT_FALSE(allowed_by(one, wish(b())));
  EXPECT_TRUE(policy({one}).serves({frontend(), a()}));
  EXPECT_FALSE(policy({one}).serves({frontend(), b()}));
  one.action = Rule::Action::deny;
  EXPECT_TRUE(denied_by(one, wish(a())));
  EXPECT_FALSE(denied_by(one, wish(b())));
}

TEST_P(PolicyRules, WhoIsNotKnownIsNeverAllowedByThatAndAlwaysDenied) {
  Rule by_mac;
  by_mac.macs = {kMacA};
  Rule by_interface;
  by_interface.interfaces = {"br-lan"};
  for (Rule one : {by_mac, by_interface}) {
    one.external_ports = one.internal_ports = PortSet::all();
    EXPECT_FALSE(allowed_by(one, wish(a())));
    one.action = Rule::Action::deny;
    EXPECT_TRUE(denied_by(one, wish(a())));
  }
  know(a(), "br-lan", std::nullopt);
  by_mac.external_ports = by_mac.internal_ports = PortSet::all();
  EXPECT_FALSE(allowed_by(by_mac, wish(a())));
  by_mac.action = Rule::Action::deny;
  EXPECT_TRUE(denied_by(by_mac, wish(a())));
  // But it is known that he is not on that interface.
  by_mac.interfaces = {"br-guest"};
  EXPECT_FALSE(denied_by(by_mac, wish(a())));
}

TEST_P(PolicyRules, AsksForTheClientOnceAndOnlyWhereItMatters) {
  know(a(), "br-lan", kMacB);
  Rule by_mac = allow();
  by_mac.macs = {kMacA};
  EXPECT_TRUE(allows(policy({allow(), by_mac}), wish(a())));
  Rule elsewhere = by_mac;
  elsewhere.internal_ports = PortSet({{5000, 5000}});
  EXPECT_TRUE(allows(policy({elsewhere, allow()}), wish(a())));
  EXPECT_EQ(clients_.asked, 0);
  EXPECT_TRUE(allows(policy({by_mac, by_mac, allow()}), wish(a())));
  EXPECT_EQ(clients_.asked, 1);
}

TEST_P(PolicyRules, WithoutADirectoryNobodyIsKnown) {
  Rule by_mac = allow();
  by_mac.macs = {kMacA};
  Policy policy({by_mac});
  policy.set_lan_prefixes({*Prefix::parse("0.0.0.0/0"), *Prefix::parse("::/0")});
  EXPECT_FALSE(allows(policy, wish(a())));
}

TEST_P(PolicyRules, ARefusalNamesTheRuleThatDecided) {
  Rule others = deny();
  others.internal_ports = PortSet({{5000, 5000}});
  Rule this_one = deny();
  this_one.external_ports = PortSet({{4000, 4000}});
  Rule rest = deny();
  const auto judged = policy({others, this_one, rest, allow()}).judge(wish(a()));
  ASSERT_FALSE(judged);
  EXPECT_EQ(judged.error(), Denial(MapError::not_authorized, 1));
  EXPECT_EQ(policy({others, this_one, rest}).decider(wish(a()), 4000), 1);
  EXPECT_EQ(policy({others, this_one}).decider(wish(a()), 4001), kNoRule);
}

INSTANTIATE_TEST_SUITE_P(Everywhere, PolicyRules,
                         testing::Combine(testing::Values(Family::v4, Family::v6),
                                          testing::Values("natpmp", "pcp", "upnp")),
                         [](const auto& chosen) {
                           const bool is_v4 = std::get<0>(chosen.param) == Family::v4;
                           return std::string(is_v4 ? "IPv4_" : "IPv6_") +
                                  std::get<1>(chosen.param);
                         });

}  // namespace
}  // namespace postern
