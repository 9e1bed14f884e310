#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/upnp/requests.h"

// What real clients do that no specification allows. Each test sends a client's bytes and looks at
// what they are understood as.
namespace postern::upnp {
namespace {

using namespace test;

constexpr std::string_view kPlain = "GetExternalIPAddress";

[[nodiscard]] std::string url() {
  return control_url(View::igd1, ServiceId::wan_ip_connection);
}
[[nodiscard]] Control post(std::optional<std::string_view> header, std::string_view body) {
  return parse_control(sample_identity(), {url(), header, body});
}
[[nodiscard]] Control post(std::string_view body) {
  return post(std::string(kIp1) + "#AddPortMapping", body);
}
[[nodiscard]] Control with_header(std::optional<std::string_view> header) {
  return post(header, envelope(kIp1, kPlain, ""));
}

/// The action that was understood; "" for none.
[[nodiscard]] std::string_view action_of(const Control& control) {
  const auto* call = std::get_if<ActionCall>(&control);
  return call ? call->action->name : std::string_view();
}

/// An argument of an AddPortMapping in which `from` was replaced.
[[nodiscard]] std::string text_of(std::string_view name, std::string_view from,
                                  std::string_view to) {
  const auto control = post(envelope(kIp1, "AddPortMapping", with(kAddArguments, from, to)));
  const auto* call = std::get_if<ActionCall>(&control);
  return call ? call->text(name) : "<refused>";
}

// SOAP-02, Q-50
TEST(Quirks, HeadersWithAnyQuotes) {
  const auto name = std::string(kIp1) + "#" + std::string(kPlain);
  for (const auto& header :
       {'"' + name + '"', name, '\'' + name + '\'', '"' + name, name + '"', "  \"" + name + "\" \t",
        "\"\"" + name + "\"\"", "\" " + name + " \""}) {
    EXPECT_EQ(action_of(with_header(header)), kPlain) << header;
  }
}

// SOAP-03
TEST(Quirks, NoHeader) {
  EXPECT_EQ(action_of(with_header(std::nullopt)), kPlain);
  EXPECT_EQ(action_of(with_header("")), kPlain);
  EXPECT_EQ(action_of(with_header("\"\"")), kPlain);
}

// SOAP-05
TEST(Quirks, ByteOrderMark) {
  EXPECT_EQ(action_of(post(std::nullopt, "\xef\xbb\xbf" + envelope(kIp1, kPlain, ""))), kPlain);
}

// SOAP-05, Q-53
TEST(Quirks, BlanksBeforeTheDeclaration) {
  EXPECT_EQ(action_of(post(std::nullopt, "\t" + envelope(kIp1, kPlain, ""))), kPlain);
  EXPECT_EQ(action_of(post(std::nullopt, "\r\n\r\n" + envelope(kIp1, kPlain, ""))), kPlain);
}

// SOAP-05
TEST(Quirks, NoDeclaration) {
  EXPECT_EQ(action_of(post(std::nullopt,
                           with(envelope(kIp1, kPlain, ""), "<?xml version=\"1.0\"?>\r\n", ""))),
            kPlain);
  EXPECT_EQ(action_of(post(std::nullopt,
                           with(envelope(kIp1, kPlain, ""), "<?xml version=\"1.0\"?>",
                                "<?xml version='1.0' encoding='ISO-8859-1' standalone='yes'?>"))),
            kPlain);
}

// SOAP-05, Q-27
TEST(Quirks, OtherPrefixes) {
  for (const auto* body :
       {"<Envelope xmlns=\"http://schemas.xmlsoap.org/soap/envelope/\"><Body>"
        "<GetExternalIPAddress xmlns=\"urn:schemas-upnp-org:service:WANIPConnection:1\"/>"
        "</Body></Envelope>",
        "<SOAP-ENV:Envelope><SOAP-ENV:Header><x/></SOAP-ENV:Header><SOAP-ENV:Body>"
        "<m:GetExternalIPAddress xmlns:m='urn:schemas-upnp-org:service:WANIPConnection:1'/>"
        "</SOAP-ENV:Body></SOAP-ENV:Envelope>",
        "<a:Envelope xmlns:m=\"urn:schemas-upnp-org:service:WANIPConnection:1\"><b:Body>"
        "<!-- x --><m:GetExternalIPAddress></m:GetExternalIPAddress></b:Body></a:Envelope>"}) {
    EXPECT_EQ(action_of(post(std::nullopt, body)), kPlain) << body;
  }
  // A prefix that was never declared, with a header that says the type.
  EXPECT_EQ(action_of(post(std::string(kIp1) + "#GetExternalIPAddress",
                           "<s:Envelope><s:Body><u:GetExternalIPAddress/></s:Body></s:Envelope>")),
            kPlain);
}

// Q-27, Q-24: mDNSResponder, byte for byte but for the addresses.
TEST(Quirks, MdnsResponder) {
  const auto control = post(
      "<?xml version=\"1.0\"?>\r\n<SOAP-ENV:Envelope "
      "xmlns:SOAP-ENV=\"http://schemas.xmlsoap.org/soap/envelope/\" "
      "SOAP-ENV:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><SOAP-ENV:Body>"
      "<m:AddPortMapping xmlns:m=\"urn:schemas-upnp-org:service:WANIPConnection:1\">"
      "<NewRemoteHost xmlns:dt=\"urn:schemas-microsoft-com:datatypes\" dt:dt=\"string\">"
      "</NewRemoteHost><NewExternalPort xmlns:dt=\"urn:schemas-microsoft-com:datatypes\" "
      "dt:dt=\"ui2\">5000</NewExternalPort><NewProtocol "
      "xmlns:dt=\"urn:schemas-microsoft-com:datatypes\" dt:dt=\"string\">UDP</NewProtocol>"
      "<NewInternalPort xmlns:dt=\"urn:schemas-microsoft-com:datatypes\" dt:dt=\"ui2\">5000"
      "</NewInternalPort><NewInternalClient xmlns:dt=\"urn:schemas-microsoft-com:datatypes\" "
      "dt:dt=\"string\">192.168.77.2</NewInternalClient><NewEnabled "
      "xmlns:dt=\"urn:schemas-microsoft-com:datatypes\" dt:dt=\"boolean\">1</NewEnabled>"
      "<NewPortMappingDescription xmlns:dt=\"urn:schemas-microsoft-com:datatypes\" "
      "dt:dt=\"string\">iC5000</NewPortMappingDescription><NewLeaseDuration "
      "xmlns:dt=\"urn:schemas-microsoft-com:datatypes\" dt:dt=\"ui4\">0</NewLeaseDuration>"
      "</m:AddPortMapping></SOAP-ENV:Body></SOAP-ENV:Envelope>\r\n");
  const auto* call = std::get_if<ActionCall>(&control);
  ASSERT_NE(call, nullptr);
  EXPECT_THAT(call->arguments,
              testing::ElementsAre(Value(""), Value(5000U), Value("UDP"), Value(5000U),
                                   Value("192.168.77.2"), Value(true), Value("iC5000"), Value(0U)));
}

// SOAP-05, Q-52
TEST(Quirks, Soap12) {
  const auto body = with(envelope(kIp1, kPlain, ""), "http://schemas.xmlsoap.org/soap/envelope/",
                         "http://www.w3.org/2003/05/soap-envelope");
  EXPECT_EQ(action_of(post(std::nullopt, body)), kPlain);
}

// Q-52
TEST(Quirks, NoEndOfTheEnvelope) {
  const auto body = envelope(kIp1, "AddPortMapping", kAddArguments);
  EXPECT_EQ(action_of(post(with(body, "</s:Envelope>\r\n", ""))), "AddPortMapping");
  EXPECT_EQ(action_of(post(with(body, "</s:Envelope>", ""))), "AddPortMapping");
  EXPECT_EQ(action_of(post(with(body, "</s:Body></s:Envelope>", ""))), "AddPortMapping");
  EXPECT_EQ(action_of(post(with(body, "</u:AddPortMapping></s:Body></s:Envelope>", ""))), "");
}

// Whatever is cut off, no call is understood before its element has ended.
TEST(Quirks, EveryTruncation) {
  const auto body = envelope(kIp1, "AddPortMapping", kAddArguments);
  const std::string_view end = "</u:AddPortMapping>";
  const auto whole = body.find(end) + end.size();
  for (std::size_t size = 0; size < whole; ++size) {
    EXPECT_EQ(action_of(post(body.substr(0, size))), "") << size;
  }
  EXPECT_EQ(action_of(post(body.substr(0, whole))), "AddPortMapping");
}

// Q-52, IGD-023
TEST(Quirks, BlanksBetweenElements) {
  const auto control = post(envelope(
      kIp1, "DeletePortMapping",
      "\n\t<NewRemoteHost>\n\t</NewRemoteHost>\r\n <NewExternalPort> 7000\n</NewExternalPort>\n"
      "<NewProtocol>\tUDP </NewProtocol>\n"));
  EXPECT_TRUE(std::holds_alternative<Fault>(control));  // the header says AddPortMapping
  const auto again = post(
      std::nullopt,
      envelope(
          kIp1, "DeletePortMapping",
          "\n\t<NewRemoteHost>\n\t</NewRemoteHost>\r\n <NewExternalPort> 7000\n</NewExternalPort>\n"
          "<NewProtocol>\tUDP </NewProtocol>\n"));
  const auto* call = std::get_if<ActionCall>(&again);
  ASSERT_NE(call, nullptr);
  EXPECT_THAT(call->arguments, testing::ElementsAre(Value(""), Value(7000U), Value("UDP")));
}

// IGD-023
TEST(Quirks, OtherOrderAndUnknownArguments) {
  const auto control = post(
      std::nullopt,
      envelope(kIp1, "DeletePortMapping",
               "<NewProtocol>TCP</NewProtocol><Vendor><a>1</a></Vendor><NewExternalPort>7000"
               "</NewExternalPort><NewInternalPort>nonsense</NewInternalPort><NewRemoteHost/>"));
  const auto* call = std::get_if<ActionCall>(&control);
  ASSERT_NE(call, nullptr);
  EXPECT_THAT(call->arguments, testing::ElementsAre(Value(""), Value(7000U), Value("TCP")));
}

// IGD-023
TEST(Quirks, BooleansInWords) {
  for (const auto& [text, flag] : {std::pair{"true", true}, std::pair{"Yes", true},
                                   std::pair{"FALSE", false}, std::pair{"no", false}}) {
    const auto control =
        post(envelope(kIp1, "AddPortMapping",
                      with(kAddArguments, "<NewEnabled>1", "<NewEnabled>" + std::string(text))));
    const auto* call = std::get_if<ActionCall>(&control);
    ASSERT_NE(call, nullptr) << text;
    EXPECT_EQ(call->flag("NewEnabled"), flag) << text;
  }
}

// SOAP-13
TEST(Quirks, CharacterData) {
  constexpr auto kName = "NewPortMappingDescription";
  EXPECT_EQ(text_of(kName, "a game", "<![CDATA[a<b&amp;\"c]]>"), "a<b&amp;\"c");
  EXPECT_EQ(text_of(kName, "a game", "x <![CDATA[<]]> y<!-- no -->z"), "x < yz");
  EXPECT_EQ(text_of(kName, "a game", "a&lt;b&amp;&quot;c&#233;&#x20AC;"), "a<b&\"cé€");
  EXPECT_EQ(text_of(kName, "a game", "caf\xe9 & co"), "caf? & co");
  EXPECT_EQ(text_of(kName, "a game", "a&#10;b&#x202e;c"), "a b c");
  EXPECT_EQ(text_of(kName, "<NewPortMappingDescription>a game</NewPortMappingDescription>",
                    "<NewPortMappingDescription />"),
            "");
  EXPECT_EQ(text_of("NewProtocol", ">TCP<", "><![CDATA[udp]]><"), "UDP");
}

// SOAP-13
TEST(Quirks, PrefixedArguments) {
  EXPECT_EQ(text_of("NewInternalClient", "<NewInternalClient>192.168.77.2</NewInternalClient>",
                    "<u:NewInternalClient>192.168.77.9</u:NewInternalClient>"),
            "192.168.77.9");
}

// Q-20, Q-28, Q-94: the text arrives as it is, and what it means is decided elsewhere.
TEST(Quirks, InternalClients) {
  for (const auto* client : {"", "192.168.77.1", "fe80::1%eth0", "my-console"}) {
    EXPECT_EQ(text_of("NewInternalClient", ">192.168.77.2<", '>' + std::string(client) + '<'),
              client);
  }
}

// Q-21
TEST(Quirks, NoRemoteHost) {
  EXPECT_EQ(text_of("NewRemoteHost", "<NewRemoteHost></NewRemoteHost>", ""), "");
}

// Q-22
TEST(Quirks, RemoteHostsThatMeanAny) {
  for (const auto* host : {"*", "0.0.0.0", "::", "0", "  "}) {
    EXPECT_EQ(text_of("NewRemoteHost", "<NewRemoteHost></NewRemoteHost>",
                      "<NewRemoteHost>" + std::string(host) + "</NewRemoteHost>"),
              "");
    const auto pinhole = parse(
        {View::igd2, ServiceId::wan_ipv6_firewall_control, kFirewall}, "AddPinhole",
        "<RemoteHost>" + std::string(host) +
            "</RemoteHost><RemotePort>0</RemotePort><InternalClient>*</InternalClient>"
            "<InternalPort>6009</InternalPort><Protocol>65535</Protocol><LeaseTime>60</LeaseTime>");
    const auto* call = std::get_if<ActionCall>(&pinhole);
    ASSERT_NE(call, nullptr);
    EXPECT_EQ(call->text("RemoteHost"), "");
    EXPECT_EQ(call->text("InternalClient"), "*");
  }
}

// Q-23
TEST(Quirks, LowerCaseProtocol) {
  EXPECT_EQ(text_of("NewProtocol", ">TCP<", ">udp<"), "UDP");
}

// Q-93
TEST(Quirks, HugeLeases) {
  for (const std::uint32_t lease : {538705920U, 2147483647U, 4294967295U}) {
    const auto control = post(envelope(
        kIp1, "AddPortMapping", with(kAddArguments, ">600<", '>' + std::to_string(lease) + '<')));
    const auto* call = std::get_if<ActionCall>(&control);
    ASSERT_NE(call, nullptr);
    EXPECT_EQ(call->number("NewLeaseDuration"), lease);
  }
}

// Q-61
TEST(Quirks, NaivePaths) {
  auto target = url();
  const auto at = target.find("/control/");
  target.replace(at, 9, "//Control/");
  const auto control =
      parse_control(sample_identity(), {target, std::nullopt, envelope(kIp1, kPlain, "")});
  EXPECT_EQ(action_of(control), kPlain);
}

// What comes after the envelope does not matter.
TEST(Quirks, LineEndAfterTheBody) {
  EXPECT_EQ(action_of(post(std::nullopt, envelope(kIp1, kPlain, "") + "\r\n\r\n")), kPlain);
}

}  // namespace
}  // namespace postern::upnp
