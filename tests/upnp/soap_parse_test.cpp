#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocols/upnp/soap_envelope.h"
#include "protocols/upnp/text.h"
#include "tests/upnp/requests.h"

namespace postern::upnp {
namespace {

using namespace test;
using testing::ElementsAre;

[[nodiscard]] const ActionCall* as_call(const Control& control) {
  return std::get_if<ActionCall>(&control);
}
/// 0 when it is no fault.
[[nodiscard]] int fault_of(const Control& control) {
  const auto* fault = std::get_if<Fault>(&control);
  return fault ? fault->code : 0;
}
/// 0 when it is no transport error.
[[nodiscard]] int status_of(const Control& control) {
  const auto* error = std::get_if<TransportError>(&control);
  return error ? error->status : 0;
}

constexpr Call kFirst{View::igd1, ServiceId::wan_ip_connection, kIp1};
constexpr Call kSecond{View::igd2, ServiceId::wan_ip_connection, kIp2};
constexpr Call kFirewallCall{View::igd2, ServiceId::wan_ipv6_firewall_control, kFirewall};

// SOAP-01
TEST(ParseControl, GivesTypedArguments) {
  const auto control = parse(kFirst, "AddPortMapping", kAddArguments);
  const auto* call = as_call(control);
  ASSERT_NE(call, nullptr);
  EXPECT_EQ(call->view, View::igd1);
  EXPECT_EQ(call->service, ServiceId::wan_ip_connection);
  EXPECT_EQ(call->called_as, (ServiceType{ServiceId::wan_ip_connection, 1}));
  EXPECT_EQ(call->action->id, ActionId::add_port_mapping);
  EXPECT_THAT(call->arguments,
              ElementsAre(Value(""), Value(7000U), Value("TCP"), Value(6000U),
                          Value("192.168.77.2"), Value(true), Value("a game"), Value(600U)));
  EXPECT_EQ(call->text("NewProtocol"), "TCP");
  EXPECT_EQ(call->port("NewInternalPort"), 6000);
  EXPECT_EQ(call->number("NewLeaseDuration"), 600U);
  EXPECT_TRUE(call->flag("NewEnabled"));
}

// IGD-152, 161
TEST(ParseControl, GivesArgumentsInTheOrderOfTheTable) {
  // The order of miniupnpc.
  const auto control =
      parse(kFirewallCall, "AddPinhole",
            "<RemoteHost></RemoteHost><RemotePort>0</RemotePort><Protocol>6</Protocol>"
            "<InternalPort>6009</InternalPort><InternalClient>2a02::2</InternalClient>"
            "<LeaseTime>600</LeaseTime>");
  const auto* call = as_call(control);
  ASSERT_NE(call, nullptr);
  EXPECT_THAT(call->arguments, ElementsAre(Value(""), Value(0U), Value("2a02::2"), Value(6009U),
                                           Value(6U), Value(600U)));
  EXPECT_NE(as_call(parse(kFirewallCall, "UpdatePinhole",
                          "<UniqueID>7</UniqueID><NewLeaseTime>60</NewLeaseTime>")),
            nullptr);
}

// IGD-020
TEST(ParseControl, NeedsEveryArgumentOfEveryAction) {
  for (const auto& service : services()) {
    const auto view = service.version_in(View::igd2) == 0 ? View::igd1 : View::igd2;
    const auto type = to_string(ServiceType{service.id, service.version_in(view)});
    const Call call{view, service.id, type};
    for (const auto& action : service.actions) {
      if (action.since > service.version_in(view)) continue;
      const auto arguments_without = [&](const Argument* left_out) {
        std::string xml;
        for (const auto& argument : action.arguments) {
          if (&argument == left_out || argument.direction == Direction::out) continue;
          append_element(xml, argument.name,
                         argument.variable == "PortMappingProtocol" ? "TCP" : "1");
        }
        return xml;
      };
      EXPECT_NE(as_call(parse(call, action.name, arguments_without(nullptr))), nullptr)
          << action.name;
      for (const auto& argument : action.arguments) {
        if (argument.direction == Direction::out) continue;
        const auto control = parse(call, action.name, arguments_without(&argument));
        // Q-21, IGD-101
        const int expected = argument.name == "NewRemoteHost" ? 0 : 402;
        EXPECT_EQ(fault_of(control), expected) << action.name << ' ' << argument.name;
      }
    }
  }
}

// Which of two arguments was meant nobody can say.
TEST(ParseControl, RefusesAnArgumentThatIsThereTwice) {
  const auto twice = std::string(kAddArguments) + "<NewExternalPort>7001</NewExternalPort>";
  EXPECT_EQ(fault_of(parse(kFirst, "AddPortMapping", twice)), 402);
}

TEST(ParseControl, RefusesElementsWhereTextBelongs) {
  EXPECT_EQ(
      fault_of(parse(kFirst, "AddPortMapping", with(kAddArguments, ">7000<", "><b>7000</b><"))),
      402);
}

// IGD-020, 021, 022, 153, 155
TEST(ParseControl, RefusesWrongValues) {
  struct Case {
    const char* from;
    const char* to;
    int fault;
  };
  for (const auto& [from, to, fault] :
       {Case{">7000<", ">65536<", 601}, Case{">7000<", ">-1<", 601}, Case{">7000<", ">80abc<", 402},
        Case{">7000<", "><", 402}, Case{">TCP<", ">ICMP<", 601}, Case{">1<", ">maybe<", 402},
        Case{">600<", ">99999999999<", 601}, Case{">600<", "><", 402}}) {
    EXPECT_EQ(fault_of(parse(kSecond, "AddPortMapping", with(kAddArguments, from, to))), fault)
        << to;
  }
  const std::string pinhole =
      "<RemoteHost/><RemotePort>0</RemotePort><InternalClient>2a02::2</InternalClient>"
      "<InternalPort>6009</InternalPort><Protocol>6</Protocol><LeaseTime>600</LeaseTime>";
  EXPECT_EQ(fault_of(parse(kFirewallCall, "AddPinhole", with(pinhole, ">6<", ">TCP<"))), 402);
  EXPECT_EQ(fault_of(parse(kFirewallCall, "AddPinhole", with(pinhole, ">600<", ">0<"))), 402);
  EXPECT_EQ(fault_of(parse(kFirewallCall, "AddPinhole", with(pinhole, ">600<", ">86401<"))), 402);
}

// IGD-027: what is missing counts before what is wrong.
TEST(ParseControl, LooksForAllArgumentsFirst) {
  EXPECT_EQ(fault_of(parse(kSecond, "DeletePortMapping",
                           "<NewRemoteHost/><NewExternalPort>65536</NewExternalPort>")),
            402);
}

// IGD-028
TEST(ParseControl, RefusesUnknownActions) {
  for (const auto* action : {"Foo", "RequestTermination", "addportmapping", "GetTotalBytesSent"}) {
    EXPECT_EQ(fault_of(parse(kSecond, action, "")), 401) << action;
  }
}

// SOAP-04, IGD-004, Q-62, Q-88
TEST(ParseControl, TakesEveryImplementedVersion) {
  for (const auto view : kViews) {
    for (const auto type : {kIp1, kIp2}) {
      const Call call{view, ServiceId::wan_ip_connection, type};
      const auto control = parse(call, "AddPortMapping", kAddArguments);
      ASSERT_NE(as_call(control), nullptr) << type;
      EXPECT_EQ(to_string(as_call(control)->called_as), type);
      // Of version 2: callable where the request or the description speaks of version 2.
      const bool is_first = view == View::igd1 && type == kIp1;
      EXPECT_EQ(fault_of(parse(call, "AddAnyPortMapping", kAddArguments)), is_first ? 401 : 0);
    }
    for (const auto* type : {"urn:schemas-upnp-org:service:WANIPConnection:3",
                             "urn:schemas-upnp-org:service:WANIPConnection:0",
                             "urn:schemas-upnp-org:service:WANCommonInterfaceConfig:1",
                             "urn:schemas-upnp-org:service:Nothing:1", "WANIPConnection:1"}) {
      const Call call{view, ServiceId::wan_ip_connection, type};
      EXPECT_EQ(fault_of(parse(call, "GetStatusInfo", "")), 401) << type;
    }
  }
}

// SOAP-04, IGD-010, Q-13
TEST(ParseControl, TakesPppForIp) {
  constexpr std::string_view kPpp = "urn:schemas-upnp-org:service:WANPPPConnection:1";
  for (const auto service : {ServiceId::wan_ip_connection, ServiceId::wan_ppp_connection}) {
    for (const auto type : {kPpp, kIp1}) {
      const auto control = parse({View::igd1, service, type}, "GetExternalIPAddress", "");
      ASSERT_NE(as_call(control), nullptr);
      EXPECT_EQ(as_call(control)->service, service);
      EXPECT_EQ(to_string(as_call(control)->called_as), type);
    }
  }
  EXPECT_EQ(fault_of(parse({View::igd1, ServiceId::wan_ppp_connection, kPpp}, "AddAnyPortMapping",
                           kAddArguments)),
            401);
  EXPECT_EQ(fault_of(parse({View::igd2, ServiceId::wan_common_interface_config, kPpp},
                           "GetExternalIPAddress", "")),
            401);
}

[[nodiscard]] Control post(std::string_view target, std::optional<std::string_view> header,
                           std::string_view body) {
  return parse_control(sample_identity(), {target, header, body});
}
[[nodiscard]] Control post_body(std::string_view body) {
  return post(control_url(View::igd2, ServiceId::wan_ip_connection), std::nullopt, body);
}

// SOAP-08
TEST(ParseControl, TellsTransportErrors) {
  const auto body = envelope(kIp2, "GetStatusInfo", "");
  const auto url = control_url(View::igd2, ServiceId::wan_ip_connection);
  EXPECT_EQ(status_of(post("/", std::nullopt, body)), 404);
  EXPECT_EQ(status_of(post(description_path(sample_identity(), View::igd2), std::nullopt, body)),
            404);
  EXPECT_EQ(status_of(post(with(url, "/control/", "/event/"), std::nullopt, body)), 404);
  EXPECT_EQ(status_of(post(control_url(View::igd1, ServiceId::wan_ipv6_firewall_control),
                           std::nullopt, body)),
            404);
  EXPECT_EQ(status_of(post_body("")), 400);
  EXPECT_EQ(status_of(post_body("GET / HTTP/1.0")), 400);
  EXPECT_EQ(status_of(post_body("<Envelope/>")), 400);
  EXPECT_EQ(status_of(post_body("<Envelope><Body/></Envelope>")), 400);
  EXPECT_EQ(status_of(post_body("<Envelope><Body>x</Body></Envelope>")), 400);
  EXPECT_EQ(status_of(post_body("<html><Body><a/></Body></html>")), 400);
  EXPECT_EQ(status_of(post_body("<Envelope><Body><a></b></Body></Envelope>")), 400);
  EXPECT_NE(as_call(post_body(body)), nullptr);
}

// HTTP-08, HTTP-12
TEST(ParseControl, BoundsTheBody) {
  const auto body_with = [](std::string_view extra) {
    return envelope(kIp2, "GetStatusInfo", extra);
  };
  const auto spare = kLongestSoapBody - body_with("").size();
  EXPECT_NE(as_call(post_body(body_with(std::string(spare, ' ')))), nullptr);
  EXPECT_EQ(status_of(post_body(body_with(std::string(spare + 1, ' ')))), 413);

  const auto elements = [&](std::size_t count) {
    std::string xml;
    for (std::size_t i = 0; i < count; ++i) xml += "<a/>";
    return body_with(xml);
  };
  constexpr std::size_t kOfEnvelope = 7;
  EXPECT_NE(as_call(post_body(elements(kMostMarkup - kOfEnvelope))), nullptr);
  EXPECT_EQ(status_of(post_body(elements(kMostMarkup - kOfEnvelope + 1))), 400);

  std::string deep;
  for (std::size_t i = 0; i < kMostMarkup; ++i) deep += "<a>";
  EXPECT_EQ(status_of(post_body(body_with(deep))), 400);
  EXPECT_EQ(status_of(post_body(std::string(kLongestSoapBody, '<'))), 400);
}

// HTTP-12
TEST(ParseControl, ExpandsNothing) {
  const auto body =
      envelope(kIp2, "GetSpecificPortMappingEntry",
               "<NewRemoteHost>&e;</NewRemoteHost><NewExternalPort>1</NewExternalPort>"
               "<NewProtocol>TCP</NewProtocol>");
  const auto control = post_body(body);
  const auto* call = as_call(control);
  ASSERT_NE(call, nullptr);
  EXPECT_EQ(call->text("NewRemoteHost"), "&e;");
  for (const auto* type :
       {"<!DOCTYPE a [<!ENTITY e \"x\">]>", "<!DOCTYPE a SYSTEM \"file:///x\">", "<!DOCTYPE a>"}) {
    EXPECT_EQ(status_of(post_body(with(body, "<s:Envelope ", type + std::string("<s:Envelope ")))),
              400)
        << type;
  }
  EXPECT_EQ(status_of(post_body(with(body, "&e;", "<!ENTITY e \"x\">"))), 400);
}

TEST(ParseControl, RefusesNul) {
  const auto body = envelope(kIp2, "DeletePortMapping", kAddArguments);
  using namespace std::string_literals;
  EXPECT_EQ(status_of(post_body(with(body, ">7000<", ">7000\0x<"s))), 400);
  EXPECT_EQ(status_of(post_body(with(body, ">7000<", ">7000&#0;x<"))), 400);
  EXPECT_EQ(status_of(post_body(with(body, ">7000<", ">7000&#x0000;x<"))), 400);
  EXPECT_EQ(status_of(post_body(body + "\0"s)), 400);
}

// SOAP-03
TEST(ParseControl, WantsHeaderAndBodyToAgree) {
  const auto url = control_url(View::igd2, ServiceId::wan_ip_connection);
  const auto body = envelope(kIp2, "GetStatusInfo", "");
  const auto ask = [&](std::string_view type, std::string_view action) {
    return post(url, std::string(type) + '#' + std::string(action), body);
  };
  EXPECT_EQ(fault_of(ask(kIp2, "GetExternalIPAddress")), 401);
  EXPECT_EQ(fault_of(ask(kFirewall, "GetStatusInfo")), 401);
  EXPECT_EQ(fault_of(post(url, kIp2, body)), 401);
  EXPECT_EQ(fault_of(post(url, "GetStatusInfo", body)), 401);
  const auto other = envelope(kFirewall, "GetStatusInfo", "");
  EXPECT_EQ(fault_of(post(url, std::string(kIp2) + "#GetStatusInfo", other)), 401);
  // The versions may differ.
  const auto control = ask(kIp1, "GetStatusInfo");
  ASSERT_NE(as_call(control), nullptr);
  EXPECT_EQ(to_string(as_call(control)->called_as), kIp1);
  // With neither header nor namespace there is no service.
  EXPECT_EQ(fault_of(post_body(with(body, kIp2, ""))), 401);
}

[[nodiscard]] Control query(View view, ServiceId service, std::string_view variable) {
  constexpr std::string_view kType = "urn:schemas-upnp-org:control-1-0";
  std::string arguments;
  append_element(arguments, "u:varName", variable);
  return parse({view, service, kType}, "QueryStateVariable", arguments);
}

// SOAP-10
TEST(ParseQuery, KnowsEveryVariableThatHasAValue) {
  for (const auto view : kViews) {
    for (const auto& service : services()) {
      if (service.version_in(view) == 0) continue;
      for (const auto& variable : service.variables) {
        const auto control = query(view, service.id, variable.name);
        if (variable.id && variable.since <= service.version_in(view)) {
          const VariableQuery expected{view, service.id, *variable.id};
          ASSERT_TRUE(std::holds_alternative<VariableQuery>(control)) << variable.name;
          EXPECT_EQ(std::get<VariableQuery>(control), expected) << variable.name;
        } else {
          EXPECT_EQ(fault_of(control), 404) << variable.name;
        }
      }
    }
  }
}

TEST(ParseQuery, RefusesTheOthers) {
  EXPECT_EQ(fault_of(query(View::igd1, ServiceId::wan_ip_connection, "Foo")), 404);
  EXPECT_EQ(fault_of(query(View::igd1, ServiceId::wan_ip_connection, "")), 404);
  EXPECT_EQ(fault_of(query(View::igd2, ServiceId::layer3_forwarding, "ConnectionStatus")), 404);
  const Call call{View::igd1, ServiceId::wan_ip_connection, "urn:schemas-upnp-org:control-1-0"};
  EXPECT_EQ(fault_of(parse(call, "QueryStateVariable", "")), 404);
  EXPECT_EQ(fault_of(parse(call, "GetStatusInfo", "")), 401);
  EXPECT_EQ(fault_of(parse(kFirst, "QueryStateVariable", "<varName>Uptime</varName>")), 401);
}

}  // namespace
}  // namespace postern::upnp
