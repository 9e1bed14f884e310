#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/network.h"
#include "core/result.h"

namespace postern::host {

/// An interface of this network namespace. Its addresses are in the kernel's order.
struct HostLink {
  Interface interface;
  bool is_up = false;
  bool is_loopback = false;

  friend bool operator==(const HostLink&, const HostLink&) = default;
};

/// Those there are now. The error is a sentence for the user.
[[nodiscard]] Result<std::vector<HostLink>, std::string> read_links();

/// The interface of the IPv4 default route with the lowest metric, of the main table. `proc_net` is
/// for tests.
[[nodiscard]] std::optional<std::string> read_default_route(
    const std::string& proc_net = "/proc/thread-self/net");

}  // namespace postern::host
