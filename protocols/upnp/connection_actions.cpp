#include "protocols/upnp/connection_actions.h"

#include <algorithm>
#include <cassert>

#include "core/text.h"
#include "protocols/upnp/text.h"
#include "protocols/upnp/variables.h"

namespace postern::upnp {
namespace {

using std::string_view;

[[nodiscard]] bool is_connection_type(string_view text) {
  const auto& service = upnp::service(ServiceId::wan_ip_connection);
  const auto& allowed = service.find_variable("PossibleConnectionTypes", 1)->allowed;
  return std::find(allowed.begin(), allowed.end(), text) != allowed.end();
}

/// A connection service: "uuid:…:WANConnectionDevice:1,urn:upnp-org:serviceId:WANIPConn1".
struct ConnectionService {
  string_view device;
  string_view service;
};
/// Nothing without a comma.
[[nodiscard]] std::optional<ConnectionService> read_connection_service(string_view text) {
  const auto comma = text.find(',');
  if (comma == string_view::npos) return std::nullopt;
  return ConnectionService{trimmed(text.substr(0, comma)), trimmed(text.substr(comma + 1))};
}

/// Whether it names a service beside the one that the connection has.
[[nodiscard]] bool is_service_of_connection(string_view id, const Invocation& invocation) {
  constexpr string_view kPrefix = "urn:upnp-org:serviceId:";
  if (!id.starts_with(kPrefix)) return false;
  id.remove_prefix(kPrefix.size());
  const auto all = services();
  return std::any_of(all.begin(), all.end(), [&](const Service& service) {
    return service.level == DeviceLevel::wan_connection && service.name == id &&
           invocation.around.identity.offers(invocation.call.view, service);
  });
}

}  // namespace

Outcome get_variables(const Invocation& invocation) {
  const auto& [call, caller, around] = invocation;
  std::vector<Value> values;
  for (const auto& argument : call.action->arguments) {
    const auto id = service(call.service).variable_of(argument).id;
    assert(argument.direction == Direction::out && id);
    values.push_back(value_of(*id, call.view, around));
  }
  return values;
}

Outcome set_connection_type(const Invocation& invocation) {
  if (!is_connection_type(invocation.call.text("NewConnectionType"))) {
    return fail(invocation.by_version(faults::kInvalidArgs, faults::kArgumentValueOutOfRange));
  }
  if (is_connected(invocation.around)) return fail(faults::kInactiveConnectionStateRequired);
  return fail(invocation.by_version(faults::kActionFailed, faults::kReadOnly));
}

Outcome request_connection(const Invocation& invocation) {
  if (!is_connected(invocation.around)) return fail(faults::kConnectionSetupFailed);
  return std::vector<Value>();
}

Outcome force_termination(const Invocation& invocation) {
  return fail(invocation.by_version(faults::kActionFailed, faults::kActionNotAuthorized));
}

Outcome set_default_connection_service(const Invocation& invocation) {
  const auto& [call, caller, around] = invocation;
  const auto own =
      std::get<std::string>(value_of(VariableId::default_connection_service, call.view, around));
  const auto named = read_connection_service(call.text("NewDefaultConnectionService"));
  if (!named) return fail(faults::kInvalidArgs);
  const auto there = read_connection_service(own);
  if (!equals_ignoring_case(named->device, there->device)) return fail(faults::kInvalidDeviceUuid);
  if (named->service == there->service) return std::vector<Value>();
  return fail(is_service_of_connection(named->service, invocation)
                  ? faults::kInvalidConnServiceSelection
                  : faults::kInvalidServiceId);
}

}  // namespace postern::upnp
