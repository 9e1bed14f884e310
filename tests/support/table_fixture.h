#pragma once

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "core/mapping_table.h"
#include "tests/support/home.h"

namespace postern::test {

inline constexpr std::string_view kFrontend = "natpmp";
inline constexpr std::string_view kOtherFrontend = "pcp";

[[nodiscard]] inline Limits limits_of(std::uint32_t mappings_per_client, std::uint32_t mappings) {
  Limits limits;
  limits.mappings_per_client = mappings_per_client;
  limits.mappings = mappings;
  return limits;
}

/// The built-in rule, on the home network.
[[nodiscard]] inline Policy home_policy(Limits limits = {}) {
  Policy policy({default_rule()}, std::move(limits));
  policy.set_lan_prefixes({*Prefix::parse("192.168.1.0/24")});
  return policy;
}

/// A table with an external address; requests as NAT-PMP makes them, unless changed.
[[nodiscard]] inline MappingTable home_table(Limits limits = {}) {
  MappingTable table(home_policy(std::move(limits)), {.pinholes = true}, 1);
  table.set_external_addresses({kWan});
  return table;
}

[[nodiscard]] inline MapRequest wish(const Address& client, Protocol protocol,
                                     std::uint16_t internal_port, std::uint16_t suggested_port = 0,
                                     Seconds lifetime = Seconds(60)) {
  return {{kFrontend, client}, protocol, {client, internal_port}, suggested_port, lifetime, true};
}

[[nodiscard]] inline Claimant natpmp_of(const Address& client) {
  return {kFrontend, client};
}

/// The doors of one mapping that ends at `ends`.
[[nodiscard]] inline std::vector<TimedDoor> all_doors(Protocol protocol, const Endpoint& internal,
                                                      const Endpoint& external, Moment ends) {
  return {{Forward4{protocol, external, internal}, ends},
          {Pin4{protocol, internal}, ends},
          {Outbound4{protocol, internal, external}, ends}};
}

[[nodiscard]] inline std::vector<TimedDoor> sorted(std::vector<TimedDoor> doors) {
  std::sort(doors.begin(), doors.end(), [](const TimedDoor& left, const TimedDoor& right) {
    return key_of(left.door) < key_of(right.door);
  });
  return doors;
}

}  // namespace postern::test
