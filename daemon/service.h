#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/firewall_backend.h"
#include "core/gateway.h"
#include "daemon/asio.h"
#include "daemon/background_flow_table.h"
#include "daemon/config.h"
#include "daemon/control_port.h"
#include "daemon/deadline.h"
#include "daemon/exit_code.h"
#include "daemon/host_firewall.h"
#include "daemon/http_port.h"
#include "daemon/kernel_clients.h"
#include "daemon/log.h"
#include "daemon/neighbour_watch.h"
#include "daemon/netlink_monitor.h"
#include "daemon/sqlite_store.h"
#include "daemon/status_json.h"
#include "daemon/turn_counters.h"
#include "daemon/turn_keeper.h"
#include "daemon/udp_port.h"
#include "daemon/upnp_device.h"
#include "protocols/natpmp/frontend.h"
#include "protocols/pcp/frontend.h"
#include "protocols/port_demux.h"
#include "protocols/version_demux.h"

namespace postern {

/// The gateway with its sockets, timer, signals and log: everything that main() starts.
class Service {
 public:
  /// Reads the configuration again, from where it came.
  using Reread = std::function<Result<Config, ConfigErrors>()>;

  Service(Config config, FirewallBackend& backend, std::unique_ptr<FlowTable> flows, Reread reread);

  /// Serves until TERM or INT, or says why it cannot and ends.
  [[nodiscard]] ExitCode run();

 private:
  /// Why the service cannot start.
  struct StartError {
    ExitCode exit_code = ExitCode::failure;
    std::string text;
  };
  using Started = Result<void, StartError>;

  /// After this, what failed about the network is tried again.
  static constexpr Seconds kNetworkRetryPause{1};

  [[nodiscard]] Started start();
  [[nodiscard]] Started read_network();
  /// Says what in the configuration and the network an operator should know.
  void warn(const NetworkFacts& facts) const;
  /// What could not be opened: one of those without which the daemon must not start, and one of the
  /// others.
  struct Unopened {
    std::string vital;
    std::string other;
  };
  /// Opens the ports on each LAN interface that lack and closes those of interfaces that went.
  [[nodiscard]] Unopened match_ports();
  [[nodiscard]] UpnpDevice::Reactions reactions_to_upnp();
  [[nodiscard]] std::vector<PortDemux::Served> served();
  /// Tells the LAN that the device goes, and ends.
  void stop();
  [[nodiscard]] ControlActions control_actions();
  [[nodiscard]] Result<AddedMapping, ControlError> add(const StaticMapping& wanted);
  [[nodiscard]] Result<void, ControlError> remove(MappingId id);
  /// Whether what was done outlives the daemon now.
  [[nodiscard]] Kept kept() const;
  void history(const HistoryQuery& query, Told<std::vector<HistoryEntry>> told);
  void watch(UdpPort& port);
  void watch_signals();
  [[nodiscard]] HostFirewall::Reactions reactions_to_host();
  void note_purge(const Result<std::size_t, std::string>& purged);
  [[nodiscard]] NeighbourWatch::Heard neighbours_heard();
  /// Reads the network and adapts to it; when something of this failed, again a second later.
  void follow_network();
  [[nodiscard]] Result<void, std::string> adapt_to_network(Moment now);
  /// What an earlier run left; says so when nothing can be kept.
  [[nodiscard]] StoredState load_state(Moment now);
  /// Puts other rules, limits and mappings in force, and names what must wait for a restart. A bad
  /// file changes nothing.
  [[nodiscard]] Result<std::vector<std::string>, ConfigErrors> reload();
  void tell_store_health(const StoreHealth& health);
  [[nodiscard]] ShellStatus shell_status() const;
  /// The document of GET /metrics.
  [[nodiscard]] std::string metrics() const;
  void warn_of_unopened(Moment now);
  /// Says what keeps the firewall from holding hosts to their pace; each thing once.
  void warn_of_pacing();
  /// Does what a turn asks for: set the next deadline, log, keep and, when that may be, send.
  void finish(Turn turn, Moment now);
  void send(const Turn& turn);
  void log_turn(const Turn& turn, Moment now);
  /// Whether another line may be logged; every message that can repeat asks this.
  [[nodiscard]] bool may_log(Moment now);

  /// As it is in force.
  Config config_;
  Reread reread_;
  FirewallBackend& backend_;
  asio::io_context io_{1};
  BackgroundFlowTable flows_;
  natpmp::Frontend natpmp_;
  pcp::Frontend pcp_;
  VersionDemux demux_;
  /// Absent when UPnP is switched off.
  std::unique_ptr<UpnpDevice> upnp_;
  PortDemux ports_demux_;
  TurnKeeper keeper_;
  /// The keeper's; null when nothing is kept.
  SqliteStore* store_ = nullptr;
  /// What it told last; of one that cannot be used, why.
  StoreHealth store_health_;
  bool is_elapsed_unknown_ = false;
  KernelClients clients_;
  Gateway gateway_;

  std::unique_ptr<NetlinkMonitor> monitor_;
  std::unique_ptr<NeighbourWatch> neighbours_;
  /// Since start() went well.
  bool is_serving_ = false;
  std::vector<std::string> warnings_at_start_;
  std::vector<std::string> lan_names_;
  Network network_;
  std::vector<std::shared_ptr<UdpPort>> ports_;
  HttpPort http_;
  ControlPort control_;
  /// Absent with the memory backend, which has nothing to do with this machine's firewall.
  std::optional<HostFirewall> host_;
  Deadline deadline_;
  /// When to read the network again.
  Deadline network_deadline_;
  /// Not before this, however often the kernel tells of changes.
  Moment next_network_read_{};
  /// What was last wrong with the network and is not mended; "" when nothing is.
  std::string network_trouble_;
  /// What was last wrong with the firewall's pace; "" when nothing is.
  std::string pacing_trouble_;
  /// How many datagrams the kernel did not take.
  std::uint64_t unsent_ = 0;
  TurnCounters turns_;
  asio::signal_set signals_;
  LogLimit log_limit_;
};

}  // namespace postern
