#pragma once

#include <vector>

#include "ctl/import/openwrt_names.h"
#include "ctl/import/source.h"
#include "ctl/import/uci_reader.h"

namespace postern::ctl::miniupnpd {

/// Reads the sections "internal_network", with their presets, and "perm_rule" into LANs and rules,
/// in the order that OpenWrt's start script gives them.
void read_access(const std::vector<UciSection>& sections, const NetworkNames& names, Source& source,
                 Notes& errors);

}  // namespace postern::ctl::miniupnpd
