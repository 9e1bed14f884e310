#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "core/backend_options.h"
#include "core/firewall_backend.h"
#include "core/flow_table.h"
#include "core/result.h"
#include "netlink/writer.h"

namespace postern {

/// The names that open_backend() knows: nftables; iptables, for hosts without nf_tables and up to
/// 1,000 mappings; memory, which opens nothing.
[[nodiscard]] std::vector<std::string_view> backend_names();

/// Makes the backend of this name; an unknown name is an error that lists the known ones.
[[nodiscard]] Result<std::unique_ptr<FirewallBackend>, BackendError> open_backend(
    std::string_view name, const BackendOptions& options);

/// The sockets through which this backend changes the kernel's rules, for telling its changes from
/// those of others. None when it does not do so itself. Good as long as the backend.
[[nodiscard]] std::vector<netlink::Writer> rules_writers(const FirewallBackend& backend);

/// How the names begin of chains that this backend has in iptables' own tables; empty when it has
/// none there.
[[nodiscard]] std::string_view chains_among_others(const FirewallBackend& backend);

/// Whether the kernel is silent about changes to this backend's rules, so that is_intact() is to be
/// asked from time to time.
[[nodiscard]] bool changes_silently(const FirewallBackend& backend);

/// The kernel's connections, as far as they matter to this backend; an error says why they cannot
/// be had.
[[nodiscard]] Result<std::unique_ptr<FlowTable>, std::string> open_flow_table(
    std::string_view backend, const BackendOptions& options);

}  // namespace postern
