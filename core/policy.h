#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "core/address.h"
#include "core/client_directory.h"
#include "core/map_request.h"
#include "core/port_set.h"
#include "core/result.h"
#include "core/rule.h"

namespace postern {

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

  /// How many mappings the clients of one station may have together. As eight clients, for a host
  /// has several IPv6 addresses at a time, and a repeater lends its MAC address to the hosts behind
  /// it; but no more than a quarter of the table, and not less than one client.
  [[nodiscard]] std::uint32_t mappings_per_station() const;
  /// What each of its clients may have though the station has as many as it may, so that who fills
  /// a station with addresses that are not his shuts nobody out …
  [[nodiscard]] std::uint32_t mappings_per_late_client() const;
  /// … and how many the station may have with these.
  [[nodiscard]] std::uint32_t mappings_per_full_station() const;
};

/// File sharing, remote desktops, databases and the like.
[[nodiscard]] PortSet default_never_internal_ports();

/// Why a wish was refused, and by which rule, if one decided that.
struct Denial {
  // Most refusals have no rule, and are written as the error alone.
  Denial(MapError why, RuleIndex by = kNoRule) : error(why), rule(by) {}

  MapError error;
  RuleIndex rule;
  friend bool operator==(const Denial&, const Denial&) = default;
};

/// What a request may have.
struct Permission {
  /// The external ports that one rule allows.
  struct Share {
    RuleIndex rule = kNoRule;
    PortSet ports;
  };

  /// Of all shares. Never empty.
  PortSet external_ports;
  /// No two have a port in common; in the order of their rules.
  std::vector<Share> shares;

  /// By which rule the request may have this port; kNoRule: it may not.
  [[nodiscard]] RuleIndex rule_of(std::uint16_t port) const;
};

/// For how long a request is granted.
struct Term {
  /// 0 for a permanent one.
  Seconds lifetime{0};
  bool is_permanent = false;

  friend bool operator==(const Term&, const Term&) = default;
};

/// Decides from the request and from who asks, and nothing else: no clock, no table.
class Policy {
 public:
  /// The default rule and limits.
  Policy() : Policy({default_rule()}) {}
  /// `clients` outlives the policy and its copies; null: of no client the interface or MAC address
  /// is known. It is only asked where rules name those, and by station_of().
  explicit Policy(std::vector<Rule> rules, Limits limits = {}, ClientDirectory* clients = nullptr);

  /// What "lan" means from now on.
  void set_lan_prefixes(std::vector<Prefix> prefixes) { lan_prefixes_ = std::move(prefixes); }
  [[nodiscard]] const std::vector<Prefix>& lan_prefixes() const { return lan_prefixes_; }

  /// An external port is permitted when the first rule that matches the request and that external
  /// port allows it; not_authorized when no port is. A pinhole's external port is its internal one.
  [[nodiscard]] Result<Permission, Denial> judge(const MapRequest& request) const;
  /// The rule that decides about this external port, whether it allows or denies; kNoRule: none.
  [[nodiscard]] RuleIndex decider(const MapRequest& request, std::uint16_t external_port,
                                  Unknown unknown = Unknown::is_denied) const;
  /// For how long a wish that this rule allows is granted: see Rule and Limits.
  [[nodiscard]] Term term(const MapRequest& request, RuleIndex rule) const;
  /// The longest lease that this rule grants.
  [[nodiscard]] Seconds longest_lease(LifetimeLimit limit, RuleIndex rule) const;
  /// What each rule makes of a request, whatever the external port.
  [[nodiscard]] std::vector<RuleMatch> compare(const MapRequest& request) const;

  /// Whether a rule allows this claimant anything before one denies it everything (RFC 6886 §3.5,
  /// "not authorized").
  [[nodiscard]] bool serves(const Claimant& claimant) const;
  /// Whether one of the LAN prefixes holds it.
  [[nodiscard]] bool is_on_link(const Address& address) const;
  /// Together with whom this client has a limit: those of the MAC address from which it answers.
  /// Nothing: with nobody, for it is behind a router, or on a link whose hosts have no MAC
  /// addresses.
  [[nodiscard]] std::optional<Station> station_of(const Address& client) const;
  /// Whether a rule that allows lists this client by prefix, on-link or not.
  [[nodiscard]] bool lists(const Address& client) const;

  [[nodiscard]] const Limits& limits() const { return limits_; }
  /// First match wins.
  [[nodiscard]] const std::vector<Rule>& rules() const { return rules_; }
  /// Null for kNoRule and whatever else is no rule of this policy.
  [[nodiscard]] const Rule* rule(RuleIndex index) const;
  /// Empty where rule() is null.
  [[nodiscard]] std::string_view rule_name(RuleIndex index) const;

 private:
  /// Calls `visit` with the index of each rule that matches, in order, until it returns false.
  template <class Visit>
  void for_each_match(const MapRequest& request, Unknown unknown, Visit visit) const;

  std::vector<Rule> rules_;
  Limits limits_;
  ClientDirectory* clients_;
  std::vector<Prefix> lan_prefixes_;
};

}  // namespace postern
