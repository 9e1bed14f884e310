#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/address.h"
#include "core/client_directory.h"
#include "core/mac_address.h"
#include "core/map_request.h"
#include "core/port_set.h"
#include "core/protocol.h"
#include "core/time.h"

namespace postern {

/// One `[[rule]]` of the configuration. It matches a request when each of its conditions does; a
/// list of interfaces, MAC addresses or frontends that is empty is no condition.
struct Rule {
  enum class Action : std::uint8_t { allow, deny };

  /// For whoever reads the configuration, and wherever a mapping or refusal is shown.
  std::string name;
  Action action = Action::allow;
  /// Every prefix of the LAN interfaces, whatever they are at the moment.
  bool lan_clients = true;
  std::vector<Prefix> client_prefixes;
  /// The client's LAN interface. See Unknown about clients of whom this or the MAC address is not
  /// known.
  std::vector<std::string> interfaces = {};
  std::vector<MacAddress> macs = {};
  /// By their names, as claimants have them.
  std::vector<std::string> frontends = {};
  /// Nothing: any.
  std::optional<Protocol> protocol = {};
  PortSet external_ports;
  PortSet internal_ports;
  /// Of `internal_ports`, those that the rule names one by one or as a range of nothing but
  /// sensitive ports; only these are lifted out of Limits::never_internal_ports.
  PortSet named_sensitive_ports;
  /// The client may map to another host than itself.
  bool for_others = false;

  // Of a rule that allows, in the place of the limits that hold for all:
  /// Shorter wishes are granted this where the protocol lets a grant be longer than the wish (see
  /// MapRequest::may_be_longer), and nowhere else.
  std::optional<Seconds> min_lifetime = {};
  /// Longer wishes are granted this, also those without an end.
  std::optional<Seconds> max_lifetime = {};
  /// On how many mappings one client may have claims by this rule.
  std::optional<std::uint32_t> quota = {};
};

/// The rule that is in force when the configuration has none.
[[nodiscard]] Rule default_rule();

/// Whether a rule is about a request, and else the first condition that does not hold.
enum class RuleMatch : std::uint8_t {
  matches,
  other_client,
  other_frontend,
  other_protocol,
  other_internal_port,
  /// One of Limits::never_internal_ports that the rule does not name.
  sensitive_port,
  /// For another host than the client.
  for_another_host,
  other_interface,
  other_mac,
  /// The client's interface or MAC address is not known; see Unknown.
  unknown_link,
};

[[nodiscard]] constexpr std::string_view to_string(RuleMatch match) {
  switch (match) {
    case RuleMatch::matches:
      return "matches";
    case RuleMatch::other_client:
      return "other_client";
    case RuleMatch::other_frontend:
      return "other_frontend";
    case RuleMatch::other_protocol:
      return "other_protocol";
    case RuleMatch::other_internal_port:
      return "other_internal_port";
    case RuleMatch::sensitive_port:
      return "sensitive_port";
    case RuleMatch::for_another_host:
      return "for_another_host";
    case RuleMatch::other_interface:
      return "other_interface";
    case RuleMatch::other_mac:
      return "other_mac";
    case RuleMatch::unknown_link:
      return "unknown_link";
  }
  return "?";
}

/// What a rule makes of a client whose interface or MAC address it names, and who is not known.
enum class Unknown : std::uint8_t {
  /// It holds when it denies, and not when it allows: nobody gets past it by hiding. So requests
  /// are judged.
  is_denied,
  /// It never holds.
  is_nobody,
  /// It holds when it allows, and not when it denies.
  is_allowed,
};

/// What rules look at in a request but its ports: who asks, and for whom. Asks the directory at
/// most once, and only when a rule needs it.
class Asker {
 public:
  /// `clients` may be null: nothing is known then. All outlive this object.
  Asker(const Claimant& claimant, const std::vector<Prefix>& lan_prefixes, ClientDirectory* clients,
        Unknown unknown = Unknown::is_denied)
      : claimant_(claimant), lan_prefixes_(lan_prefixes), clients_(clients), unknown_(unknown) {}

  [[nodiscard]] const Claimant& claimant() const { return claimant_; }
  [[nodiscard]] RuleMatch match_client(const Rule& rule) const;
  [[nodiscard]] RuleMatch match_frontend(const Rule& rule) const;
  [[nodiscard]] RuleMatch match_link(const Rule& rule);

 private:
  [[nodiscard]] const std::optional<ClientLink>& link();

  const Claimant& claimant_;
  const std::vector<Prefix>& lan_prefixes_;
  ClientDirectory* clients_;
  Unknown unknown_;
  bool has_asked_ = false;
  std::optional<ClientLink> link_;
};

/// Whether the rule is about this request, whatever its external port. `never_internal_ports`: see
/// Limits.
[[nodiscard]] RuleMatch match(const Rule& rule, const MapRequest& request,
                              const PortSet& never_internal_ports, Asker& asker);

}  // namespace postern
