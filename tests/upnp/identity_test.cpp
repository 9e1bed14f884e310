#include "protocols/upnp/identity.h"

#include <set>

#include <gtest/gtest.h>

#include "tests/upnp/requests.h"

namespace postern::upnp {
namespace {

using namespace test;

// SSDP-17
TEST(Identity, WritesUuids) {
  EXPECT_EQ(to_string(Uuid{0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x88, 0x99, 0xaa, 0xbb,
                           0xcc, 0xdd, 0xee, 0xff}),
            "uuid:00010203-0405-0607-8899-aabbccddeeff");
}

// IGD-002
TEST(Identity, HasSixNamesOfItsOwn) {
  const Uuid base{1, 2, 3};
  const auto udns = derive_udns(base);
  EXPECT_EQ((std::set<std::string>(udns.begin(), udns.end())).size(), 6U);
  EXPECT_EQ(udns, derive_udns(base));
  EXPECT_EQ(udns[0], "uuid:01020300-0000-4000-8000-000000000000");
  EXPECT_EQ(udns[5], "uuid:01020300-0000-4000-8000-000000000005");
  const auto others = derive_udns({1, 2, 4});
  for (const auto& udn : udns) EXPECT_EQ(std::count(others.begin(), others.end(), udn), 0);
}

TEST(Identity, NamesDevicesByView) {
  Identity identity;
  identity.udns = {"a", "b", "c", "d", "e", "f"};
  EXPECT_EQ(identity.root(View::igd1), "a");
  EXPECT_EQ(identity.wan_device(View::igd1), "b");
  EXPECT_EQ(identity.wan_connection_device(View::igd1), "c");
  EXPECT_EQ(identity.root(View::igd2), "d");
  EXPECT_EQ(identity.wan_device(View::igd2), "e");
  EXPECT_EQ(identity.wan_connection_device(View::igd2), "f");
}

// IGD-010, Q-13
TEST(Identity, OffersPppOnlyWhenAsked) {
  auto identity = sample_identity();
  const auto& ppp = service(ServiceId::wan_ppp_connection);
  EXPECT_TRUE(identity.offers(View::igd1, ppp));
  EXPECT_FALSE(identity.offers(View::igd2, ppp));
  identity.offers_ppp_alias = false;
  EXPECT_FALSE(identity.offers(View::igd1, ppp));
  EXPECT_TRUE(identity.offers(View::igd1, service(ServiceId::wan_ip_connection)));
}

TEST(Paths, AreStable) {
  const auto identity = sample_identity();
  EXPECT_EQ(description_path(identity, View::igd1), "/0123456789abcdef/igd1/desc.xml");
  EXPECT_EQ(path_of(identity, {ResourceKind::scpd, View::igd2, ServiceId::wan_ip_connection}),
            "/0123456789abcdef/igd2/scpd/WANIPConn1.xml");
  EXPECT_EQ(path_of(identity, {ResourceKind::control, View::igd1, ServiceId::layer3_forwarding}),
            "/0123456789abcdef/igd1/control/L3Forwarding1");
  EXPECT_EQ(
      path_of(identity, {ResourceKind::event, View::igd2, ServiceId::wan_ipv6_firewall_control}),
      "/0123456789abcdef/igd2/event/WANIPv6Firewall1");
}

TEST(Paths, ComeBack) {
  const auto identity = sample_identity();
  for (const auto view : kViews) {
    EXPECT_EQ(find_resource(identity, description_path(identity, view)),
              (Resource{ResourceKind::description, view, std::nullopt}));
    for (const auto& service : services()) {
      for (const auto kind : {ResourceKind::scpd, ResourceKind::control, ResourceKind::event}) {
        const Resource resource{kind, view, service.id};
        const auto found = find_resource(identity, path_of(identity, resource));
        EXPECT_EQ(found, identity.offers(view, service) ? std::optional(resource) : std::nullopt)
            << path_of(identity, resource);
      }
    }
  }
}

// HTTP-14, Q-61
TEST(Paths, AreFoundInEveryForm) {
  const auto identity = sample_identity();
  const Resource control{ResourceKind::control, View::igd1, ServiceId::wan_ip_connection};
  for (const auto* target : {"/0123456789ABCDEF/IGD1/Control/wanipconn1",
                             "//0123456789abcdef//igd1/control///WANIPConn1",
                             "/0123456789abcdef/igd1/control/WANIPConn1/",
                             "/0123456789abcdef/igd1/control/WANIPConn1?a/b",
                             "/0123456789abcdef/igd1/control/WANIPConn1#x",
                             "http://192.168.77.1:5351/0123456789abcdef/igd1/control/WANIPConn1",
                             "0123456789abcdef/igd1/control/WANIPConn1"}) {
    EXPECT_EQ(find_resource(identity, target), control) << target;
  }
}

// HTTP-10
TEST(Paths, AreNotGuessed) {
  const auto identity = sample_identity();
  for (const auto* target : {"",
                             "/",
                             "*",
                             "/igd1/desc.xml",
                             "/0123456789abcdee/igd1/desc.xml",
                             "//igd1/desc.xml",
                             "/0123456789abcdef/igd3/desc.xml",
                             "/0123456789abcdef/igd1",
                             "/0123456789abcdef/igd1/desc",
                             "/0123456789abcdef/igd1/desc.xml/x",
                             "/0123456789abcdef/igd1/scpd/WANIPConn1",
                             "/0123456789abcdef/igd1/scpd/.xml",
                             "/0123456789abcdef/igd1/scpd/xml",
                             "/0123456789abcdef/igd1/control/WANIPConn1.xml",
                             "/0123456789abcdef/igd1/control/WANIPConn2",
                             "/0123456789abcdef/igd1/control",
                             "/0123456789abcdef/igd1/desc.xml/WANIPConn1",
                             "/0123456789abcdef/igd1/control/WANIPConn1/x",
                             "http://192.168.77.1",
                             "http:///0123456789abcdef"}) {
    EXPECT_EQ(find_resource(identity, target), std::nullopt) << target;
  }
  EXPECT_EQ(find_resource(Identity{}, "//igd1/desc.xml"), std::nullopt);
}

//
TEST(Paths, AreShort) {
  for (const auto view : kViews) {
    for (const auto& service : services()) {
      const auto path = path_of(sample_identity(), {ResourceKind::scpd, view, service.id});
      EXPECT_LT(path.size() + std::string_view("http://192.168.177.111:65535").size(), 128U);
    }
  }
}

}  // namespace
}  // namespace postern::upnp
