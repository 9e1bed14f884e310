#pragma once

#include <string>
#include <vector>

#include "core/mapping.h"
#include "core/mapping_table.h"
#include "core/policy.h"
#include "core/refusal.h"
#include "core/table_event.h"

namespace postern {

/// "opened udp 203.0.113.1:4000 to 192.168.1.10:4000 for 60 s (natpmp 192.168.1.10 by "high
/// ports")", and behind it why, unless a client asked or a lease ended; "for good" is a lease
/// without end. Nothing for renewals. Behind it a line for each claim that fell while others keep
/// the mapping open, unless its client gave it back or its lease ended: "closed for natpmp
/// 192.168.1.10, open for others: …; cause: policy".
[[nodiscard]] std::vector<std::string> lines_of(const TableEvent& event, const Policy& policy);
/// "not restored: …; cause: external_port_taken".
[[nodiscard]] std::string line_of(const MappingTable::Unrestored& unrestored, const Policy& policy);

/// "refused udp to 192.168.1.10:22 (natpmp 192.168.1.10); cause: not_authorized by "my rule"".
[[nodiscard]] std::string line_of(const Refusal& refusal);

}  // namespace postern
