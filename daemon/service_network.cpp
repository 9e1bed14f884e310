#include <algorithm>

#include "daemon/clock.h"
#include "daemon/lan_ports.h"
#include "daemon/network_facts.h"
#include "daemon/service.h"

// What a service makes of the network, at the start and later.
namespace postern {
namespace {

/// How often the network is read at most. A flapping link must not keep us from the clients.
constexpr Milliseconds kNetworkReadPause{200};

}  // namespace

Service::Started Service::read_network() {
  auto opened = NetlinkMonitor::open(io_);
  if (!opened) return fail(StartError{ExitCode::failure, std::move(opened.error())});
  monitor_ = std::move(*opened);
  auto neighbours = NeighbourWatch::open(io_);
  if (!neighbours) return fail(StartError{ExitCode::failure, std::move(neighbours.error())});
  neighbours_ = std::move(*neighbours);
  // Before the first question.
  neighbours_->watch(neighbours_heard());
  const auto facts = monitor_->read();
  if (!facts) return fail(StartError{ExitCode::failure, facts.error()});
  auto lan = choose_lan(*facts, config_.wan, config_.lan);
  if (!lan) {
    return fail(
        StartError{ExitCode::not_configured, lan.error() + "; set for example lan = [\"br-lan\"]"});
  }
  lan_names_ = std::move(*lan);
  network_ = choose_network(*facts, config_.wan, lan_names_);
  clients_.follow(network_);
  warn(*facts);
  if (upnp_ && !upnp_->trouble().empty()) warnings_at_start_.push_back(upnp_->trouble());
  return {};
}

void Service::warn(const NetworkFacts& facts) const {
  for (const auto& interface : network_.lan) {
    if (interface.index == 0) {
      spdlog::warn("{} does not exist; waiting for it", interface.name);
    } else if (!config_.wan && interface.index == facts.default_route_index) {
      spdlog::warn(
          "the default route leaves through {}, which is a LAN interface, so there is no WAN; set "
          "wan or lan",
          interface.name);
    }
  }
  for (const auto& warning : config_.warnings) spdlog::warn("{}", to_string(warning));
  if (!config_.status_listen.address.is_loopback()) {
    spdlog::warn("status.listen is no loopback address: who reaches {} can read the status",
                 to_string(config_.status_listen));
  }
}

Service::Unopened Service::match_ports() {
  const auto wanted = wanted_udp_ports(network_, config_);
  std::erase_if(ports_, [&](const auto& port) {
    return std::find(wanted.begin(), wanted.end(), port->at()) == wanted.end();
  });
  Unopened unopened;
  for (const auto& at : wanted) {
    const bool is_open = std::any_of(ports_.begin(), ports_.end(),
                                     [&](const auto& port) { return port->at() == at; });
    if (is_open) continue;
    if (auto opened = UdpPort::open(io_, at)) {
      ports_.push_back(std::move(*opened));
    } else {
      // Another process may have UPnP's ports; that is no reason not to serve the rest.
      (at.groups.empty() ? unopened.vital : unopened.other) = std::move(opened.error());
    }
  }
  if (upnp_) {
    auto listening = upnp_->listen(network_);
    if (!listening) unopened.other = std::move(listening.error());
  }
  return unopened;
}

void Service::follow_network() {
  const Moment moment = now();
  next_network_read_ = moment + kNetworkReadPause;
  const auto adapted = adapt_to_network(moment);
  if (!adapted) network_deadline_.set(moment + kNetworkRetryPause);
  // What fails every second is told once.
  std::string trouble = adapted ? "" : adapted.error();
  if (trouble == network_trouble_) return;
  network_trouble_ = std::move(trouble);
  if (!may_log(moment)) return;
  if (adapted) {
    spdlog::info("the network interfaces are served again");
  } else {
    spdlog::error("{}; trying again every second", network_trouble_);
  }
}

Result<void, std::string> Service::adapt_to_network(Moment now) {
  const auto facts = monitor_->read();
  if (!facts) return fail(facts.error());
  auto network = choose_network(*facts, config_.wan, lan_names_);
  const bool is_changed = network != network_;
  network_ = std::move(network);
  clients_.follow(network_);
  const auto had = ports_;
  auto unopened = match_ports();
  for (const auto& port : ports_) {
    if (std::find(had.begin(), had.end(), port) == had.end()) watch(*port);
  }
  if (is_changed) finish(gateway_.on_network(network_, now), now);
  if (is_changed) warn_of_pacing();
  if (is_changed && host_) host_->follow(network_);
  auto& trouble = unopened.vital.empty() ? unopened.other : unopened.vital;
  if (!trouble.empty()) return fail(std::move(trouble));
  return {};
}

}  // namespace postern
