#include "protocols/upnp/ssdp_targets.h"

#include <algorithm>
#include <set>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/upnp/ssdp_fixture.h"

namespace postern::upnp {
namespace {

using namespace test;
using testing::ElementsAre;
using testing::IsEmpty;

class SsdpTargetsTest : public testing::Test {
 protected:
  [[nodiscard]] std::vector<Offer> find(std::string_view target) const {
    return find_offers(identity_, target);
  }
  /// The answer of that device for a type.
  [[nodiscard]] static Offer typed(View view, const std::string& udn, const std::string& type) {
    return {view, {type, udn + "::" + type}};
  }

  Identity identity_ = test_identity();
};

std::vector<std::string> targets_of(const std::vector<Offer>& offers, View view) {
  std::vector<std::string> targets;
  for (const auto& offer : offers) {
    if (offer.view == view) targets.push_back(offer.advertisement.target);
  }
  return targets;
}

// SSDP-01, 07, 36
TEST_F(SsdpTargetsTest, OffersTenThingsAsVersionOne) {
  EXPECT_THAT(
      targets_of(all_offers(identity_), View::igd1),
      ElementsAre("upnp:rootdevice", identity_.root(View::igd1), kIgd + "1",
                  "urn:schemas-upnp-org:service:Layer3Forwarding:1",
                  identity_.wan_device(View::igd1), "urn:schemas-upnp-org:device:WANDevice:1",
                  "urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1",
                  identity_.wan_connection_device(View::igd1),
                  "urn:schemas-upnp-org:device:WANConnectionDevice:1", kWanIp + "1"));
}

// SSDP-01, 07, 36
TEST_F(SsdpTargetsTest, OffersElevenThingsAsVersionTwo) {
  EXPECT_THAT(
      targets_of(all_offers(identity_), View::igd2),
      ElementsAre("upnp:rootdevice", identity_.root(View::igd2), kIgd + "2",
                  "urn:schemas-upnp-org:service:Layer3Forwarding:1",
                  identity_.wan_device(View::igd2), "urn:schemas-upnp-org:device:WANDevice:2",
                  "urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1",
                  identity_.wan_connection_device(View::igd2),
                  "urn:schemas-upnp-org:device:WANConnectionDevice:2", kWanIp + "2",
                  "urn:schemas-upnp-org:service:WANIPv6FirewallControl:1"));
}

TEST_F(SsdpTargetsTest, NamesEachThingOnceAndByItsDevice) {
  std::set<std::string> usns;
  for (const auto& [view, offer] : all_offers(identity_)) {
    EXPECT_TRUE(usns.insert(offer.usn).second) << offer.usn;
    if (offer.target.starts_with("uuid:")) {
      EXPECT_EQ(offer.usn, offer.target);
    } else {
      EXPECT_TRUE(offer.usn.ends_with("::" + offer.target)) << offer.usn;
    }
  }
  EXPECT_EQ(usns.size(), 21U);
  EXPECT_EQ(usns.count(identity_.root(View::igd1) + "::upnp:rootdevice"), 1U);
  EXPECT_EQ(usns.count(identity_.wan_device(View::igd2) +
                       "::urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1"),
            1U);
}

// SSDP-36, 37, Q-15, Q-87
TEST_F(SsdpTargetsTest, FindsEverything) {
  EXPECT_EQ(find("ssdp:all"), all_offers(identity_));
}

// SSDP-36, Q-11
TEST_F(SsdpTargetsTest, FindsTheRootDevices) {
  EXPECT_THAT(find("upnp:rootdevice"),
              ElementsAre(typed(View::igd1, identity_.root(View::igd1), "upnp:rootdevice"),
                          typed(View::igd2, identity_.root(View::igd2), "upnp:rootdevice")));
}

// SSDP-36
TEST_F(SsdpTargetsTest, FindsEachDeviceByItsUuid) {
  for (const View view : kViews) {
    for (const auto& udn : {identity_.root(view), identity_.wan_device(view),
                            identity_.wan_connection_device(view)}) {
      EXPECT_THAT(find(udn), ElementsAre(Offer{view, {udn, udn}}));
    }
  }
  EXPECT_THAT(find("uuid:3d1f1f6a-0000-4000-8000-000000000000"), IsEmpty());
  EXPECT_THAT(find("uuid:"), IsEmpty());
}

// the answer repeats what was asked, to the letter.
TEST_F(SsdpTargetsTest, FindsAUuidInCapitals) {
  const std::string asked = "uuid:3D1F1F6A-0000-4000-8000-00000000000A";
  EXPECT_THAT(find(asked), ElementsAre(Offer{View::igd1, {asked, identity_.root(View::igd1)}}));
}

// SSDP-37, 46, Q-01, Q-03, Q-05, Q-06, Q-07, Q-87
TEST_F(SsdpTargetsTest, LeadsEachVersionToItsOwnView) {
  EXPECT_THAT(find(kIgd + "1"),
              ElementsAre(typed(View::igd1, identity_.root(View::igd1), kIgd + "1")));
  EXPECT_THAT(find(kIgd + "2"),
              ElementsAre(typed(View::igd2, identity_.root(View::igd2), kIgd + "2")));
  EXPECT_THAT(find(kIgd + "3"), IsEmpty());
  EXPECT_THAT(
      find(kWanIp + "1"),
      ElementsAre(typed(View::igd1, identity_.wan_connection_device(View::igd1), kWanIp + "1")));
  EXPECT_THAT(
      find(kWanIp + "2"),
      ElementsAre(typed(View::igd2, identity_.wan_connection_device(View::igd2), kWanIp + "2")));
  EXPECT_THAT(find(kWanIp + "3"), IsEmpty());
}

// SSDP-36, 46
TEST_F(SsdpTargetsTest, FindsServicesOfOneVersion) {
  const std::string common = "urn:schemas-upnp-org:service:WANCommonInterfaceConfig:";
  EXPECT_THAT(find(common + "1"),
              ElementsAre(typed(View::igd1, identity_.wan_device(View::igd1), common + "1")));
  EXPECT_THAT(find(common + "2"), IsEmpty());
  const std::string firewall = "urn:schemas-upnp-org:service:WANIPv6FirewallControl:";
  EXPECT_THAT(
      find(firewall + "1"),
      ElementsAre(typed(View::igd2, identity_.wan_connection_device(View::igd2), firewall + "1")));
}

//
TEST_F(SsdpTargetsTest, OffersTheAliasWhenItIsOn) {
  const std::string ppp = "urn:schemas-upnp-org:service:WANPPPConnection:1";
  EXPECT_THAT(find(ppp), IsEmpty());
  identity_ = test_identity(/*offers_ppp_alias=*/true);
  EXPECT_THAT(find(ppp),
              ElementsAre(typed(View::igd1, identity_.wan_connection_device(View::igd1), ppp)));
  EXPECT_EQ(targets_of(all_offers(identity_), View::igd1).size(), 11U);
  EXPECT_EQ(targets_of(all_offers(identity_), View::igd2).size(), 11U);
}

// SSDP-36
TEST_F(SsdpTargetsTest, FindsNothingElse) {
  for (const auto& target :
       {std::string("ssdp:everything"), std::string("upnp:rootdevice:1"), std::string(":"),
        std::string("1"), std::string(":1"), std::string(""), kIgd, kIgd + "0", kIgd + "01",
        kIgd + "1 ", kIgd + "+1", kIgd + "1x", kIgd + "4294967297", kIgd + "18446744073709551617",
        kIgd.substr(0, kIgd.size() - 1), std::string("SSDP:ALL"),
        std::string("urn:dial-multiscreen-org:service:dial:1"),
        std::string("urn:schemas-upnp-org:device:MediaServer:1"),
        std::string("urn:schemas-upnp-org:service:InternetGatewayDevice:1")}) {
    EXPECT_THAT(find(target), IsEmpty()) << target;
  }
}

}  // namespace
}  // namespace postern::upnp
