#include "protocols/upnp/gena_message.h"

#include "protocols/upnp/soap.h"
#include "protocols/upnp/text.h"

namespace postern::upnp {
namespace {

[[nodiscard]] std::string emit_properties(std::span<const Property> properties) {
  std::string xml =
      "<?xml version=\"1.0\"?>\r\n"
      "<e:propertyset xmlns:e=\"urn:schemas-upnp-org:event-1-0\">";
  for (const auto& property : properties) {
    xml += "<e:property>";
    // Without a prefix.
    append_element(xml, property.name, property.value);
    xml += "</e:property>";
  }
  return xml += "</e:propertyset>\r\n";
}

}  // namespace

std::string emit_notify(const CallbackUrl& callback, std::string_view sid, std::uint32_t seq,
                        std::span<const Property> properties) {
  const auto body = emit_properties(properties);
  std::string text = "NOTIFY " + callback.path + " HTTP/1.1\r\n";
  const auto add = [&](std::string_view name, std::string_view value) {
    text.append(name).append(": ").append(value).append("\r\n");
  };
  add("HOST", to_string(callback.to));
  add("CONTENT-TYPE", kXmlContentType);
  add("CONTENT-LENGTH", std::to_string(body.size()));
  add("NT", "upnp:event");
  add("NTS", "upnp:propchange");
  add("SID", sid);
  add("SEQ", std::to_string(seq));
  add("CONNECTION", "close");
  return text.append("\r\n").append(body);
}

}  // namespace postern::upnp
