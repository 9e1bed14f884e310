#include "protocols/upnp/port_mapping.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "protocols/upnp/invocation.h"
#include "protocols/upnp/text.h"

namespace postern::upnp {
namespace {

using std::string_view;

constexpr string_view kTcp = "TCP";
constexpr string_view kUdp = "UDP";

/// What a mapping is called that nobody gave a name.
[[nodiscard]] string_view name_of(string_view frontend) {
  using Name = std::pair<string_view, string_view>;
  constexpr std::array kNames{Name{"natpmp", "NAT-PMP"}, Name{"pcp", "PCP"}};
  const auto found = std::find_if(kNames.begin(), kNames.end(),
                                  [&](const Name& name) { return name.first == frontend; });
  return found == kNames.end() ? frontend : found->second;
}

[[nodiscard]] std::string description_of(const Mapping& mapping) {
  const Claim* described = nullptr;
  for (const auto& claim : mapping.claims) {
    if (claim.claimant.frontend == kFrontendName) return claim.details->description;
    const bool is_described = described && !described->details->description.empty();
    if (claim.claimant.is_inbound() && !is_described) described = &claim;
  }
  const auto& own = described->details->description;
  return own.empty() ? std::string(name_of(described->claimant.frontend)) : sanitized(own);
}

/// Until the last claim ends for whose sake the mapping is listed. Never 0 while there is an end.
[[nodiscard]] std::uint32_t lease_left(const Mapping& mapping, Moment now) {
  std::int64_t left = 1;
  for (const auto& claim : mapping.claims) {
    if (!claim.claimant.is_inbound()) continue;
    if (claim.lease.is_permanent) return 0;
    const auto of_claim = std::chrono::ceil<Seconds>(claim.lease.ends - now);
    left = std::max<std::int64_t>(left, of_claim.count());
  }
  return static_cast<std::uint32_t>(
      std::min<std::int64_t>(left, std::numeric_limits<std::uint32_t>::max()));
}

}  // namespace

PortMapping port_mapping(const Mapping& mapping, Moment now) {
  const auto remote = remote_host_of(mapping);
  return {remote ? remote->to_string() : std::string(),
          mapping.external.port,
          mapping.protocol == Protocol::tcp ? kTcp : kUdp,
          mapping.internal.port,
          mapping.internal.address.to_string(),
          mapping.has_enabled_inbound_claim(),
          description_of(mapping),
          lease_left(mapping, now)};
}

std::optional<Address> remote_host_of(const Mapping& mapping) {
  const auto& filters = mapping.filters;
  if (filters.size() != 1 || !filters.front().is_one_host()) return std::nullopt;
  return filters.front().remote.network();
}

Result<std::optional<Address>, Fault> read_remote_host(string_view text) {
  if (text.empty()) return std::optional<Address>();
  const auto address = Address::parse(text);
  if (!address || !address->is_v4()) return fail(faults::kInvalidArgs);
  return address;
}

Protocol read_protocol(string_view text) {
  return text == kTcp ? Protocol::tcp : Protocol::udp;
}

}  // namespace postern::upnp
