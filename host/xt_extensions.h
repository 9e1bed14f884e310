#pragma once

#include <cstdint>
#include <span>
#include <string_view>

#include "host/foreign_rules.h"

/// iptables-nft writes what nf_tables has no words for as the extensions of the older x_tables,
/// with their binary structures.
namespace postern::host {

/// iptables -m NAME …: adds to `match` what it asks.
void read_xt_match(std::string_view name, std::uint32_t revision,
                   std::span<const std::uint8_t> info, PacketMatch& match);

/// iptables -j NAME …: sets the rule's verdict and translation.
void read_xt_target(std::string_view name, ForeignRule& rule);

}  // namespace postern::host
