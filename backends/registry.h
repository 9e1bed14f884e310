#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/firewall_backend.h"
#include "core/result.h"

namespace postern {

struct BackendOptions {
  /// One bit of the packet mark, set on packets that the host's firewall shall let through.
  std::uint32_t forward_mark = 0x10000000;
  /// False: renew by replacing, also where the firewall can renew in place. For nftables.
  bool allow_renewal_in_place = true;
  /// UDP ports that this daemon serves: open to the LAN interfaces, closed to all others.
  std::vector<std::uint16_t> own_udp_ports = {};
};

/// The names that open_backend() knows: nftables; iptables, for hosts without nf_tables and up to
/// 1,000 mappings; memory, which opens nothing.
[[nodiscard]] std::vector<std::string_view> backend_names();

/// Makes the backend of this name; an unknown name is an error that lists the known ones.
[[nodiscard]] Result<std::unique_ptr<FirewallBackend>, BackendError> open_backend(
    std::string_view name, const BackendOptions& options);

}  // namespace postern
