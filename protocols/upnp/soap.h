#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocols/upnp/identity.h"
#include "protocols/upnp/soap_faults.h"
#include "protocols/upnp/soap_values.h"

/// Control (UPnP Device Architecture, chapter 3): between HTTP bodies and values. What an action
/// does is decided elsewhere.
namespace postern::upnp {

struct ControlRequest {
  /// As the client sent it.
  std::string_view target;
  /// The value of SOAPACTION (of 01-SOAPACTION for M-POST), if there is one.
  std::optional<std::string_view> soap_action;
  std::string_view body;
};

/// An action that the service has, with all IN arguments.
struct ActionCall {
  /// Whose URL was called.
  View view = View::igd1;
  ServiceId service = ServiceId::wan_ip_connection;
  /// As the client called it. Its version tells which error codes the client knows, and the reply
  /// repeats it. May differ from `service` only between WANIPConnection and WANPPPConnection.
  ServiceType called_as;
  /// Static.
  const Action* action = nullptr;
  /// The IN arguments, in the order of the table.
  std::vector<Value> arguments;

  /// By the name of an IN argument of that type, which the action must have.
  [[nodiscard]] const std::string& text(std::string_view name) const;
  [[nodiscard]] std::uint32_t number(std::string_view name) const;
  /// For arguments of type ui2.
  [[nodiscard]] std::uint16_t port(std::string_view name) const;
  [[nodiscard]] bool flag(std::string_view name) const;
};

/// QueryStateVariable (deprecated, yet called) for a variable that has a value.
struct VariableQuery {
  View view = View::igd1;
  ServiceId service = ServiceId::wan_ip_connection;
  VariableId variable = VariableId::connection_status;

  friend bool operator==(const VariableQuery&, const VariableQuery&) = default;
};

/// Answered with this HTTP status and no SOAP.
struct TransportError {
  int status = 400;

  friend bool operator==(const TransportError&, const TransportError&) = default;
};

using Control = std::variant<TransportError, Fault, VariableQuery, ActionCall>;

/// Reads a POST. The first of these that fits is the result:
///   1. TransportError 404: no control URL of this gateway;
///   2. TransportError 413: the body is longer than kLongestSoapBody;
///   3. TransportError 400: the body is no SOAP message, see read_envelope();
///   4. 401: header and body name different actions, or another service, or a version or an action
///      that it has not. The action may be one of the version that was asked for or of the version
///      that the view shows;
///   5. 404 (a fault): a query for a variable that has no value;
///   6. 402: an argument is missing or there twice;
///   7. what read_value() finds, in the order of the table.
/// The header may lack quotes or be missing (SOAP-02, SOAP-03); arguments may stand in any order,
/// among unknown ones.
[[nodiscard]] Control parse_control(const Identity& identity, const ControlRequest& request);

/// Of all documents and replies.
inline constexpr std::string_view kXmlContentType = "text/xml; charset=\"utf-8\"";

/// The body of a success reply. `values` are all OUT arguments, of their types, in the order of the
/// table.
[[nodiscard]] std::string emit_reply(const ActionCall& call, std::span<const Value> values);
[[nodiscard]] std::string emit_reply(const VariableQuery& query, const Value& value);
/// The body that comes with HTTP status 500.
[[nodiscard]] std::string emit_fault(const Fault& fault);

}  // namespace postern::upnp
