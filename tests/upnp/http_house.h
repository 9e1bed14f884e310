#pragma once

#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "backends/memory/memory_backend.h"
#include "core/gateway.h"
#include "protocols/natpmp/frontend.h"
#include "protocols/pcp/frontend.h"
#include "protocols/upnp/http_frontend.h"
#include "protocols/upnp/soap_envelope.h"
#include "protocols/version_demux.h"
#include "tests/support/natpmp_client.h"
#include "tests/support/recording_flow_table.h"
#include "tests/upnp/action_house.h"
#include "tests/upnp/eventing_fixture.h"

namespace postern::upnp::test {

/// A gateway that serves UPnP over HTTP beside NAT-PMP and PCP, and the clock that drives it.
class HttpHouse {
 public:
  /// `firewall` is used in the place of `backend`, and outlives the house. `run`: how often the
  /// program was started before.
  explicit HttpHouse(GatewayOptions options = {}, Settings settings = {},
                     FirewallBackend* firewall = nullptr, std::uint32_t run = 0)
      : identity(identity_of(run)),
        upnp(identity, std::move(settings), Kernel{neighbours, wan_, doors_}, uuids(),
             /*random=*/std::uint64_t{1000} * run),
        gateway(std::move(options), firewall ? *firewall : backend, flows, demux_, now, &upnp) {}

  void start(const Network& network = dual_network(), const StoredState& stored = {}) {
    const auto turn = gateway.start(network, stored, now);
    if (!turn) throw std::runtime_error("start: " + turn.error().reason);
  }

  /// A request as the HTTP server hands it in; the whole turn.
  Turn serve(const HttpRequest& request) {
    Turn turn;
    auto head = request;
    head.body.clear();
    if (auto refusal = gateway.on_http_header(head, now)) {
      turn.replies.push_back(std::move(*refusal));
      return turn;
    }
    return gateway.on_http_request(request, now);
  }
  HttpReply ask(const HttpRequest& request) {
    auto turn = serve(request);
    if (turn.replies.size() != 1) throw std::runtime_error("not one reply");
    return std::move(turn.replies.front());
  }
  HttpReply get(std::string target, Headers headers = {}) {
    return ask(request_of(kHostA, "GET", std::move(target), std::move(headers)));
  }
  HttpReply call(std::string_view action, std::string_view arguments = {},
                 const Call& to = Call{}) {
    return ask(call_request(action, arguments, to));
  }
  [[nodiscard]] static HttpRequest call_request(std::string_view action, std::string_view arguments,
                                                const Call& to = Call{}) {
    auto request =
        request_of(kHostA, "POST", control_url(to.view, to.service),
                   {{"SOAPACTION", '"' + std::string(to.type) + '#' + std::string(action) + '"'},
                    {"Content-Type", "text/xml"}});
    request.body = envelope(to.type, action, arguments);
    return request;
  }
  /// Subscribes and returns the first event, which leaves a little later.
  Notify subscribe(const Resource& resource = events_of(), const Address& client = kHostA) {
    auto turn = serve(gena_request(
        client, "SUBSCRIBE", {{"CALLBACK", callback_at(client)}, {"NT", "upnp:event"}}, resource));
    if (turn.replies.at(0).status != 200) throw std::runtime_error("not subscribed");
    EXPECT_TRUE(turn.callouts.empty()) << "it must not overtake the reply";
    now += Eventing::kFirstPause;
    return answered(gateway.on_timeout(now)).at(0);
  }
  HttpReply renew(const std::string& sid, const Resource& resource = events_of()) {
    return ask(gena_request(kHostA, "SUBSCRIBE", {{"SID", sid}}, resource));
  }
  void map(const Address& client, std::uint16_t port, std::uint32_t lifetime = 3600) {
    const auto payload = map_request(Protocol::tcp, port, port, lifetime);
    const auto turn = gateway.on_datagrams({{from(client, payload)}}, now);
    if (read_as<natpmp::MapResponse>(turn.send.at(0).payload).external_port != port && lifetime) {
      throw std::runtime_error("not mapped");
    }
  }
  /// The events of a turn, each answered at once.
  std::vector<Notify> answered(Turn turn) {
    std::vector<Notify> all;
    for (auto& callout : turn.callouts) {
      const auto id = callout.id;
      all.emplace_back(std::move(callout));
      (void)gateway.on_callout_done(id, CalloutOutcome::answered, now);
    }
    return all;
  }
  /// Lets time pass, runs every deadline at its moment, and answers each event at once.
  std::vector<Notify> pass(Milliseconds time) {
    std::vector<Notify> all;
    const auto end = now + time;
    for (auto next = gateway.next_timeout(); next && *next <= end; next = gateway.next_timeout()) {
      now = std::max(now, *next);
      for (auto& notify : answered(gateway.on_timeout(now))) all.push_back(std::move(notify));
    }
    now = end;
    return all;
  }
  std::vector<Notify> change_network(const Network& network) {
    return answered(gateway.on_network(network, now));
  }
  [[nodiscard]] std::uint64_t count(std::string_view request, std::string_view outcome) const {
    const auto& requests = gateway.counters().requests;
    const auto found = requests.find({"upnp", request, outcome});
    return found == requests.end() ? 0 : found->second;
  }

  Moment now = kStart;
  MemoryBackend backend;
  RecordingFlowTable flows;
  FakeNeighbours neighbours;

 private:
  [[nodiscard]] Eventing::NewUuid uuids() {
    return [this] {
      Uuid uuid{};
      uuid[15] = ++last_uuid_;
      return uuid;
    };
  }

  [[nodiscard]] static Identity identity_of(std::uint32_t run) {
    auto identity = sample_identity();
    identity.boot_id += run;
    return identity;
  }

  std::uint8_t last_uuid_ = 0;
  FakeWanLink wan_;
  FakeDoorCounters doors_;
  natpmp::Frontend natpmp_;
  pcp::Frontend pcp_{{}, flows};
  VersionDemux demux_{&natpmp_, &pcp_};

 public:
  Identity identity;
  Frontend upnp;
  Gateway gateway;
};

/// The arguments of a SOAP reply, or errorCode and errorDescription; throws for what is none.
[[nodiscard]] inline Properties arguments_of(const HttpReply& reply) {
  pugi::xml_document document;
  if (!document.load_string(reply.body.c_str())) throw std::invalid_argument(reply.body);
  auto parent = document.child("s:Envelope").child("s:Body").first_child();
  if (std::string(parent.name()) == "s:Fault") parent = parent.child("detail").first_child();
  Properties arguments;
  for (const auto& argument : parent) arguments[argument.name()] = argument.text().get();
  return arguments;
}

}  // namespace postern::upnp::test
