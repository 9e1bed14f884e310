#include "ctl/import/rules.h"

#include <algorithm>
#include <utility>

#include "core/policy.h"

namespace postern::ctl::miniupnpd {
namespace {

constexpr std::size_t kLongestComment = 60;

/// Makes these the internal ports of a rule that allows, and lifts Postern's guard from those of
/// them that it guards: it wants these to be named one by one.
void allow_internal_ports(DraftRule& rule, const PortSet& ports) {
  const auto guarded = ports.intersected_with(default_never_internal_ports());
  rule.internal_ports = ports.to_string();
  rule.names_guarded = !guarded.empty();
  rule.repeats_guarded = rule.names_guarded && !ports.is_within(guarded);
  if (rule.repeats_guarded) rule.internal_ports += ", " + guarded.to_string();
}

[[nodiscard]] DraftRule allow_all(std::string name, std::string clients, std::string reason) {
  DraftRule rule;
  rule.name = std::move(name);
  rule.allows = true;
  rule.clients = {std::move(clients)};
  allow_internal_ports(rule, PortSet::all());
  rule.reason = std::move(reason);
  return rule;
}

[[nodiscard]] DraftRule deny_ipv6(std::string name) {
  DraftRule rule;
  rule.name = std::move(name);
  rule.clients = {"::/0"};
  return rule;
}

/// Whether no later rule can be about IPv4.
[[nodiscard]] bool decides_all(const PermissionRule& rule) {
  return rule.is_about_all_hosts() && rule.external_ports == PortSet::all() &&
         rule.internal_ports == PortSet::all();
}

class Conversion {
 public:
  Conversion(const std::vector<PermissionRule>& rules, const AccessModes& modes, Draft& draft)
      : rules_(rules), modes_(modes), draft_(draft) {}

  void run() {
    decide_about_others();
    if (!modes_.serves_ipv6) {
      draft_.rules.push_back(deny_ipv6("no IPv6 (ipv6_disable)"));
    } else if (maps_for_others_) {
      // First, so that none of the rules below, which are for others, is about them.
      draft_.rules.push_back(
          allow_all("IPv6", "::/0", "miniupnpd's rules are about IPv4 alone; IPv6 is open"));
      draft_.rules.push_back(deny_ipv6("IPv6 for other hosts"));
      note(modes_.secure_mode->line,
           "the rule \"IPv6\" also lets IPv6 hosts behind another router of the LAN ask for "
           "themselves, which miniupnpd did not hear");
    }
    bool is_decided = false;
    for (const auto& rule : rules_) is_decided = add(rule) || is_decided;
    add_last(is_decided);
    note_guarded();
  }

 private:
  void note(std::size_t line, std::string text) { draft_.notes.push_back({line, std::move(text)}); }

  /// miniupnpd's rules are about the host that a port leads to, ours about the one that asks. These
  /// are the same host, unless hosts may ask for others; then only rules about all hosts mean the
  /// same.
  void decide_about_others() {
    if (!modes_.maps_for_others) return;
    maps_for_others_ = std::all_of(rules_.begin(), rules_.end(), [](const PermissionRule& rule) {
      return rule.is_about_all_hosts();
    });
    note(
        modes_.secure_mode->line,
        modes_.secure_mode->said +
            (maps_for_others_
                 ? ": lets hosts map for others, so the rules say for_others = true: any host may "
                   "open ports of any other. You will rarely want this; take it out"
                 : ": lets hosts map for others, but Postern's rules are about the host that asks, "
                   "and those of this file about the one that the port leads to. So each host may "
                   "map to itself alone; where one shall map for others, give its rule "
                   "for_others = true"));
  }

  /// Whether it decides about all that is left of IPv4.
  bool add(const PermissionRule& from) {
    if (from.external_ports.empty() || from.internal_ports.empty()) {
      note(from.line, "the rule never matches, for it has no port but 0; left out");
      return false;
    }
    if (!from.description.empty() && from.allows) {
      note(from.line,
           "the rule allows by the description of a mapping, which Postern's rules do not look at; "
           "left out, so that it allows nothing");
      return false;
    }
    if (!from.description.empty()) {
      note(from.line,
           "the rule denies by the description of a mapping, which Postern's rules do not look at; "
           "so it denies whatever the description is. Take the rule out if that is too much");
    }
    DraftRule rule;
    rule.name = "line " + std::to_string(from.line);
    if (!from.comment.empty()) rule.name += ": " + from.comment.substr(0, kLongestComment);
    rule.allows = from.allows;
    rule.clients = {clients_of(from)};
    if (!from.interface.empty()) rule.interfaces = {from.interface};
    rule.external_ports = from.external_ports.to_string();
    rule.internal_ports = from.internal_ports.to_string();
    if (from.allows) allow_internal_ports(rule, from.internal_ports);
    rule.for_others = from.allows && maps_for_others_;
    draft_.rules.push_back(std::move(rule));
    return decides_all(from);
  }

  [[nodiscard]] std::string clients_of(const PermissionRule& rule) {
    // One that denies all is about IPv4 only; one that allows may allow IPv6, too, for miniupnpd
    // does so anyway.
    if (rule.hosts.length() == 0) return rule.allows ? "lan" : "0.0.0.0/0";
    if (rule.allows && !has_prefix_) {
      has_prefix_ = true;
      note(
          rule.line,
          "a rule that allows a prefix also makes Postern hear hosts of it that are behind another "
          "router of the LAN; miniupnpd heard those of its own networks alone");
    }
    return rule.hosts.to_string();
  }

  /// What miniupnpd allows because no rule is about it.
  void add_last(bool is_decided) {
    const bool has_ipv6_rule = maps_for_others_ || !modes_.serves_ipv6;
    if (!is_decided) {
      auto rule = allow_all("no line forbids it", "lan",
                            "miniupnpd allows what none of its rules is about; Postern denies it, "
                            "but for this rule");
      rule.for_others = maps_for_others_;
      draft_.rules.push_back(std::move(rule));
      note(0, rules_.empty()
                  ? "has no permission rule, and miniupnpd allows everything then; the rule \"no "
                    "line forbids it\" says the same. Without any rule Postern would allow the "
                    "ports 1024 to 65535, which is wiser"
                  : "does not end with a rule about everything, and miniupnpd allows what no rule "
                    "is about; the rule \"no line forbids it\" says the same. Take it out, and "
                    "Postern denies that");
    } else if (!has_ipv6_rule) {
      draft_.rules.push_back(allow_all(
          "IPv6", "lan",
          "miniupnpd's rules are about IPv4 alone; IPv6 is open, and IPv4 is decided above"));
      note(0,
           "its rules are about IPv4 alone, and miniupnpd lets IPv6 hosts open any of their own "
           "ports; the rule \"IPv6\" says the same. Take it out, and the rules above hold for "
           "IPv6, too");
    }
  }

  void note_guarded() {
    if (!std::ranges::any_of(draft_.rules, &DraftRule::names_guarded)) return;
    note(0, "allows internal ports of services that should rarely be seen from outside (" +
                default_never_internal_ports().to_string() +
                "); Postern allows these only where a rule names them, and so the rules do. Take "
                "them out of internal_ports to have them guarded");
  }

  const std::vector<PermissionRule>& rules_;
  const AccessModes& modes_;
  Draft& draft_;
  bool maps_for_others_ = false;
  bool has_prefix_ = false;
};

}  // namespace

void add_rules(const std::vector<PermissionRule>& rules, const AccessModes& modes, Draft& draft) {
  Conversion(rules, modes, draft).run();
}

}  // namespace postern::ctl::miniupnpd
