#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/address.h"
#include "core/map_request.h"
#include "core/port_set.h"
#include "core/result.h"

namespace postern {

/// One `[[rule]]` of the configuration.
struct Rule {
  enum class Action : std::uint8_t { allow, deny };

  /// For whoever reads the configuration.
  std::string name;
  Action action = Action::allow;
  /// Every prefix of the LAN interfaces, whatever they are at the moment.
  bool lan_clients = true;
  std::vector<Prefix> client_prefixes;
  PortSet external_ports;
  PortSet internal_ports;
  /// Of `internal_ports`, those that the rule names one by one or as a range of nothing but
  /// sensitive ports; only these are lifted out of Limits::never_internal_ports.
  PortSet named_sensitive_ports;
  /// The client may map to another host than itself.
  bool for_others = false;
};

struct Limits {
  /// Shorter wishes are granted this, by the protocols that may (RFC 6887 §15).
  Seconds min_lifetime{120};
  /// Of NAT-PMP and PCP.
  Seconds max_lifetime{86400};
  /// Of UPnP's leases that have an end.
  Seconds max_lease{604800};
  std::uint32_t mappings_per_client = 128;
  std::uint32_t mappings = 16384;
  /// Denied as internal ports unless a rule names them.
  PortSet never_internal_ports;
};

/// The rule that is in force when the configuration has none.
[[nodiscard]] Rule default_rule();
/// File sharing, remote desktops, databases and the like.
[[nodiscard]] PortSet default_never_internal_ports();

/// What a request may have.
struct Permission {
  Seconds lifetime{0};
  /// Never empty.
  PortSet external_ports;
};

/// Decides from the request and nothing else: no clock, no table.
class Policy {
 public:
  /// The default rule and limits.
  Policy() : Policy({default_rule()}) {}
  explicit Policy(std::vector<Rule> rules, Limits limits = {});

  /// What "lan" means from now on.
  void set_lan_prefixes(std::vector<Prefix> prefixes) { lan_prefixes_ = std::move(prefixes); }
  [[nodiscard]] const std::vector<Prefix>& lan_prefixes() const { return lan_prefixes_; }

  /// An external port is permitted when the first rule that matches client, internal port and that
  /// external port allows it; not_authorized when no port is.
  [[nodiscard]] Result<Permission, MapError> judge(const MapRequest& request) const;

  /// Whether a rule allows this client anything before one denies it everything (RFC 6886 §3.5,
  /// "not authorized").
  [[nodiscard]] bool serves(const Address& client) const;
  /// Whether one of the LAN prefixes holds it.
  [[nodiscard]] bool is_on_link(const Address& address) const;
  /// Whether a rule that allows lists this client by prefix, on-link or not.
  [[nodiscard]] bool lists(const Address& client) const;

  [[nodiscard]] const Limits& limits() const { return limits_; }

 private:
  [[nodiscard]] bool matches_client(const Rule& rule, const Address& client) const;
  [[nodiscard]] bool matches(const Rule& rule, const MapRequest& request) const;

  std::vector<Rule> rules_;
  Limits limits_;
  std::vector<Prefix> lan_prefixes_;
};

}  // namespace postern
