#pragma once

#include <string>
#include <vector>

#include "host/doctor.h"

/// The parts of diagnose().
namespace postern::host {

/// The facts with the gateway's sides told apart.
struct Patient {
  const HostFacts& facts;
  const DoctorSettings& settings;
  /// Empty: not known.
  std::string wan;
  std::vector<std::string> lan;

  /// Null when there is no such interface.
  [[nodiscard]] const HostLink* link(std::string_view name) const;
  /// Whether IPv6 hosts of the LAN can be reached from the Internet at all.
  [[nodiscard]] bool has_public_ipv6() const;
  [[nodiscard]] bool has_private_ipv4_lan() const;
};

[[nodiscard]] Patient patient_of(const HostFacts& facts, const DoctorSettings& settings);

/// Interfaces, addresses, routes, settings of the kernel.
void examine_network(const Patient& patient, std::vector<Finding>& findings);
/// Processes, privileges and ports.
void examine_processes(const Patient& patient, std::vector<Finding>& findings);
/// The rules of others. HostFacts::ruleset is there.
void examine_firewall(const Patient& patient, std::vector<Finding>& findings);

}  // namespace postern::host
