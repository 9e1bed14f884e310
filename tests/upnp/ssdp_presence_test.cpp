#include "protocols/upnp/ssdp_presence.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/upnp/ssdp_fixture.h"

namespace postern::upnp {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::IsEmpty;

const Endpoint& kGroupV4 = ssdp_groups()[0];
const Endpoint& kGroupLink = ssdp_groups()[1];
const Endpoint& kGroupSite = ssdp_groups()[2];

TEST(SsdpGroups, AreThoseOfTheSpecification) {
  EXPECT_THAT(ssdp_groups(),
              ElementsAre(Endpoint{address("239.255.255.250"), 1900},
                          Endpoint{address("ff02::c"), 1900}, Endpoint{address("ff05::c"), 1900}));
}

// SSDP-18
TEST(SsdpPresence, SpeaksToEachGroupFromAnAddressOfItsKind) {
  EXPECT_THAT(find_presences(dual_stack_network()),
              ElementsAre(Presence{kLanIndex, kGroupV4, kGateway},
                          Presence{kLanIndex, kGroupLink, kLinkLocal},
                          Presence{kLanIndex, kGroupSite, kGlobal}));
}

// SSDP-18
TEST(SsdpPresence, SpeaksFromAUniqueLocalAddressWhereThereIsNoGlobalOne) {
  auto network = dual_stack_network();
  std::erase_if(network.lan[0].addresses, [](const auto& own) { return own.address == kGlobal; });
  EXPECT_EQ(find_presences(network)[2].address, kUniqueLocal);
  std::erase_if(network.lan[0].addresses,
                [](const auto& own) { return own.address == kUniqueLocal; });
  EXPECT_EQ(find_presences(network).size(), 2U);
}

// SSDP-01
TEST(SsdpPresence, DoesNotSpeakFromAnAddressThatIsNotItsOwnYet) {
  auto network = dual_stack_network();
  for (auto& own : network.lan[0].addresses) own.is_tentative = own.address == kGlobal;
  EXPECT_EQ(find_presences(network)[2].address, kUniqueLocal);
}

// SSDP-20, 30
TEST(SsdpPresence, IsOnTheLanOnlyAndOnAllOfIt) {
  auto network = home_network();
  network.lan.push_back({"guest", 9, {{address("10.9.0.1"), 16}, {address("10.8.0.1"), 16}}});
  network.lan.push_back({"later", 0, {{address("10.7.0.1"), 16}}});
  network.lan.push_back({"bare", 10, {}});
  EXPECT_THAT(find_presences(network), ElementsAre(Presence{kLanIndex, kGroupV4, kGateway},
                                                   Presence{9, kGroupV4, address("10.9.0.1")}));
  network.lan.clear();
  EXPECT_THAT(find_presences(network), IsEmpty());
}

// SSDP-40
TEST(SsdpPresence, AnswersFromTheAskersSubnet) {
  auto lan = dual_stack_network().lan[0];
  lan.addresses.push_back({address("10.9.0.1"), 16});
  EXPECT_EQ(find_own_address(lan, kHostA), kGateway);
  EXPECT_EQ(find_own_address(lan, address("10.9.3.4")), address("10.9.0.1"));
  EXPECT_EQ(find_own_address(lan, address("fe80::77")), kLinkLocal);
  EXPECT_EQ(find_own_address(lan, address("2001:db8:1::77")), kGlobal);
  EXPECT_EQ(find_own_address(lan, address("fd00::77")), kUniqueLocal);
  EXPECT_EQ(find_own_address(lan, address("192.168.2.1")), std::nullopt);
  EXPECT_EQ(find_own_address(lan, address("2001:db8:2::77")), std::nullopt);
}

}  // namespace
}  // namespace postern::upnp
