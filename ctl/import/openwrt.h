#pragma once

#include <string>
#include <vector>

#include "core/result.h"
#include "ctl/import/source.h"
#include "ctl/import/uci_reader.h"

namespace postern::ctl::miniupnpd {

/// Where miniupnpd keeps leases on OpenWrt unless /etc/config/upnpd says otherwise. Those of IPv6
/// are beside it, in a file that ends with "-ipv6".
inline constexpr const char* kOpenWrtLeaseFile = "/var/run/miniupnpd.leases";

/// Makes of /etc/config/upnpd, old and new (version 2), what OpenWrt's start script makes of it.
/// `network` are the sections of /etc/config/network, which knows the device of each network;
/// empty when it is not at hand. The error names every line that the script could not use.
[[nodiscard]] Result<Source, Notes> read_openwrt(const std::vector<UciSection>& sections,
                                                 const std::vector<UciSection>& network);

}  // namespace postern::ctl::miniupnpd
