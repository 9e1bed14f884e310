#include "host/doctor.h"

#include <algorithm>

#include "host/diagnosis.h"

namespace postern::host {
namespace {

[[nodiscard]] bool is_private(const Address& address) {
  static const Prefix kNetworks[] = {Prefix(Address::v4({10, 0, 0, 0}), 8),
                                     Prefix(Address::v4({172, 16, 0, 0}), 12),
                                     Prefix(Address::v4({192, 168, 0, 0}), 16)};
  return std::any_of(std::begin(kNetworks), std::end(kNetworks),
                     [&](const Prefix& network) { return network.contains(address); });
}

[[nodiscard]] bool has_private_ipv4(const HostLink& link) {
  const auto& addresses = link.interface.addresses;
  return std::any_of(addresses.begin(), addresses.end(),
                     [](const InterfaceAddress& own) { return is_private(own.address); });
}

}  // namespace

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::error:
      return "error";
    case Severity::warning:
      return "warning";
    case Severity::info:
      return "info";
  }
  return "?";
}

const HostLink* Patient::link(std::string_view name) const {
  const auto found = std::find_if(facts.links.begin(), facts.links.end(),
                                  [&](const HostLink& one) { return one.interface.name == name; });
  return found == facts.links.end() ? nullptr : &*found;
}

bool Patient::has_public_ipv6() const {
  static const Prefix kGlobalUnicast(Address::v6({0x20}), 3);
  return std::any_of(lan.begin(), lan.end(), [&](const std::string& name) {
    const auto* found = link(name);
    if (found == nullptr) return false;
    const auto& addresses = found->interface.addresses;
    return std::any_of(addresses.begin(), addresses.end(), [](const InterfaceAddress& own) {
      return kGlobalUnicast.contains(own.address);
    });
  });
}

bool Patient::has_private_ipv4_lan() const {
  return std::any_of(lan.begin(), lan.end(), [&](const std::string& name) {
    const auto* found = link(name);
    return found != nullptr && has_private_ipv4(*found);
  });
}

Patient patient_of(const HostFacts& facts, const DoctorSettings& settings) {
  Patient patient{facts, settings, settings.wan.value_or(facts.default_route.value_or("")),
                  settings.lan};
  if (!patient.lan.empty()) return patient;
  for (const auto& link : facts.links) {
    const auto& name = link.interface.name;
    if (link.is_loopback || name == patient.wan || !has_private_ipv4(link)) continue;
    patient.lan.push_back(name);
  }
  return patient;
}

std::vector<Finding> diagnose(const HostFacts& facts, const DoctorSettings& settings) {
  const auto patient = patient_of(facts, settings);
  std::vector<Finding> findings;
  examine_processes(patient, findings);
  examine_network(patient, findings);
  if (facts.ruleset) examine_firewall(patient, findings);
  std::stable_sort(findings.begin(), findings.end(), [](const Finding& left, const Finding& right) {
    return left.severity < right.severity;
  });
  return findings;
}

}  // namespace postern::host
