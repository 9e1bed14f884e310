#include "protocols/upnp/description.h"

#include <algorithm>
#include <string_view>

#include "protocols/upnp/text.h"

namespace postern::upnp {
namespace {

using std::string_view;

constexpr string_view kDeclaration = "<?xml version=\"1.0\"?>\n";
constexpr string_view kSpecVersion =
    "<specVersion><major>1</major><minor>0</minor></specVersion>\n";

/// Clients do not like empty elements (IGD-003).
void append_if_any(std::string& xml, string_view name, string_view text) {
  if (!text.empty()) append_element(xml, name, text);
}

/// Some clients take the first controlURL after the type's text, so the type is first.
void append_service(std::string& xml, const Identity& identity, View view, const Service& service) {
  const auto path = [&](ResourceKind kind) { return path_of(identity, {kind, view, service.id}); };
  xml += "<service>";
  append_element(xml, "serviceType", to_string(ServiceType{service.id, service.version_in(view)}));
  append_element(xml, "serviceId", "urn:upnp-org:serviceId:" + std::string(service.name));
  append_element(xml, "SCPDURL", path(ResourceKind::scpd));
  append_element(xml, "controlURL", path(ResourceKind::control));
  append_element(xml, "eventSubURL", path(ResourceKind::event));
  xml += "</service>\n";
}

/// The start of a device, up to and with its services.
void append_device(std::string& xml, const Identity& identity, View view, DeviceLevel level) {
  const bool is_root = level == DeviceLevel::root;
  const auto type = std::string(device_type(level));
  xml += "<device>\n";
  append_element(
      xml, "deviceType",
      "urn:schemas-upnp-org:device:" + type + ':' + std::to_string(device_version(view)));
  append_element(xml, "friendlyName", is_root ? identity.friendly_name : type);
  append_element(xml, "manufacturer", "Postern");
  append_element(xml, "modelDescription", "Port mapping gateway");
  append_element(xml, "modelName", "Postern");
  append_if_any(xml, "modelNumber", identity.model_number);
  append_element(xml, "UDN", identity.udn(view, level));
  xml += "\n<serviceList>\n";
  for (const auto& service : services()) {
    if (service.level == level && identity.offers(view, service)) {
      append_service(xml, identity, view, service);
    }
  }
  xml += "</serviceList>\n";
}

void append_action(std::string& xml, const Action& action) {
  xml += "<action>";
  append_element(xml, "name", action.name);
  if (!action.arguments.empty()) xml += "\n<argumentList>\n";
  for (const auto& argument : action.arguments) {
    xml += "<argument>";
    append_element(xml, "name", argument.name);
    append_element(xml, "direction", argument.direction == Direction::in ? "in" : "out");
    append_element(xml, "relatedStateVariable", argument.variable);
    xml += "</argument>\n";
  }
  if (!action.arguments.empty()) xml += "</argumentList>\n";
  xml += "</action>\n";
}

void append_variable(std::string& xml, const StateVariable& variable, std::uint8_t version) {
  xml += variable.is_evented ? "<stateVariable sendEvents=\"yes\">"
                             : "<stateVariable sendEvents=\"no\">";
  append_element(xml, "name", variable.name);
  append_element(xml, "dataType", to_string(variable.type));
  const bool has_limits = variable.limits_since <= version;
  if (has_limits) append_if_any(xml, "defaultValue", variable.default_value);
  if (!variable.allowed.empty()) {
    xml += "<allowedValueList>";
    for (const auto value : variable.allowed) append_element(xml, "allowedValue", value);
    xml += "</allowedValueList>";
  }
  if (has_limits && variable.range) {
    xml += "<allowedValueRange>";
    append_element(xml, "minimum", std::to_string(variable.range->minimum));
    append_element(xml, "maximum", std::to_string(variable.range->maximum));
    xml += "</allowedValueRange>";
  }
  xml += "</stateVariable>\n";
}

/// FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/), to be continued with the next text.
[[nodiscard]] std::uint32_t hash_text(std::uint32_t hash, string_view text) {
  for (const char c : text) {
    hash = (hash ^ static_cast<std::uint8_t>(c)) * 16777619U;
  }
  return hash;
}

}  // namespace

std::string root_description(const Identity& identity, View view, std::uint32_t config) {
  std::string xml(kDeclaration);
  xml += "<root xmlns=\"urn:schemas-upnp-org:device-1-0\" configId=\"" + std::to_string(config);
  xml.append("\">\n").append(kSpecVersion);
  append_device(xml, identity, view, DeviceLevel::root);
  xml += "<deviceList>\n";
  append_device(xml, identity, view, DeviceLevel::wan);
  xml += "<deviceList>\n";
  append_device(xml, identity, view, DeviceLevel::wan_connection);
  xml += "</device>\n</deviceList>\n</device>\n</deviceList>\n";
  append_if_any(xml, "presentationURL", identity.presentation_url);
  return xml += "</device>\n</root>\n";
}

std::string scpd(const Service& service, View view) {
  const auto version = service.version_in(view);
  std::string xml(kDeclaration);
  xml.append("<scpd xmlns=\"urn:schemas-upnp-org:service-1-0\">\n").append(kSpecVersion);
  xml += "<actionList>\n";
  for (const auto& action : service.actions) {
    if (action.since <= version) append_action(xml, action);
  }
  xml += "</actionList>\n<serviceStateTable>\n";
  for (const auto& variable : service.variables) {
    if (variable.since <= version) append_variable(xml, variable, version);
  }
  return xml += "</serviceStateTable>\n</scpd>\n";
}

Documents::Documents(const Identity& identity) {
  constexpr std::uint32_t kFnvBasis = 2166136261;
  std::uint32_t hash = kFnvBasis;
  for (const auto view : kViews) {
    hash = hash_text(hash, root_description(identity, view, 0));
    for (const auto& service : services()) {
      if (!identity.offers(view, service)) continue;
      documents_.push_back({{ResourceKind::scpd, view, service.id}, scpd(service, view)});
      hash = hash_text(hash, documents_.back().xml);
    }
  }
  config_id_ = (hash >> 24 ^ hash) & 0xffffff;
  for (const auto view : kViews) {
    documents_.push_back({{ResourceKind::description, view, std::nullopt},
                          root_description(identity, view, config_id_)});
  }
}

const std::string* Documents::find(const Resource& resource) const {
  const auto found =
      std::find_if(documents_.begin(), documents_.end(),
                   [&](const Document& document) { return document.resource == resource; });
  return found == documents_.end() ? nullptr : &found->xml;
}

std::uint32_t config_id(const Identity& identity) {
  return Documents(identity).config_id();
}

}  // namespace postern::upnp
