#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "backends/iptables/rule_text.h"
#include "core/address.h"
#include "core/door.h"
#include "core/network.h"
#include "core/own_port.h"

/// The rules that doors need.
namespace postern::iptables {

/// What the rules are made for.
struct RulesOptions {
  /// Empty: there is no outside now, so nothing is translated on its way out.
  std::string wan;
  /// Whom LAN hosts seem to be when they reach each other by an external address.
  std::optional<Address> wan_address;
  std::vector<std::string> lan;
  /// The IPv4 networks of the LAN interfaces.
  std::vector<Prefix> lan_prefixes;
  /// Whether a LAN interface has an IPv6 address.
  bool has_lan_v6 = false;
  std::uint32_t forward_mark = 0;
  std::vector<OwnPort> own_ports;
  /// See BackendOptions; at most kHighestPace.
  std::uint32_t requests_per_second = 0;
};

/// What the programs can say: a burst, of two seconds, has a million packets at most, and the time
/// between two packets whole microseconds, few of which are many in part.
inline constexpr std::uint32_t kHighestPace = 10000;

/// "-m hashlimit …", as iptables-save prints it: matches what a host sends above this rate.
[[nodiscard]] std::string above_pace(std::uint32_t requests_per_second);

/// Whether each host of this network may have a bucket. A full table of buckets shuts out all
/// others (xt_hashlimit), so nobody may be able to fill it: with IPv6 one host could.
[[nodiscard]] bool is_paced(const Prefix& network);

/// The LAN's networks whose hosts the rules hold to the pace.
[[nodiscard]] std::vector<Prefix> paced_networks(const RulesOptions& options);

/// Without what the backend's options say.
[[nodiscard]] RulesOptions rules_options(const Network& network);

/// Whether an interface name can stand in a rule: it has up to 15 octets, none of which splits or
/// quotes words, and no final '+', which would stand for all names that begin so.
[[nodiscard]] bool is_usable_name(std::string_view interface);

/// The rules for the IPv4 doors among these, and for our own ports.
[[nodiscard]] Ruleset rules_v4(const RulesOptions& options, std::span<const TimedDoor> doors);

/// The same for the IPv6 doors.
[[nodiscard]] Ruleset rules_v6(const RulesOptions& options, std::span<const TimedDoor> doors);

/// The doors that such rules open, whatever their time.
[[nodiscard]] std::vector<TimedDoor> doors_of_v4(const Ruleset& rules);
[[nodiscard]] std::vector<TimedDoor> doors_of_v6(const Ruleset& rules);

}  // namespace postern::iptables
