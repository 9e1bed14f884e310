#include <algorithm>
#include <optional>

#include "host/diagnosis.h"

namespace postern::host {
namespace {

/// What the Internet cannot reach, and who says so.
struct Unreachable {
  Prefix network;
  std::string_view id;
  const char* kind;
};

[[nodiscard]] const Unreachable* unreachable(const Address& address) {
  constexpr std::string_view kPrivate = "wan-private";
  constexpr std::string_view kShared = "wan-cgnat";
  static const Unreachable kAll[] = {
      {Prefix(Address::v4({10, 0, 0, 0}), 8), kPrivate, "private (RFC 1918)"},
      {Prefix(Address::v4({172, 16, 0, 0}), 12), kPrivate, "private (RFC 1918)"},
      {Prefix(Address::v4({192, 168, 0, 0}), 16), kPrivate, "private (RFC 1918)"},
      {Prefix(Address::v4({169, 254, 0, 0}), 16), kPrivate, "of the link only (RFC 3927)"},
      {Prefix(Address::v4({100, 64, 0, 0}), 10), kShared, "shared by the provider (RFC 6598)"},
      {Prefix(Address::v4({192, 0, 0, 0}), 24), kShared, "a DS-Lite one (RFC 6333)"}};
  const auto* found = std::find_if(std::begin(kAll), std::end(kAll), [&](const Unreachable& one) {
    return one.network.contains(address);
  });
  return found == std::end(kAll) ? nullptr : found;
}

void examine_wan_address(const Patient& patient, std::vector<Finding>& findings) {
  // Who sets another address has told us that the one here is not what counts.
  if (patient.settings.external_address) return;
  const auto& interface = patient.link(patient.wan)->interface;
  const auto address = interface.first_v4();
  if (!address) {
    findings.push_back({Severity::error,
                        "wan-no-address",
                        "the WAN interface " + patient.wan + " has no IPv4 address",
                        "without one there is nothing to map, and clients are told so",
                        {},
                        "wait for the provider's answer (DHCP, PPPoE), or give it an address"});
    return;
  }
  if (const auto* why = unreachable(*address)) {
    findings.push_back(
        {Severity::warning,
         why->id,
         "the WAN address " + address->to_string() + " of " + patient.wan + " is " + why->kind,
         "another device translates in front of this gateway: the Internet does not reach mapped "
         "ports unless that device forwards them here",
         {},
         "ask for a public address, put the other device into bridge mode, or, where it forwards "
         "everything here, write the address that the Internet sees into postern.toml: "
         "external_address = \"...\""});
  }
}

void examine_wan(const Patient& patient, std::vector<Finding>& findings) {
  const auto& route = patient.facts.default_route;
  if (!route) {
    const bool is_named = patient.settings.wan.has_value();
    findings.push_back({is_named ? Severity::warning : Severity::error,
                        "no-default-route",
                        "there is no IPv4 default route",
                        is_named ? "hosts behind this gateway do not reach the Internet"
                                 : "it tells which interface is the WAN, and without it hosts do "
                                   "not reach the Internet",
                        {},
                        "bring the WAN connection up; if the route is in a table of its own, name "
                        "the interface in postern.toml: wan = \"...\""});
  }
  if (patient.wan.empty()) return;
  const auto* link = patient.link(patient.wan);
  if (link == nullptr) {
    findings.push_back({Severity::error,
                        "wan-absent",
                        "there is no interface " + patient.wan + ", which is to be the WAN",
                        "nothing can be mapped until it is there",
                        {},
                        "correct wan = \"" + patient.wan +
                            "\" in postern.toml; 'ip link' lists "
                            "the interfaces"});
  } else if (!link->is_up) {
    findings.push_back({Severity::error,
                        "wan-down",
                        "the WAN interface " + patient.wan + " is down",
                        "nothing can be mapped until it is up",
                        {"ip link set " + patient.wan + " up"},
                        ""});
  } else {
    examine_wan_address(patient, findings);
  }
}

void examine_lan(const Patient& patient, std::vector<Finding>& findings) {
  if (patient.lan.empty()) {
    findings.push_back({Severity::error,
                        "lan-unknown",
                        "no interface looks like a LAN: none but the WAN has a private address",
                        "requests are answered on LAN interfaces only",
                        {},
                        "name it in postern.toml: lan = [\"...\"]"});
  }
  for (const auto& name : patient.lan) {
    const auto* link = patient.link(name);
    if (link == nullptr) {
      findings.push_back({Severity::error,
                          "lan-absent",
                          "there is no interface " + name + ", which is to be a LAN",
                          "its hosts' requests are not answered",
                          {},
                          "correct lan in postern.toml; 'ip link' lists the interfaces"});
    } else if (!link->is_up || !link->interface.first_v4()) {
      findings.push_back(
          {Severity::error, "lan-not-ready",
           "the LAN interface " + name + (link->is_up ? " has no IPv4 address" : " is down"),
           "its hosts' requests are not answered",
           link->is_up ? std::vector<std::string>{}
                       : std::vector<std::string>{"ip link set " + name + " up"},
           link->is_up
               ? "give it an address, for example: ip address add 192.168.1.1/24 dev " + name
               : ""});
    }
  }
}

void examine_settings(const Patient& patient, std::vector<Finding>& findings) {
  const auto& facts = patient.facts;
  if (facts.forwards_ipv4 == false) {
    findings.push_back(
        {Severity::error,
         "ipv4-forwarding-off",
         "the kernel forwards no IPv4 packets (net.ipv4.ip_forward = 0)",
         "no packet for a mapped port reaches a host behind this gateway",
         {"sysctl -w net.ipv4.ip_forward=1"},
         "to keep it: a line 'net.ipv4.ip_forward=1' in /etc/sysctl.d/postern.conf"});
  }
  if (facts.forwards_ipv6 == false && patient.has_public_ipv6()) {
    findings.push_back(
        {Severity::warning,
         "ipv6-forwarding-off",
         "the kernel forwards no IPv6 packets (net.ipv6.conf.all.forwarding = 0)",
         "the LAN has public IPv6 addresses, but no packet from outside reaches them",
         {"sysctl -w net.ipv6.conf.all.forwarding=1"},
         "to keep it: a line 'net.ipv6.conf.all.forwarding=1' in /etc/sysctl.d/postern.conf; where "
         "the WAN gets its address by router advertisements, set accept_ra=2 there first"});
  }
  if (facts.bridge_calls_iptables == true) {
    findings.push_back(
        {Severity::warning,
         "bridge-netfilter",
         "packets inside of bridges pass the IP firewall (net.bridge.bridge-nf-call-iptables = 1)",
         "LAN hosts that reach each other by the WAN address may not get answers, and the host's "
         "filters act between hosts of one LAN",
         {"sysctl -w net.bridge.bridge-nf-call-iptables=0"},
         "Docker and Kubernetes set it; leave it where they need it"});
  }
}

}  // namespace

void examine_network(const Patient& patient, std::vector<Finding>& findings) {
  examine_wan(patient, findings);
  examine_lan(patient, findings);
  examine_settings(patient, findings);
}

}  // namespace postern::host
