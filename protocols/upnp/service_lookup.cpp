#include <algorithm>

#include "protocols/upnp/service_table.h"

namespace postern::upnp {

using std::string_view;

string_view to_string(DataType type) {
  switch (type) {
    case DataType::string:
      return "string";
    case DataType::ui2:
      return "ui2";
    case DataType::ui4:
      return "ui4";
    case DataType::boolean:
      return "boolean";
  }
  return "?";
}

string_view device_type(DeviceLevel level) {
  switch (level) {
    case DeviceLevel::root:
      return "InternetGatewayDevice";
    case DeviceLevel::wan:
      return "WANDevice";
    case DeviceLevel::wan_connection:
      return "WANConnectionDevice";
  }
  return "?";
}

std::uint8_t Service::highest_version() const {
  return std::max(versions[0], versions[1]);
}

const Action* Service::find_action(string_view action, std::uint8_t version) const {
  const auto found = std::find_if(actions.begin(), actions.end(), [&](const Action& candidate) {
    return candidate.name == action && candidate.since <= version;
  });
  return found == actions.end() ? nullptr : &*found;
}

const StateVariable* Service::find_variable(string_view variable, std::uint8_t version) const {
  const auto found =
      std::find_if(variables.begin(), variables.end(), [&](const StateVariable& candidate) {
        return candidate.name == variable && candidate.since <= version;
      });
  return found == variables.end() ? nullptr : &*found;
}

const StateVariable& Service::variable_of(const Argument& argument) const {
  return *std::find_if(variables.begin(), variables.end(), [&](const StateVariable& candidate) {
    return candidate.name == argument.variable;
  });
}

const Service& service(ServiceId id) {
  return services()[static_cast<std::size_t>(id)];
}

std::string to_string(const ServiceType& type) {
  std::string text = "urn:schemas-upnp-org:service:";
  text += service(type.service).type;
  return text + ':' + std::to_string(type.version);
}

std::optional<ServiceType> parse_service_type(string_view text) {
  for (const auto& candidate : services()) {
    for (std::uint8_t version = 1; version <= candidate.highest_version(); ++version) {
      const ServiceType type{candidate.id, version};
      if (text == to_string(type)) return type;
    }
  }
  return std::nullopt;
}

}  // namespace postern::upnp
