#include <cassert>

#include "protocols/upnp/soap.h"
#include "protocols/upnp/text.h"

namespace postern::upnp {
namespace {

using std::string_view;

// Some clients search replies as text: nothing stands between a tag and its value, and
// arguments have neither prefix nor attributes.
constexpr string_view kBegin =
    "<?xml version=\"1.0\"?>\r\n"
    "<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\" "
    "s:encodingStyle=\"http://schemas.xmlsoap.org/soap/encoding/\"><s:Body>";
constexpr string_view kEnd = "</s:Body></s:Envelope>\r\n";

[[nodiscard]] std::string begin_response(string_view action, string_view type) {
  std::string xml(kBegin);
  xml.append("<u:").append(action).append("Response xmlns:u=\"").append(type).append("\">");
  return xml;
}

[[nodiscard]] std::string end_response(std::string xml, string_view action) {
  return xml.append("</u:").append(action).append("Response>").append(kEnd);
}

}  // namespace

std::string emit_reply(const ActionCall& call, std::span<const Value> values) {
  std::string xml = begin_response(call.action->name, to_string(call.called_as));
  std::size_t next = 0;
  for (const auto& argument : call.action->arguments) {
    if (argument.direction == Direction::in) continue;
    assert(next < values.size());
    const auto& variable = service(call.service).variable_of(argument);
    assert(has_type(values[next], variable.type));
    const auto append = variable.is_document ? append_document : append_element;
    append(xml, argument.name, to_string(values[next++]));
  }
  assert(next == values.size());
  return end_response(std::move(xml), call.action->name);
}

std::string emit_reply(const VariableQuery&, const Value& value) {
  std::string xml = begin_response("QueryStateVariable", "urn:schemas-upnp-org:control-1-0");
  append_element(xml, "return", to_string(value));
  return end_response(std::move(xml), "QueryStateVariable");
}

std::string emit_fault(const Fault& fault) {
  std::string xml(kBegin);
  xml +=
      "<s:Fault><faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring><detail>"
      "<UPnPError xmlns=\"urn:schemas-upnp-org:control-1-0\">";
  append_element(xml, "errorCode", std::to_string(fault.code));
  append_element(xml, "errorDescription", fault.description);
  return xml.append("</UPnPError></detail></s:Fault>").append(kEnd);
}

}  // namespace postern::upnp
