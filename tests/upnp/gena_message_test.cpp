#include "protocols/upnp/gena_message.h"

#include <array>

#include <gtest/gtest.h>
#include <pugixml.hpp>

#include "tests/support/home.h"

namespace postern::upnp {
namespace {

using namespace postern::test;

// GENA-08, Q-67
TEST(GenaMessage, IsWrittenThisWay) {
  const std::array properties{Property{"ExternalIPAddress", "198.51.100.7"},
                              Property{"PortMappingNumberOfEntries", "3"}};
  const std::string body =
      "<?xml version=\"1.0\"?>\r\n"
      "<e:propertyset xmlns:e=\"urn:schemas-upnp-org:event-1-0\">"
      "<e:property><ExternalIPAddress>198.51.100.7</ExternalIPAddress></e:property>"
      "<e:property><PortMappingNumberOfEntries>3</PortMappingNumberOfEntries></e:property>"
      "</e:propertyset>\r\n";
  EXPECT_EQ(emit_notify({{kHostA, 8000}, "/events?x=1"}, "uuid:a", 4294967295, properties),
            "NOTIFY /events?x=1 HTTP/1.1\r\n"
            "HOST: 192.168.1.10:8000\r\n"
            "CONTENT-TYPE: text/xml; charset=\"utf-8\"\r\n"
            "CONTENT-LENGTH: " +
                std::to_string(body.size()) +
                "\r\n"
                "NT: upnp:event\r\n"
                "NTS: upnp:propchange\r\n"
                "SID: uuid:a\r\n"
                "SEQ: 4294967295\r\n"
                "CONNECTION: close\r\n"
                "\r\n" +
                body);
}

TEST(GenaMessage, NamesAnIPv6HostInBrackets) {
  const auto text = emit_notify({{kHostALinkLocal, 80}, "/"}, "uuid:a", 0, {});
  EXPECT_NE(text.find("\r\nHOST: [fe80::a]:80\r\n"), std::string::npos) << text;
}

// SEC-05
TEST(GenaMessage, EscapesValues) {
  const std::array properties{Property{"A", "<b>&\"c\""}};
  const auto text = emit_notify({{kHostA, 80}, "/"}, "uuid:a", 0, properties);
  pugi::xml_document document;
  const auto body = text.substr(text.find("\r\n\r\n") + 4);
  ASSERT_TRUE(document.load_string(body.c_str()));
  const auto value = document.child("e:propertyset").child("e:property").child("A");
  EXPECT_STREQ(value.text().get(), "<b>&\"c\"");
}

}  // namespace
}  // namespace postern::upnp
