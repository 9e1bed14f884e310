#include "protocols/upnp/http_frontend.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "core/text.h"
#include "protocols/upnp/actions.h"
#include "protocols/upnp/http_gate.h"
#include "protocols/upnp/invocation.h"
#include "protocols/upnp/text.h"
#include "protocols/upnp/variables.h"

namespace postern::upnp {
namespace {

using std::string_view;

constexpr string_view kSuccess = "success";
constexpr string_view kBadRequest = "bad request";

/// An answer to what asked nothing of the mapping table.
[[nodiscard]] HttpHandled final_answer(HttpReply reply, string_view request, string_view outcome) {
  return {std::move(reply), kFrontendName, request, outcome, /*is_final=*/true};
}

[[nodiscard]] HttpReply status_reply(int status) {
  HttpReply reply;
  reply.status = status;
  return reply;
}

[[nodiscard]] HttpReply xml_reply(const HttpRequest& request, int status, std::string xml) {
  auto reply = status_reply(status);
  reply.headers = {{"Content-Type", std::string(kXmlContentType)}};
  // All texts are English (HTTP-11).
  if (request.find("Accept-Language")) reply.headers.push_back({"Content-Language", "en"});
  reply.body = std::move(xml);
  return reply;
}

[[nodiscard]] HttpReply soap_reply(const HttpRequest& request, int status, std::string xml) {
  auto reply = xml_reply(request, status, std::move(xml));
  reply.headers.push_back({"EXT", ""});
  return reply;
}

[[nodiscard]] HttpReply fault_reply(const HttpRequest& request, const Fault& fault) {
  return soap_reply(request, 500, emit_fault(fault));
}

/// The prefix of a client's extension headers: "01" of `MAN: "http://…"; ns=01` (RFC 2774 §3.1).
[[nodiscard]] string_view extension_prefix(string_view man) {
  constexpr string_view kName = "ns=";
  const auto at = man.rfind(kName);
  if (at == string_view::npos) return {};
  const auto value = man.substr(at + kName.size());
  return value.substr(0, value.find_first_not_of("0123456789"));
}

[[nodiscard]] std::optional<string_view> soap_action_of(const HttpRequest& request) {
  constexpr string_view kName = "SOAPACTION";
  if (request.method == "M-POST") {
    auto name = std::string(extension_prefix(request.find("MAN").value_or("")));
    if (const auto action = request.find(name.append("-").append(kName))) return action;
  }
  return request.find(kName);
}

[[nodiscard]] string_view gena_outcome(int status) {
  switch (status) {
    case 200:
      return kSuccess;
    case 400:
      return "incompatible headers";
    case 503:
      return "too many subscriptions";
    default:
      return "precondition failed";
  }
}

[[nodiscard]] string_view transport_outcome(int status) {
  return status == 413 ? "too long" : "no SOAP";
}

}  // namespace

Frontend::Frontend(const Identity& identity, const Settings& settings, const Kernel& kernel,
                   Eventing::NewUuid new_uuid, std::uint64_t random)
    : identity_(identity),
      settings_(settings),
      kernel_(kernel),
      documents_(identity),
      eventing_(std::move(new_uuid),
                [this](std::uint32_t interface_index, const Address& left, const Address& right) {
                  return kernel_.neighbours.are_one_host(interface_index, left, right);
                }) {
  services_.pinhole_ids = PinholeIds(random);
}

std::optional<HttpReply> Frontend::on_header(const HttpRequest& request) const {
  return refusal_of(request, identity_);
}

HttpHandled Frontend::on_request(const HttpRequest& request, GatewayState& state, Moment now) {
  // Now with the body, which tells of more browsers.
  if (auto refusal = refusal_of(request, identity_)) {
    return final_answer(std::move(*refusal), kBadRequest, "refused");
  }
  const auto resource = *find_resource(identity_, request.target);
  switch (resource.kind) {
    case ResourceKind::description:
    case ResourceKind::scpd:
      return on_document(request, resource);
    case ResourceKind::control:
      return on_control(request, state, now);
    case ResourceKind::event:
      return on_event_request(request, resource, now);
  }
  return final_answer(status_reply(404), kBadRequest, "refused");
}

HttpHandled Frontend::on_document(const HttpRequest& request, const Resource& resource) const {
  return final_answer(xml_reply(request, 200, *documents_.find(resource)), "document", kSuccess);
}

HttpHandled Frontend::on_control(const HttpRequest& request, GatewayState& state, Moment now) {
  const auto control =
      parse_control(identity_, {request.target, soap_action_of(request), request.body});
  if (const auto* call = std::get_if<ActionCall>(&control)) {
    return on_action(*call, request, state, now);
  }
  if (const auto* query = std::get_if<VariableQuery>(&control)) {
    return on_query(*query, request, state, now);
  }
  if (const auto* fault = std::get_if<Fault>(&control)) {
    return final_answer(fault_reply(request, *fault), kBadRequest, fault->description);
  }
  const int status = std::get<TransportError>(control).status;
  return final_answer(status_reply(status), kBadRequest, transport_outcome(status));
}

HttpHandled Frontend::on_action(const ActionCall& call, const HttpRequest& request,
                                GatewayState& state, Moment now) {
  const Caller caller{request.interface_index, request.client};
  const Surroundings around{state, kernel_, services_, identity_, settings_, now};
  const auto values = execute(call, caller, around);
  HttpHandled handled;
  handled.frontend = kFrontendName;
  handled.request = call.action->name;
  if (values) {
    handled.reply = soap_reply(request, 200, emit_reply(call, *values));
    handled.outcome = kSuccess;
  } else {
    handled.reply = fault_reply(request, values.error());
    handled.outcome = values.error().description;
  }
  return handled;
}

HttpHandled Frontend::on_query(const VariableQuery& query, const HttpRequest& request,
                               const GatewayState& state, Moment now) {
  const auto value = value_of(query.variable, query.view, facts(state, now));
  return final_answer(soap_reply(request, 200, emit_reply(query, value)), "query", kSuccess);
}

HttpHandled Frontend::on_event_request(const HttpRequest& request, const Resource& resource,
                                       Moment now) {
  auto reply = eventing_.on_request(request, resource, now);
  const auto outcome = gena_outcome(reply.status);
  const auto name = request.method == "SUBSCRIBE" ? string_view("subscribe") : "unsubscribe";
  return final_answer(std::move(reply), name, outcome);
}

void Frontend::on_event(GatewayEvent event, const GatewayState& state, Moment now) {
  switch (event) {
    case GatewayEvent::started:
    case GatewayEvent::external_address_changed:
    case GatewayEvent::wan_link_changed:
      follow_connection(state, now);
      break;
    case GatewayEvent::lan_changed:
      eventing_.on_lan_changed(state.network);
      break;
    case GatewayEvent::mappings_lost:
    case GatewayEvent::pinholes_lost:
      break;
  }
  eventing_.note_change();
}

void Frontend::follow_connection(const GatewayState& state, Moment now) {
  const auto address =
      is_connected(facts(state, now)) ? state.external_address.reported() : std::nullopt;
  if (address == connected_with_) return;
  connected_with_ = address;
  services_.connected_since = address ? now : Moment{};
}

void Frontend::on_table_events(std::span<const TableEvent> events, const GatewayState&, Moment) {
  services_.pinhole_ids.note(events);
  const bool is_listed_otherwise = std::ranges::any_of(events, [](const TableEvent& event) {
    return event.list_change != TableEvent::ListChange::none;
  });
  if (!is_listed_otherwise) return;
  // Once, however many entries have changed (IGD-132).
  ++services_.system_update_id;
  eventing_.note_change();
}

Facts Frontend::facts(const GatewayState& state, Moment now) {
  return {state, kernel_, services_, identity_, settings_, now};
}

std::vector<HttpCallout> Frontend::on_timeout(const GatewayState& state, Moment now) {
  const auto around = facts(state, now);
  return eventing_.due(
      [&](View view, VariableId variable) { return value_of(variable, view, around); }, now);
}

void Frontend::on_callout_done(std::uint64_t id, CalloutOutcome outcome, Moment now) {
  eventing_.on_done(id, outcome, now);
}

std::optional<Moment> Frontend::next_timeout() const {
  return eventing_.next_timeout();
}

}  // namespace postern::upnp
