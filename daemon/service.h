#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/firewall_backend.h"
#include "core/gateway.h"
#include "daemon/asio.h"
#include "daemon/config.h"
#include "daemon/deadline.h"
#include "daemon/exit_code.h"
#include "daemon/http_port.h"
#include "daemon/log.h"
#include "daemon/netlink_monitor.h"
#include "daemon/udp_port.h"
#include "protocols/natpmp/frontend.h"
#include "protocols/version_demux.h"

namespace postern {

/// The gateway with its sockets, timer, signals and log: everything that main() starts.
class Service {
 public:
  Service(const Config& config, FirewallBackend& backend);

  /// Serves until TERM or INT, or says why it cannot and ends.
  [[nodiscard]] ExitCode run();

 private:
  /// Why the service cannot start.
  struct StartError {
    ExitCode exit_code = ExitCode::failure;
    std::string text;
  };
  using Started = Result<void, StartError>;

  [[nodiscard]] Started start();
  [[nodiscard]] Started read_network();
  /// Opens a port on each LAN interface that appeared and closes those of interfaces that went.
  [[nodiscard]] Result<void, std::string> match_ports();
  void watch(UdpPort& port);
  void watch_signals();
  void on_network_change();
  /// Does what a turn asks for: log, send, set the next deadline.
  void finish(const Turn& turn, Moment now);
  void log_events(const Turn& turn, Moment now);

  const Config& config_;
  FirewallBackend& backend_;
  asio::io_context io_{1};
  natpmp::Frontend natpmp_;
  VersionDemux demux_;
  Gateway gateway_;

  std::unique_ptr<NetlinkMonitor> monitor_;
  std::vector<std::string> lan_names_;
  Network network_;
  std::vector<std::shared_ptr<UdpPort>> ports_;
  HttpPort http_;
  Deadline deadline_;
  asio::signal_set signals_;
  LogLimit log_limit_;
};

}  // namespace postern
