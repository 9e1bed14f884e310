#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backends/nftables/elements.h"
#include "backends/nftables/pace.h"
#include "core/address.h"
#include "core/own_port.h"
#include "netlink/batch.h"

/// The table and everything in it that does not change with the doors.
namespace postern::nftables {

/// What the rules are made for.
struct RulesetOptions {
  /// Empty: there is no outside now, so nothing is translated on its way out.
  std::string wan;
  std::vector<std::string> lan;
  /// IPv4 addresses of the WAN interface; the rules are as many.
  std::vector<Address> external_addresses;
  std::uint32_t forward_mark = 0;
  std::vector<OwnPort> own_ports;
  /// With a rate of 0 hosts may send as much as they like.
  Pace pace;
  /// The kernel keeps the table for the socket that made it (Linux 6.9).
  bool owns_table = false;
};

/// nft add table inet TABLE { flags owner, persist; }, or without flags
void put_table(netlink::Batch& batch, const char* table, bool is_owned = false);

/// nft delete table inet TABLE, which may also be absent.
void put_no_table(netlink::Batch& batch, const char* table);

/// nft add map inet TABLE dnat4 { … }, or nft add set …, as the container is
void put_container(netlink::Batch& batch, const char* table, Container container);

/// The table with its containers, chains and rules, in the place of any table of that name.
void put_ruleset(netlink::Batch& batch, const char* table, const RulesetOptions& options);

}  // namespace postern::nftables
