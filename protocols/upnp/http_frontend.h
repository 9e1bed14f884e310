#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "core/frontend.h"
#include "protocols/upnp/description.h"
#include "protocols/upnp/eventing.h"
#include "protocols/upnp/identity.h"
#include "protocols/upnp/mapping_intent.h"
#include "protocols/upnp/settings.h"
#include "protocols/upnp/soap.h"
#include "protocols/upnp/surroundings.h"

namespace postern::upnp {

/// UPnP over HTTP without its sockets: descriptions, control and events of both views.
class Frontend final : public HttpFrontend {
 public:
  /// `identity` and what `kernel` refers to outlive this object, and `identity` does not change.
  /// `random`: another number in each run, see PinholeIds.
  Frontend(const Identity& identity, const Settings& settings, const Kernel& kernel,
           Eventing::NewUuid new_uuid, std::uint64_t random);
  Frontend(const Frontend&) = delete;
  Frontend& operator=(const Frontend&) = delete;

  [[nodiscard]] std::optional<HttpReply> on_header(const HttpRequest& request) const override;
  [[nodiscard]] HttpHandled on_request(const HttpRequest& request, GatewayState& state,
                                       Moment now) override;
  void on_event(GatewayEvent event, const GatewayState& state, Moment now) override;
  void on_table_events(std::span<const TableEvent> events, const GatewayState& state,
                       Moment now) override;
  [[nodiscard]] std::vector<HttpCallout> on_timeout(const GatewayState& state, Moment now) override;
  void on_callout_done(std::uint64_t id, CalloutOutcome outcome, Moment now) override;
  [[nodiscard]] std::optional<Moment> next_timeout() const override;

  [[nodiscard]] std::size_t subscriptions() const { return eventing_.size(); }

  /// See intent_of() in mapping_intent.h.
  [[nodiscard]] Intent intent_of(const Question& question, const GatewayState& state) const {
    return upnp::intent_of(question, settings_, kernel_, state);
  }

 private:
  [[nodiscard]] HttpHandled on_document(const HttpRequest& request, const Resource& resource) const;
  [[nodiscard]] HttpHandled on_control(const HttpRequest& request, GatewayState& state, Moment now);
  [[nodiscard]] HttpHandled on_action(const ActionCall& call, const HttpRequest& request,
                                      GatewayState& state, Moment now);
  [[nodiscard]] HttpHandled on_query(const VariableQuery& query, const HttpRequest& request,
                                     const GatewayState& state, Moment now);
  [[nodiscard]] HttpHandled on_event_request(const HttpRequest& request, const Resource& resource,
                                             Moment now);
  [[nodiscard]] Facts facts(const GatewayState& state, Moment now);
  void follow_connection(const GatewayState& state, Moment now);

  const Identity& identity_;
  Settings settings_;
  Kernel kernel_;
  Documents documents_;
  Eventing eventing_;
  ServiceState services_;
  /// The external address that `connected_since` is about.
  std::optional<Address> connected_with_;
};

}  // namespace postern::upnp
