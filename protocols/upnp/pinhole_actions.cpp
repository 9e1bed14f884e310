#include "protocols/upnp/pinhole_actions.h"

#include <algorithm>

#include "protocols/upnp/inside.h"
#include "protocols/upnp/map_faults.h"
#include "protocols/upnp/mapping_intent.h"

namespace postern::upnp {
namespace {

using std::string_view;

/// In seconds: net.netfilter.nf_conntrack_tcp_timeout_established and
/// net.netfilter.nf_conntrack_udp_timeout_stream, as the kernel has them.
constexpr std::uint32_t kTcpTimeout = 432000;
constexpr std::uint32_t kUdpTimeout = 120;

/// A pinhole that the caller named.
struct Pinhole {
  const Mapping* mapping;
  const Claim* claim;
};

[[nodiscard]] Result<void, Fault> check_allowed(const Invocation& invocation) {
  if (invocation.table().capabilities().pinholes) return {};
  return fail(faults::kInboundPinholeNotAllowed);
}

[[nodiscard]] Result<Protocol, Fault> read_protocol(std::uint32_t number) {
  if (number == 65535) return fail(faults::kProtocolWildcardingNotAllowed);
  for (const auto protocol : {Protocol::tcp, Protocol::udp}) {
    if (number == static_cast<std::uint8_t>(protocol)) return protocol;
  }
  return fail(faults::kProtocolNotSupported);
}

/// RemoteHost and RemotePort; nothing for everybody.
[[nodiscard]] Result<std::optional<Endpoint>, Fault> read_remote(const ActionCall& call) {
  const auto& text = call.text("RemoteHost");
  const auto host = text.empty() ? Address() : Address::parse(text);
  if (!host || host->is_v4()) return fail(faults::kInvalidArgs);
  const std::uint16_t port = call.port("RemotePort");
  if (host->is_unspecified() && port == 0) return std::optional<Endpoint>();
  return std::optional(Endpoint{*host, port});
}

/// InternalClient and InternalPort.
[[nodiscard]] Result<Endpoint, Fault> read_internal(const ActionCall& call) {
  const auto& text = call.text("InternalClient");
  const bool is_any = text.empty() || text == "*" || text == "::";
  if (is_any) return fail(faults::kInternalClientWildcardNotAllowed);
  const auto host = Address::parse(text);
  if (!host || host->is_v4()) return fail(faults::kInvalidArgs);
  const std::uint16_t port = call.port("InternalPort");
  if (port == 0) return fail(faults::kInternalPortWildcardingNotAllowed);
  return Endpoint{*host, port};
}

/// What the arguments ask for, without a UniqueID.
[[nodiscard]] Result<MapRequest, Fault> read_wish(const Invocation& invocation) {
  const auto& call = invocation.call;
  const auto remote = read_remote(call);
  if (!remote) return fail(remote.error());
  const auto internal = read_internal(call);
  if (!internal) return fail(internal.error());
  const auto protocol = read_protocol(call.number("Protocol"));
  if (!protocol) return fail(protocol.error());
  auto wish = pinhole_wish(claimant_for(internal->address, invocation), *protocol, *internal,
                           call.number("LeaseTime"));
  wish.claimant.remote = *remote;
  wish.claimant.admits_remote = remote->has_value();
  if (!is_host(internal->address, invocation.around.state)) {
    (void)invocation.table().deny(wish, MapError::not_authorized);
    return fail(faults::kActionNotAuthorized);
  }
  return wish;
}

/// The pinhole of the argument UniqueID: 704 when there is none, 606 when it is not the caller's.
[[nodiscard]] Result<Pinhole, Fault> find_pinhole(const Invocation& invocation) {
  if (const auto allowed = check_allowed(invocation); !allowed) return fail(allowed.error());
  const std::uint16_t id = invocation.call.port("UniqueID");
  const auto place = invocation.around.services.pinhole_ids.find(id);
  const Mapping* mapping = place ? invocation.table().find(*place) : nullptr;
  if (!mapping) return fail(faults::kNoSuchEntry);
  const auto& claims = mapping->claims;
  const auto found = std::find_if(claims.begin(), claims.end(), [&](const Claim& claim) {
    return claim.claimant.frontend == kFrontendName && claim.details->tag == id;
  });
  if (found == claims.end()) return fail(faults::kNoSuchEntry);
  if (!is_of_caller(found->claimant.client, invocation)) {
    MapRequest wish = pinhole_wish(claimant_for(mapping->internal.address, invocation),
                                   mapping->protocol, mapping->internal, 0);
    (void)invocation.table().deny(wish, MapError::not_authorized);
    return fail(faults::kActionNotAuthorized);
  }
  return Pinhole{mapping, &*found};
}

/// How many packets came in; 501 where the firewall does not count.
[[nodiscard]] Result<std::uint64_t, Fault> packets_through(const Invocation& invocation) {
  const auto pinhole = find_pinhole(invocation);
  if (!pinhole) return fail(pinhole.error());
  for (const auto& timed : doors_of(*pinhole->mapping)) {
    const auto packets = invocation.around.kernel.doors.packets_through(timed.door);
    if (packets) return *packets;
  }
  return fail(faults::kActionFailed);
}

}  // namespace

Outcome add_pinhole(const Invocation& invocation) {
  if (const auto allowed = check_allowed(invocation); !allowed) return fail(allowed.error());
  const auto wish = read_wish(invocation);
  if (!wish) return fail(wish.error());
  auto& table = invocation.table();
  auto intent = pinhole_intent(*wish, table);
  const Mapping* mapping = table.find_by_internal(wish->protocol, wish->internal);
  const Claim* claim = mapping ? mapping->claim_of(wish->claimant) : nullptr;
  auto& tag = intent.wish.tag;
  tag = claim ? claim->details->tag : invocation.around.services.pinhole_ids.next();
  const bool has_none = !tag && !intent.decided;
  if (has_none) intent.decided = fail(Denial(MapError::table_limit_reached));
  const auto granted = carry_out(intent, invocation);
  if (!granted) return fail(pinhole_fault(granted.error()));
  return std::vector<Value>{std::uint32_t{*tag}};
}

Outcome update_pinhole(const Invocation& invocation) {
  const auto pinhole = find_pinhole(invocation);
  if (!pinhole) return fail(pinhole.error());
  MapRequest wish;
  wish.claimant = pinhole->claim->claimant;
  wish.protocol = pinhole->mapping->protocol;
  wish.internal = pinhole->mapping->internal;
  wish.tag = pinhole->claim->details->tag;
  wish.lifetime = Seconds(invocation.call.number("NewLeaseTime"));
  wish.lifetime_limit = LifetimeLimit::max_lease;
  const auto granted = invocation.table().request(wish, invocation.around.now);
  if (!granted) return fail(pinhole_fault(granted.error()));
  return std::vector<Value>();
}

Outcome delete_pinhole(const Invocation& invocation) {
  const auto pinhole = find_pinhole(invocation);
  if (!pinhole) return fail(pinhole.error());
  const std::array ids{pinhole->mapping->id};
  const Claimant& claimant = pinhole->claim->claimant;
  // What an earlier run left may be of this pinhole, and would keep it open.
  const std::array claimants{claimant, Claimant{kRecovered, claimant.client}};
  if (!invocation.table().release(ids, claimants)) return fail(faults::kActionFailed);
  return std::vector<Value>();
}

Outcome get_pinhole_packets(const Invocation& invocation) {
  const auto packets = packets_through(invocation);
  if (!packets) return fail(packets.error());
  return std::vector<Value>{static_cast<std::uint32_t>(*packets)};
}

Outcome check_pinhole_working(const Invocation& invocation) {
  const auto packets = packets_through(invocation);
  if (!packets) return fail(packets.error());
  if (*packets == 0) return fail(faults::kNoTrafficReceived);
  return std::vector<Value>{true};
}

Outcome get_outbound_pinhole_timeout(const Invocation& invocation) {
  const auto protocol = read_protocol(invocation.call.number("Protocol"));
  if (!protocol) return fail(protocol.error());
  return std::vector<Value>{*protocol == Protocol::tcp ? kTcpTimeout : kUdpTimeout};
}

}  // namespace postern::upnp
