#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/protocol.h"

/// Who else runs on this gateway. `proc` is for tests.
namespace postern::host {

struct Process {
  int pid = 0;
  /// As the kernel has it: at most 15 octets.
  std::string name;

  friend bool operator==(const Process&, const Process&) = default;
};

/// Those of these names. Where that can be told, only those in the calling thread's network
/// namespace.
[[nodiscard]] std::vector<Process> processes_named(const std::vector<std::string>& names,
                                                   const std::string& proc = "/proc");

/// A socket that takes packets on a port: a listening TCP one, or a UDP one without a peer.
struct PortHolder {
  Protocol protocol = Protocol::udp;
  std::uint16_t port = 0;
  /// Absent when this process may not know.
  std::optional<Process> process;

  friend bool operator==(const PortHolder&, const PortHolder&) = default;
};

struct WatchedPort {
  Protocol protocol = Protocol::udp;
  std::uint16_t port = 0;
};

/// Who holds these ports on any address but those of the loopback, in the calling thread's network
/// namespace; each process once a port.
[[nodiscard]] std::vector<PortHolder> port_holders(const std::vector<WatchedPort>& ports,
                                                   const std::string& proc = "/proc");

/// Whether a posternd serves the calling thread's network namespace.
[[nodiscard]] bool is_posternd_running(const std::string& proc = "/proc");

/// Whether a process has CAP_NET_ADMIN. `pid` is a directory below /proc: a number or
/// "thread-self". Nothing when it cannot be read.
[[nodiscard]] std::optional<bool> has_net_admin(const std::string& pid,
                                                const std::string& proc = "/proc");

}  // namespace postern::host
