#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/address.h"
#include "host/foreign_rules.h"
#include "host/links.h"
#include "host/processes.h"

namespace postern::host {

/// What the user wants of the gateway, as the configuration says it.
struct DoctorSettings {
  /// Absent: the interface of the default route.
  std::optional<std::string> wan;
  /// Empty: all others with a private IPv4 address.
  std::vector<std::string> lan;
  std::uint32_t forward_mark = 0x10000000;
  std::string backend = "nftables";
  /// Whether posternd keeps its mark rule in iptables-nft chains (firewall = "auto").
  bool adapts_host_firewall = true;
  /// What the Internet sees, where that is not the WAN interface's address.
  std::optional<Address> external_address;
};

/// What was seen on the gateway. Whatever is absent could not be read, or is not there.
struct HostFacts {
  std::vector<HostLink> links;
  std::optional<std::string> default_route;
  /// net.ipv4.ip_forward and net.ipv6.conf.all.forwarding.
  std::optional<bool> forwards_ipv4;
  std::optional<bool> forwards_ipv6;
  /// net.bridge.bridge-nf-call-iptables.
  std::optional<bool> bridge_calls_iptables;
  /// Whether this process has CAP_NET_ADMIN.
  bool has_net_admin = false;
  std::optional<ForeignRuleset> ruleset;
  /// Why there is no ruleset.
  std::string ruleset_error;
  std::optional<bool> has_own_table;
  std::optional<bool> has_legacy_iptables;
  bool posternd_runs = false;
  /// Whether posternd has CAP_NET_ADMIN; absent when it does not run or hides.
  std::optional<bool> posternd_has_net_admin;
  /// Who holds the ports that Postern serves.
  std::vector<PortHolder> holders;
  /// Other daemons of the same kind.
  std::vector<Process> rivals;
};

/// Looks around in the calling thread's network namespace. Changes nothing.
[[nodiscard]] HostFacts collect_host_facts();

/// What the kernel calls a process of the daemon.
inline constexpr const char* kPosterndName = "posternd";

}  // namespace postern::host
