#include "core/ingress.h"

#include <gtest/gtest.h>

#include "tests/support/home.h"

namespace postern {
namespace {

using namespace test;

Address address(std::string_view text) {
  return Address::parse(text).value();
}

class IngressTest : public testing::Test {
 protected:
  [[nodiscard]] Ingress check() const {
    return check_ingress(datagram_, network_, policy_, groups_);
  }
  [[nodiscard]] Ingress check_source(std::string_view text) {
    datagram_.source.address = address(text);
    return check();
  }

  Network network_ = home_network();
  Policy policy_;
  std::vector<Endpoint> groups_;
  IncomingDatagram datagram_{kLanIndex, {kHostA, 40123}, {kGateway, 5351}, {}};
};

TEST_F(IngressTest, HearsAHostOfTheLan) {
  EXPECT_EQ(check(), Ingress::accepted);
}

// NPMP-04
TEST_F(IngressTest, IsDeafOnTheWanInterface) {
  datagram_.interface_index = kWanIndex;
  EXPECT_EQ(check(), Ingress::not_from_lan);
  datagram_.destination.address = kWan;
  EXPECT_EQ(check(), Ingress::not_from_lan);
}

// NPMP-04
TEST_F(IngressTest, IsDeafOnInterfacesItDoesNotKnow) {
  datagram_.interface_index = 77;
  EXPECT_EQ(check(), Ingress::not_from_lan);
  network_.lan[0].index = 0;
  datagram_.interface_index = 0;
  EXPECT_EQ(check(), Ingress::not_from_lan);
}

// NPMP-05
TEST_F(IngressTest, IsDeafToALanHostThatAsksTheExternalAddress) {
  datagram_.destination.address = kWan;
  EXPECT_EQ(check(), Ingress::not_to_lan_address);
}

// NPMP-06
TEST_F(IngressTest, IsDeafToBroadcastAndMulticastDestinations) {
  for (const auto* text : {"255.255.255.255", "192.168.1.255", "224.0.0.1", "127.0.0.1"}) {
    datagram_.destination.address = address(text);
    EXPECT_EQ(check(), Ingress::not_to_lan_address) << text;
  }
}

// SSDP-30: a group is heard at its own port, and no other group is.
TEST_F(IngressTest, HearsTheGroupsItListensTo) {
  groups_ = {{address("239.255.255.250"), 1900}, {address("ff02::c"), 1900}};
  datagram_.destination = groups_[0];
  EXPECT_EQ(check(), Ingress::accepted);
  datagram_.destination.port = 5351;
  EXPECT_EQ(check(), Ingress::not_to_lan_address);
  datagram_.destination = {address("224.0.0.1"), 1900};
  EXPECT_EQ(check(), Ingress::not_to_lan_address);
}

// SSDP-41, 43, SEC-02
TEST_F(IngressTest, IsAsStrictAboutWhoAsksAGroup) {
  groups_ = {{address("239.255.255.250"), 1900}};
  datagram_.destination = groups_[0];
  EXPECT_EQ(check_source("192.168.2.10"), Ingress::not_on_link);
  EXPECT_EQ(check_source("192.168.1.1"), Ingress::impossible_source);
  EXPECT_EQ(check_source("192.168.1.255"), Ingress::impossible_source);
  EXPECT_EQ(check_source("239.255.255.250"), Ingress::impossible_source);
  EXPECT_EQ(check_source("192.168.1.10"), Ingress::accepted);
  datagram_.source.port = 0;
  EXPECT_EQ(check(), Ingress::impossible_source);
  datagram_.source.port = 1900;
  EXPECT_EQ(check(), Ingress::accepted);
  datagram_.interface_index = kWanIndex;
  EXPECT_EQ(check(), Ingress::not_from_lan);
}

// NPMP-06
TEST_F(IngressTest, IsDeafToSourcesThatNoHostCanHave) {
  EXPECT_EQ(check_source("0.0.0.0"), Ingress::impossible_source);
  EXPECT_EQ(check_source("224.0.0.1"), Ingress::impossible_source);
  EXPECT_EQ(check_source("239.1.2.3"), Ingress::impossible_source);
  EXPECT_EQ(check_source("255.255.255.255"), Ingress::impossible_source);
  EXPECT_EQ(check_source("192.168.1.255"), Ingress::impossible_source);
  EXPECT_EQ(check_source("198.51.100.7"), Ingress::impossible_source);
  EXPECT_EQ(check_source("192.168.1.1"), Ingress::impossible_source);
  EXPECT_NE(check_source("127.0.0.1"), Ingress::accepted);
}

// NPMP-06
TEST_F(IngressTest, StaysDeafToThemWhenARuleListsEveryone) {
  Rule everyone = default_rule();
  everyone.client_prefixes = {*Prefix::parse("0.0.0.0/0")};
  policy_ = Policy({everyone});
  EXPECT_EQ(check_source("0.0.0.0"), Ingress::impossible_source);
  EXPECT_EQ(check_source("224.0.0.1"), Ingress::impossible_source);
  EXPECT_EQ(check_source("198.51.100.7"), Ingress::impossible_source);
  EXPECT_EQ(check_source("127.0.0.1"), Ingress::impossible_source);
}

// NPMP-06
TEST_F(IngressTest, IsDeafToSourcePortZero) {
  datagram_.source.port = 0;
  EXPECT_EQ(check(), Ingress::impossible_source);
}

// NPMP-07, 94
TEST_F(IngressTest, IsDeafToHostsBehindAnInnerRouter) {
  EXPECT_EQ(check_source("192.168.2.10"), Ingress::not_on_link);
  EXPECT_EQ(check_source("10.0.0.1"), Ingress::not_on_link);
}

// NPMP-94
TEST_F(IngressTest, HearsHostsBehindAnInnerRouterThatARuleLists) {
  Rule routed = default_rule();
  routed.client_prefixes = {*Prefix::parse("192.168.2.0/24")};
  policy_ = Policy({routed});
  EXPECT_EQ(check_source("192.168.2.10"), Ingress::accepted);
  EXPECT_EQ(check_source("192.168.3.10"), Ingress::not_on_link);
}

// NPMP-07
TEST_F(IngressTest, HearsAHostOnTheLinkOfItsOwnInterfaceOnly) {
  network_.lan.push_back({"guest", 9, {{Address::v4({10, 9, 0, 1}), 16}}});
  datagram_.source.address = address("10.9.3.4");
  EXPECT_EQ(check(), Ingress::not_on_link);
  datagram_.interface_index = 9;
  EXPECT_EQ(check(), Ingress::accepted);
}

// The tour on loopback (script/run without namespaces).
TEST_F(IngressTest, HearsLoopbackOnTheLoopbackInterface) {
  network_.lan = {{"lo", 1, {{address("127.0.0.1"), 8}}}};
  datagram_ = {1, {address("127.0.0.1"), 40123}, {address("127.0.0.1"), 5351}, {}};
  EXPECT_EQ(check(), Ingress::accepted);
}

}  // namespace
}  // namespace postern
