#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "backends/nftables/elements.h"
#include "netlink/batch.h"

/// The table and everything in it that does not change with the doors.
namespace postern::nftables {

/// What the rules are made for.
struct RulesetOptions {
  /// Empty: there is no outside now, so nothing is translated on its way out.
  std::string wan;
  std::vector<std::string> lan;
  std::uint32_t forward_mark = 0;
  std::vector<std::uint16_t> own_udp_ports;
};

/// nft add table inet TABLE
void put_table(netlink::Batch& batch, const char* table);

/// nft delete table inet TABLE, which may also be absent.
void put_no_table(netlink::Batch& batch, const char* table);

/// nft add map inet TABLE dnat4 { … }, and likewise for the others.
void put_container(netlink::Batch& batch, const char* table, Container container);

/// The table with its containers, chains and rules, in the place of any table of that name.
void put_ruleset(netlink::Batch& batch, const char* table, const RulesetOptions& options);

}  // namespace postern::nftables
