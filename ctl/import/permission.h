#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"
#include "ctl/import/source.h"

namespace postern::ctl::miniupnpd {

/// Whether a line of miniupnpd.conf is meant as a permission rule.
[[nodiscard]] bool is_permission(std::string_view line);

/// Reads one; `line` of the result is 0. The error says what it should be.
[[nodiscard]] Result<PermissionRule, std::string> parse_permission(std::string_view line);

/// Reads "80", "1024-65535" or "1024:65535", of 0 to 65535. A range that is turned around has no
/// ports, and 0 is none.
[[nodiscard]] std::optional<PortSet> parse_ports(std::string_view text);

/// Reads "192.168.1.0/24", "192.168.1.0/255.255.255.0" or "192.168.1.1".
[[nodiscard]] std::optional<Prefix> parse_hosts(std::string_view text);

}  // namespace postern::ctl::miniupnpd
