#include "daemon/service.h"

#include <csignal>
#include <random>

#include "backends/registry.h"
#include "daemon/clock.h"
#include "daemon/systemd_notify.h"
#include "daemon/turn_log.h"
#include "daemon/version.h"

namespace postern {
namespace {

[[nodiscard]] GatewayOptions gateway_options(const Config& config, ClientDirectory& clients) {
  std::random_device system;
  const std::uint64_t seed = (std::uint64_t{system()} << 32) | system();
  GatewayOptions options;
  options.policy = Policy(config.rules, config.limits, &clients);
  options.static_mappings = config.mappings;
  options.external_address = config.external_address;
  options.keeps_established_tcp = config.keeps_established_tcp;
  options.host_grace = config.host_grace;
  options.requests_per_second = config.requests_per_second;
  options.random_seed = seed;
  if (config.upnp.enabled) {
    options.multicast_groups.assign(upnp::ssdp_groups().begin(), upnp::ssdp_groups().end());
  }
  return options;
}

/// "NAT-PMP, PCP and UPnP".
[[nodiscard]] std::string protocols_of(const Config& config) {
  std::vector<std::string> names;
  if (config.natpmp_enabled) names.emplace_back("NAT-PMP");
  if (config.pcp_enabled) names.emplace_back("PCP");
  if (config.upnp.enabled) names.emplace_back("UPnP");
  if (names.empty()) return "nothing";
  std::string text = names.front();
  for (std::size_t i = 1; i < names.size(); ++i) {
    text += (i + 1 == names.size() ? " and " : ", ") + names[i];
  }
  return text;
}

}  // namespace

Service::Service(Config config, FirewallBackend& backend, std::unique_ptr<FlowTable> flows,
                 Reread reread)
    : config_(std::move(config)),
      reread_(std::move(reread)),
      backend_(backend),
      flows_(std::move(flows),
             [this](Result<std::size_t, std::string> purged) {
               asio::post(io_, [this, purged = std::move(purged)] { note_purge(purged); });
             }),
      natpmp_({config_.natpmp_announces_to_5351}),
      pcp_(config_.pcp, flows_),
      demux_(config_.natpmp_enabled ? &natpmp_ : nullptr, config_.pcp_enabled ? &pcp_ : nullptr),
      upnp_(config_.upnp.enabled
                ? std::make_unique<UpnpDevice>(io_, config_, backend, reactions_to_upnp())
                : nullptr),
      ports_demux_(served()),
      keeper_([this](const Turn& turn) { send(turn); }),
      gateway_(gateway_options(config_, clients_), backend, flows_, ports_demux_, now(),
               upnp_ ? &upnp_->control() : nullptr),
      http_(io_,
            [this](const std::string& path) {
              if (path == "/api/v1/status") {
                return HttpAnswer{true, status_json(gateway_, shell_status(), now())};
              }
              if (path == "/metrics") return HttpAnswer{true, metrics(), kMetricsType};
              return HttpAnswer{};
            }),
      control_(io_, control_actions(), own_control_options()),
      deadline_(io_,
                [this] {
                  const Moment moment = now();
                  finish(gateway_.on_timeout(moment), moment);
                }),
      network_deadline_(io_, [this] { follow_network(); }),
      signals_(io_, SIGTERM, SIGINT, SIGHUP) {
  if (config_.backend == "memory") return;
  HostFirewall::Options options;
  options.own_chains = chains_among_others(backend);
  // Where our own chains let packets through, no mark is needed.
  if (config_.adapts_host_firewall && options.own_chains.empty()) {
    options.mark = config_.forward_mark;
  }
  options.doubts_regularly = changes_silently(backend);
  host_.emplace(io_, options, reactions_to_host());
}

ExitCode Service::run() {
  if (const auto started = start(); !started) {
    spdlog::error("{}", started.error().text);
    return started.error().exit_code;
  }
  notify_service_manager("READY=1");
  io_.run();
  notify_service_manager("STOPPING=1");
  spdlog::info("stopped; open doors stay open until {}",
               backend_.capabilities().ends_leases ? "their leases end" : "the next start");
  return ExitCode::success;
}

Service::Started Service::start() {
  if (auto read = read_network(); !read) return read;
  // The ports come first: when another daemon has them, its firewall table must stay untouched.
  if (auto unopened = match_ports(); !unopened.vital.empty()) {
    return fail(StartError{ExitCode::failure, std::move(unopened.vital)});
  } else if (!unopened.other.empty()) {
    warnings_at_start_.push_back(unopened.other + "; trying again every second");
    network_trouble_ = std::move(unopened.other);
    network_deadline_.set(now() + kNetworkRetryPause);
  }
  if (auto listening = http_.listen(config_.status_listen); !listening) {
    return fail(StartError{ExitCode::failure, std::move(listening.error())});
  }
  // Without it the gateway works as well; it only cannot be asked.
  if (auto listening = control_.listen(config_.runtime_dir); !listening) {
    warnings_at_start_.push_back(std::move(listening.error()));
  }
  // Before our rules stand, so that nothing done to them goes unheard; and before the first
  // request, so that no port that somebody else uses is handed out.
  if (host_) host_->start(rules_writers(backend_), network_);
  const Moment moment = now();
  auto turn = gateway_.start(network_, load_state(moment), moment);
  if (!turn) {
    const auto code = turn.error().permission_denied ? ExitCode::no_privilege : ExitCode::failure;
    return fail(StartError{code, turn.error().reason});
  }
  finish(std::move(*turn), moment);
  warn_of_unopened(moment);
  warn_of_pacing();
  for (const auto& port : ports_) watch(*port);
  // Due at once, unless the network was read just now.
  monitor_->watch([this] { network_deadline_.set(next_network_read_); });
  // What changed between reading and watching has been told to the monitor's socket meanwhile.
  watch_signals();
  is_serving_ = true;
  for (const auto& text : warnings_at_start_) spdlog::warn("{}", text);
  spdlog::info("posternd {} serves {} with {}", kVersion, protocols_of(config_), backend_.name());
  return {};
}

UpnpDevice::Reactions Service::reactions_to_upnp() {
  return {
      .on_header =
          [this](const HttpRequest& request) { return gateway_.on_http_header(request, now()); },
      .on_request =
          [this](const HttpRequest& request) {
            AnswerTimer timer(turns_.answering);
            const Moment moment = now();
            if (host_) host_->prepare_turn(moment);
            auto turn = gateway_.on_http_request(request, moment);
            if (turn.replies.empty()) timer.dismiss();
            finish(std::move(turn), moment);
          },
      .on_callout_done =
          [this](std::uint64_t id, CalloutOutcome outcome) {
            const Moment moment = now();
            finish(gateway_.on_callout_done(id, outcome, moment), moment);
          },
  };
}

std::vector<PortDemux::Served> Service::served() {
  std::vector<PortDemux::Served> served{{natpmp::kServerPort, &demux_}};
  if (upnp_) served.push_back({upnp::kSsdpPort, &upnp_->discovery()});
  return served;
}

void Service::watch(UdpPort& port) {
  port.watch([this, &port] {
    AnswerTimer timer(turns_.answering);
    const Moment moment = now();
    if (host_) host_->prepare_turn(moment);
    const auto datagrams = port.receive();
    gateway_.on_overflow(port.take_overflow());
    auto turn = gateway_.on_datagrams(datagrams, moment);
    if (turn.send.empty()) timer.dismiss();
    finish(std::move(turn), moment);
  });
}

void Service::watch_signals() {
  signals_.async_wait([this](const auto& error, int signal) {
    if (error) return;
    if (signal != SIGHUP) {
      stop();
      return;
    }
    if (host_) host_->prepare_turn(now());
    (void)reload();
    watch_signals();
  });
}

void Service::stop() {
  if (upnp_) {
    const auto farewell = upnp_->discovery().farewell(gateway_.state());
    for (const auto& port : ports_) unsent_ += port->send(farewell);
  }
  io_.stop();
}

void Service::note_purge(const Result<std::size_t, std::string>& purged) {
  if (purged) {
    gateway_.on_flows_purged(*purged);
  } else if (may_log(now())) {
    spdlog::warn("{}", purged.error());
  }
}

NeighbourWatch::Heard Service::neighbours_heard() {
  return [this](std::span<const Neighbour> neighbours) {
    gateway_.on_neighbours(neighbours, now());
    deadline_.set(gateway_.next_timeout());
  };
}

HostFirewall::Reactions Service::reactions_to_host() {
  return {
      .table_changed =
          [this](std::string_view reason, const std::string& by) {
            const Moment moment = now();
            if (may_log(moment)) {
              spdlog::warn("our firewall table: {}{}{}; putting it back", reason,
                           by.empty() ? "" : " by ", by);
            }
            finish(gateway_.on_firewall_changed(reason, moment), moment);
          },
      .rules_in_doubt =
          [this] {
            if (backend_.is_intact()) return;
            const Moment moment = now();
            if (may_log(moment)) spdlog::warn("somebody changed our rules; putting them back");
            finish(gateway_.on_firewall_changed("rules changed", moment), moment);
          },
      .ports_occupied = [this](const OccupiedPorts& ports) { gateway_.on_occupied_ports(ports); },
      .done =
          [this](const std::string& text) {
            if (may_log(now())) spdlog::info("{}", text);
          },
      .failed =
          [this](const std::string& text) {
            // Should the start fail for the same reason, that is said once.
            if (!is_serving_) {
              warnings_at_start_.push_back(text);
            } else if (may_log(now())) {
              spdlog::warn("{}", text);
            }
          },
  };
}

void Service::finish(Turn turn, Moment now) {
  deadline_.set(gateway_.next_timeout());
  turns_.note(turn);
  log_turn(turn, now);
  keeper_.finish(std::move(turn), gateway_.epoch_starts(), now);
}

void Service::send(const Turn& turn) {
  for (const auto& port : ports_) unsent_ += port->send(turn.send);
  if (upnp_) upnp_->carry_out(turn);
  for (const auto& question : turn.questions) neighbours_->ask(question);
}

void Service::log_turn(const Turn& turn, Moment now) {
  for (const auto& reason : turn.backend_errors) {
    if (may_log(now)) spdlog::error("{}", reason);
  }
  for (const auto& unrestored : turn.unrestored) {
    if (may_log(now)) spdlog::warn("{}", line_of(unrestored, gateway_.state().table.policy()));
  }
  for (const auto& refusal : turn.refusals) {
    if (may_log(now)) spdlog::info("{}", line_of(refusal));
  }
  for (const auto& event : turn.events) {
    for (const auto& line : lines_of(event, gateway_.state().table.policy())) {
      if (may_log(now)) spdlog::info("{}", line);
    }
  }
}

bool Service::may_log(Moment now) {
  if (!log_limit_.allows(now)) return false;
  if (const auto left_out = log_limit_.take_left_out(); left_out > 0) {
    spdlog::warn("{} lines were left out here", left_out);
  }
  return true;
}

}  // namespace postern
