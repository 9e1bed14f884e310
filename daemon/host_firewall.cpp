#include "daemon/host_firewall.h"

#include <algorithm>

#include <fcntl.h>

#include "daemon/clock.h"
#include "host/foreign_forwards.h"
#include "host/foreign_rules.h"
#include "host/local_sockets.h"
#include "host/occupied_ports.h"

namespace postern {
namespace {

/// A reload of a host's firewall is many changes in a row. Until the mark rules are back, packets
/// are dropped, so they come soon.
constexpr Milliseconds kMarkDelay{5};
constexpr Milliseconds kMarkPause{50};
/// Looking whether our rules in iptables' tables are as we left them starts programs.
constexpr Milliseconds kDoubtDelay{50};
constexpr Seconds kDoubtPause{1};
constexpr Seconds kSilentDoubtPause{10};
/// Reading all rules of a large firewall takes a while, and forwards change seldom.
constexpr Milliseconds kForwardsDelay{100};
constexpr Seconds kForwardsPause{1};
constexpr Seconds kSocketsPause{5};
/// What fails because somebody changes rules meanwhile goes well the next time; what fails for
/// another reason may fail for ever.
constexpr Milliseconds kFirstRetry{50};
constexpr Milliseconds kLastRetry{60'000};

[[nodiscard]] host::Wan wan_of(const Network& network) {
  host::Wan wan;
  if (!network.wan) return wan;
  wan.interface = network.wan->name;
  for (const auto& own : network.wan->addresses) {
    if (own.address.is_v4()) wan.addresses.push_back(own.address);
  }
  return wan;
}

[[nodiscard]] std::string listed(const std::vector<std::string_view>& chains) {
  std::string text;
  for (const auto chain : chains) text += (text.empty() ? "" : ", ") + std::string(chain);
  return text;
}

}  // namespace

HostFirewall::HostFirewall(asio::io_context& io, const Options& options, Reactions reactions)
    : io_(io),
      options_(options),
      reactions_(std::move(reactions)),
      pace_deadline_(io, [this] { keep_pace(now()); }),
      doubt_deadline_(io, [this] { doubt(); }),
      marking_{Deadline(io, [this] { ensure_mark_rules(); })},
      reading_forwards_{Deadline(io, [this] { read_forwards(); })} {}

void HostFirewall::start(std::vector<netlink::Writer> own, const Network& network) {
  network_ = network;
  if (options_.mark) {
    if (auto opened = MarkRules::open()) {
      mark_rules_ = std::move(*opened);
      own.push_back(mark_rules_->writer());
    } else {
      reactions_.failed(opened.error());
    }
  }
  if (auto opened = RulesetWatch::open(std::move(own))) {
    ruleset_watch_ = std::move(*opened);
    const int readable = ::fcntl(ruleset_watch_->descriptor(), F_DUPFD_CLOEXEC, 0);
    if (readable >= 0) {
      readable_.emplace(io_, readable);
      watch();
    } else {
      reactions_.failed("no descriptor is left for hearing of changes to the firewall");
    }
  } else {
    reactions_.failed(opened.error());
  }
  ensure_mark_rules();
  read_forwards();
  read_sockets();
  if (options_.doubts_regularly) doubt_deadline_.set_no_later(now() + kSilentDoubtPause);
}

void HostFirewall::follow(const Network& network) {
  if (wan_of(network).addresses == wan_of(network_).addresses &&
      wan_of(network).interface == wan_of(network_).interface) {
    return;
  }
  network_ = network;
  read_sockets();
  reading_forwards_.deadline.set_no_later(std::max(now() + kForwardsDelay, reading_forwards_.next));
}

void HostFirewall::prepare_turn(Moment now) {
  if (now >= next_sockets_read_) read_sockets();
  // While it does not listen, the deadline is set.
  if (ruleset_watch_ && !ruleset_watch_->next_look()) keep_pace(now);
}

void HostFirewall::keep_pace(Moment now) {
  react(ruleset_watch_->keep_pace(now));
  pace_deadline_.set(ruleset_watch_->next_look());
}

void HostFirewall::watch() {
  readable_->async_wait(asio::posix::stream_descriptor::wait_read, [this](const auto& error) {
    if (error) return;  // Closed; this object may be gone.
    react(ruleset_watch_->drain());
    watch();
  });
}

void HostFirewall::react(const Seen& seen) {
  if (seen.ours) reactions_.table_changed(seen.reason, seen.by);
  if (!seen.others) return;
  const Moment moment = now();
  doubt_deadline_.set_no_later(std::max(moment + kDoubtDelay, next_doubt_));
  marking_.deadline.set_no_later(std::max(moment + kMarkDelay, marking_.next));
  reading_forwards_.deadline.set_no_later(
      std::max(moment + kForwardsDelay, reading_forwards_.next));
}

void HostFirewall::doubt() {
  reactions_.rules_in_doubt();
  const Moment moment = now();
  next_doubt_ = moment + kDoubtPause;
  if (options_.doubts_regularly) doubt_deadline_.set_no_later(moment + kSilentDoubtPause);
}

void HostFirewall::ensure_mark_rules() {
  if (!mark_rules_) return;
  const auto report = mark_rules_->ensure(*options_.mark);
  marking_.next = now() + kMarkPause;
  if (!report) {
    note_failure(marking_, report.error());
    return;
  }
  note_success(marking_);
  if (!report->put_back.empty()) {
    reactions_.done("put the rule for our mark into " + listed(report->put_back));
  }
}

void HostFirewall::read_forwards() {
  auto ruleset = host::read_foreign_ruleset();
  reading_forwards_.next = now() + kForwardsPause;
  if (!ruleset) {
    note_failure(reading_forwards_, ruleset.error());
    return;
  }
  note_success(reading_forwards_);
  if (!options_.own_chains.empty()) {
    std::erase_if(ruleset->chains, [this](const host::ForeignChain& chain) {
      return chain.name.starts_with(options_.own_chains);
    });
  }
  forwards_ = host::foreign_forwards(*ruleset, wan_of(network_).interface).ports;
  tell_ports();
}

void HostFirewall::read_sockets() {
  next_sockets_read_ = now() + kSocketsPause;
  const auto sockets = host::read_local_sockets();
  const std::string failure = sockets ? "" : sockets.error();
  if (failure != sockets_failure_ && !failure.empty()) reactions_.failed(failure);
  sockets_failure_ = failure;
  if (!sockets) return;
  sockets_ = host::socket_ports(*sockets, wan_of(network_));
  tell_ports();
}

void HostFirewall::tell_ports() {
  const auto all = host::united(forwards_, sockets_);
  if (told_ == all) return;
  told_ = all;
  reactions_.ports_occupied(all);
}

void HostFirewall::note_failure(Job& job, const std::string& text) {
  if (text != job.told) reactions_.failed(text);
  job.told = text;
  job.pause = std::clamp<Milliseconds>(2 * job.pause, kFirstRetry, kLastRetry);
  job.next = now() + job.pause;
  job.deadline.set(job.next);
}

void HostFirewall::note_success(Job& job) {
  job.told.clear();
  job.pause = {};
}

}  // namespace postern
