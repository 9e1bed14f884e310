#include <algorithm>
#include <cassert>

#include "protocols/upnp/paths.h"
#include "protocols/upnp/soap.h"
#include "protocols/upnp/soap_envelope.h"
#include "protocols/upnp/text.h"

namespace postern::upnp {
namespace {

using std::string_view;

constexpr string_view kControlType = "urn:schemas-upnp-org:control-1-0";
constexpr string_view kQuery = "QueryStateVariable";

/// What a client says it calls.
struct Named {
  string_view type;
  string_view action;
};

/// `"urn:…:WANIPConnection:1#AddPortMapping"`, with any or no quotes. Nothing for a header that
/// says nothing, which SOAP 1.1 §6.1.1 allows.
[[nodiscard]] std::optional<Named> read_header(std::optional<string_view> header) {
  constexpr string_view kAround = "\"' \t";
  if (!header) return std::nullopt;
  const auto begin = header->find_first_not_of(kAround);
  if (begin == string_view::npos) return std::nullopt;
  const auto text = header->substr(begin, header->find_last_not_of(kAround) - begin + 1);
  const auto hash = text.rfind('#');
  if (hash == string_view::npos) return Named{text, {}};
  return Named{text.substr(0, hash), text.substr(hash + 1)};
}

/// WANPPPConnection is another name for WANIPConnection (SOAP-04).
[[nodiscard]] bool is_same_service(ServiceId left, ServiceId right) {
  const auto plain = [](ServiceId id) {
    return id == ServiceId::wan_ppp_connection ? ServiceId::wan_ip_connection : id;
  };
  return plain(left) == plain(right);
}

/// The service type that header and body agree on; nothing when they do not, or when it is not of
/// this URL. The versions may differ, then the header's counts. Where a header names the type, the
/// body's may be missing, for a prefix that was never declared is a common mistake.
[[nodiscard]] std::optional<ServiceType> agreed_type(ServiceId of_url,
                                                     const std::optional<Named>& header,
                                                     const SoapMessage& message) {
  std::optional<ServiceType> agreed;
  const auto agree = [&](string_view text) {
    const auto type = parse_service_type(text);
    if (!type || !is_same_service(type->service, of_url)) return false;
    if (!agreed) agreed = type;
    return true;
  };
  if (header && (header->action != message.action || !agree(header->type))) return std::nullopt;
  if (header && message.name_space.empty()) return agreed;
  return agree(message.name_space) ? agreed : std::nullopt;
}

[[nodiscard]] bool is_query(const std::optional<Named>& header, const SoapMessage& message) {
  return message.action == kQuery && (header ? header->type : message.name_space) == kControlType;
}

[[nodiscard]] Control parse_query(const Resource& url, const std::optional<Named>& header,
                                  const SoapMessage& message) {
  if (header && header->action != kQuery) return faults::kInvalidAction;
  const auto& service = upnp::service(*url.service);
  const auto named =
      std::find_if(message.arguments.begin(), message.arguments.end(),
                   [](const SoapArgument& argument) { return argument.name == "varName"; });
  if (named == message.arguments.end() || !named->text) return faults::kInvalidVar;
  const auto* variable = service.find_variable(trimmed(*named->text), service.version_in(url.view));
  if (!variable || !variable->id) return faults::kInvalidVar;
  return VariableQuery{url.view, service.id, *variable->id};
}

/// The text of an argument; 402 when there is not exactly one.
[[nodiscard]] Result<string_view, Fault> find_text(const Argument& argument,
                                                   const SoapMessage& message) {
  const SoapArgument* found = nullptr;
  for (const auto& candidate : message.arguments) {
    if (candidate.name != argument.name) continue;
    if (found || !candidate.text) return fail(faults::kInvalidArgs);
    found = &candidate;
  }
  if (found) return string_view(*found->text);
  if (argument.reading == Reading::optional_remote_host) return string_view();
  return fail(faults::kInvalidArgs);
}

[[nodiscard]] Result<std::vector<Value>, Fault> read_arguments(const Service& service,
                                                               const Action& action,
                                                               const SoapMessage& message) {
  std::vector<string_view> texts;
  for (const auto& argument : action.arguments) {
    if (argument.direction == Direction::out) break;
    const auto text = find_text(argument, message);
    if (!text) return fail(text.error());
    texts.push_back(*text);
  }
  std::vector<Value> values;
  for (const auto text : texts) {
    const auto& argument = action.arguments[values.size()];
    auto value = read_value(argument, service.variable_of(argument), text);
    if (!value) return fail(value.error());
    values.push_back(std::move(*value));
  }
  return values;
}

}  // namespace

Control parse_control(const Identity& identity, const ControlRequest& request) {
  const auto url = find_resource(identity, request.target);
  if (!url || url->kind != ResourceKind::control) return TransportError{404};
  if (request.body.size() > kLongestSoapBody) return TransportError{413};
  const auto message = read_envelope(request.body);
  if (!message) return TransportError{400};
  const auto header = read_header(request.soap_action);
  if (is_query(header, *message)) return parse_query(*url, header, *message);

  const auto type = agreed_type(*url->service, header, *message);
  if (!type) return faults::kInvalidAction;
  const auto& service = upnp::service(*url->service);
  const auto* action =
      service.find_action(message->action, std::max(type->version, service.version_in(url->view)));
  if (!action) return faults::kInvalidAction;
  auto arguments = read_arguments(service, *action, *message);
  if (!arguments) return arguments.error();
  return ActionCall{url->view, service.id, *type, action, std::move(*arguments)};
}

namespace {

template <class T>
[[nodiscard]] const T& argument_of(const ActionCall& call, string_view name) {
  const auto arguments = call.action->arguments;
  const auto found =
      std::find_if(arguments.begin(), arguments.end(), [&](const Argument& argument) {
        return argument.direction == Direction::in && argument.name == name;
      });
  assert(found != arguments.end());
  const auto* value =
      std::get_if<T>(&call.arguments[static_cast<std::size_t>(found - arguments.begin())]);
  assert(value);
  return *value;
}

}  // namespace

const std::string& ActionCall::text(string_view name) const {
  return argument_of<std::string>(*this, name);
}

std::uint32_t ActionCall::number(string_view name) const {
  return argument_of<std::uint32_t>(*this, name);
}

std::uint16_t ActionCall::port(string_view name) const {
  return static_cast<std::uint16_t>(number(name));
}

bool ActionCall::flag(string_view name) const {
  return argument_of<bool>(*this, name);
}

}  // namespace postern::upnp
