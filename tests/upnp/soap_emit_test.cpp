#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocols/upnp/soap_envelope.h"
#include "protocols/upnp/text.h"
#include "tests/upnp/requests.h"

namespace postern::upnp {
namespace {

using namespace test;

[[nodiscard]] ActionCall call_of(std::string_view action, ServiceType type = {}) {
  const auto& of = service(type.service);
  return {View::igd2, type.service, type, of.find_action(action, of.highest_version()), {}};
}

// SOAP-06, Q-39
TEST(EmitReply, IsWhatClientsSearch) {
  const std::array<Value, 1> values{Value("198.51.7.1")};
  EXPECT_EQ(emit_reply(call_of("GetExternalIPAddress"), values),
            "<?xml version=\"1.0\"?>\r\n"
            "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" "
            "s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body>"
            "<u:GetExternalIPAddressResponse "
            "xmlns:u=\"urn:schemas-upnp-org:service:WANIPConnection:1\">"
            "<NewExternalIPAddress>198.51.7.1</NewExternalIPAddress>"
            "</u:GetExternalIPAddressResponse></s:Body></s:Envelope>\r\n");
}

// IGD-024, SOAP-04
TEST(EmitReply, HasTheCallersNamespace) {
  for (const ServiceType type :
       {ServiceType{ServiceId::wan_ip_connection, 1}, ServiceType{ServiceId::wan_ip_connection, 2},
        ServiceType{ServiceId::wan_ppp_connection, 1}}) {
    const auto message = read_envelope(emit_reply(call_of("DeletePortMapping", type), {}));
    ASSERT_TRUE(message);
    EXPECT_EQ(message->action, "DeletePortMappingResponse");
    EXPECT_EQ(message->name_space, to_string(type));
  }
}

// IGD-024
TEST(EmitReply, ListsAllValuesInTheOrderOfTheTable) {
  for (const auto& service : services()) {
    for (const auto& action : service.actions) {
      std::vector<Value> values;
      std::vector<std::string> names;
      for (const auto& argument : action.arguments) {
        if (argument.direction == Direction::in) continue;
        names.emplace_back(argument.name);
        switch (service.variable_of(argument).type) {
          case DataType::string:
            values.emplace_back("");
            break;
          case DataType::ui2:
          case DataType::ui4:
            values.emplace_back(7U);
            break;
          case DataType::boolean:
            values.emplace_back(true);
            break;
        }
      }
      const ServiceType type{service.id, service.highest_version()};
      const auto message =
          read_envelope(emit_reply({View::igd2, service.id, type, &action, {}}, values));
      ASSERT_TRUE(message) << action.name;
      EXPECT_EQ(message->name_space, to_string(type));
      ASSERT_EQ(message->arguments.size(), names.size()) << action.name;
      for (std::size_t i = 0; i < names.size(); ++i) {
        EXPECT_EQ(message->arguments[i].name, names[i]);
        EXPECT_EQ(message->arguments[i].text, to_string(values[i]));
      }
    }
  }
}

// IGD-025
TEST(EmitReply, KeepsTextWhole) {
  for (const auto* text : {"a<b&\"c", "]]>", "</NewInternalClient>", "é😀", "&amp;", "'"}) {
    const std::vector<Value> values{Value(80U), Value("192.168.77.2"), Value(false), Value(text),
                                    Value(0U)};
    const auto xml = emit_reply(call_of("GetSpecificPortMappingEntry"), values);
    const auto message = read_envelope(xml);
    ASSERT_TRUE(message) << xml;
    EXPECT_EQ(message->arguments.at(3).text, text);
    EXPECT_EQ(message->arguments.at(2).text, "0");
  }
}

TEST(EmitReply, HasNoControlCharacters) {
  const std::array<Value, 1> values{Value("a\x01\x1b\xff")};
  const auto xml = emit_reply(call_of("GetExternalIPAddress"), values);
  const auto message = read_envelope(xml);
  ASSERT_TRUE(message) << xml;
  EXPECT_EQ(message->arguments.at(0).text, "a???");
}

// SOAP-07, Q-38
TEST(EmitFault, IsWhatClientsSearch) {
  EXPECT_EQ(emit_fault(faults::kConflictInMappingEntry),
            "<?xml version=\"1.0\"?>\r\n"
            "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" "
            "s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body>"
            "<s:Fault><faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring>"
            "<detail><UPnPError xmlns=\"urn:schemas-upnp-org:control-1-0\">"
            "<errorCode>718</errorCode><errorDescription>ConflictInMappingEntry</errorDescription>"
            "</UPnPError></detail></s:Fault></s:Body></s:Envelope>\r\n");
}

// SOAP-10
TEST(EmitReply, AnswersQueries) {
  const VariableQuery query{View::igd1, ServiceId::wan_ip_connection,
                            VariableId::connection_status};
  const auto message = read_envelope(emit_reply(query, Value("Connected")));
  ASSERT_TRUE(message);
  EXPECT_EQ(message->action, "QueryStateVariableResponse");
  EXPECT_EQ(message->name_space, "urn:schemas-upnp-org:control-1-0");
  ASSERT_EQ(message->arguments.size(), 1U);
  EXPECT_EQ(message->arguments[0].name, "return");
  EXPECT_EQ(message->arguments[0].text, "Connected");
}

// What a client sends is understood as what it meant, for every action.
TEST(ParseControl, RoundTrip) {
  for (const auto& service : services()) {
    const auto view = service.version_in(View::igd2) == 0 ? View::igd1 : View::igd2;
    const auto type = to_string(ServiceType{service.id, service.version_in(view)});
    for (const auto& action : service.actions) {
      if (action.since > service.version_in(view)) continue;
      std::string arguments;
      std::vector<Value> values;
      for (const auto& argument : action.arguments) {
        if (argument.direction == Direction::out) break;
        const auto& variable = service.variable_of(argument);
        if (variable.type == DataType::boolean) {
          values.emplace_back(true);
        } else if (variable.type == DataType::string) {
          values.emplace_back(variable.allowed.empty() ? "a<b&c"
                                                       : std::string(variable.allowed[1]));
        } else {
          values.emplace_back(static_cast<std::uint32_t>(40000 + values.size()));
        }
        append_element(arguments, argument.name, to_string(values.back()));
      }
      const auto control = parse({view, service.id, type}, action.name, arguments);
      const auto* call = std::get_if<ActionCall>(&control);
      ASSERT_NE(call, nullptr) << action.name;
      EXPECT_EQ(call->action, &action);
      EXPECT_EQ(call->arguments, values) << action.name;
    }
  }
}

}  // namespace
}  // namespace postern::upnp
